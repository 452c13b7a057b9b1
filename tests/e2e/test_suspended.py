"""Staff suspend a tenant while people talk, and let it on again."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, Page, expect

from tests.e2e.conftest import PATIENCE_MS, Product, Widget, customers_page, inbox

WORDS = "This chat is not available at the moment."
SUSPEND, RESUME = "Suspend", "Lift the suspension"


@pytest.fixture
async def staff(product: Product, browser: Browser) -> AsyncIterator[Page]:
    """Sam at the staff console; globex is let on again whatever happened."""
    page = await (await browser.new_context()).new_page()
    said = product.facts["staff"]
    await page.goto(said["url"])
    await page.get_by_label("Email").fill(said["email"])
    await page.get_by_label("Password").fill(said["password"])
    await page.get_by_role("button", name="Sign in", exact=True).click()
    await page.wait_for_url(said["url"])
    yield page
    if await open_globex(page, product, RESUME):
        await do(page, RESUME)


async def open_globex(staff: Page, product: Product, deed: str) -> bool:
    """Globex' page about money; whether the deed is offered there."""
    await staff.goto(f"{product.facts['staff']['url']}money/tenants/?q=globex")
    await staff.get_by_role("link", name="Globex").first.click()
    await staff.get_by_role("heading", name="What you may do").wait_for()
    return await staff.get_by_text(deed, exact=True).count() > 0


async def do(staff: Page, deed: str) -> None:
    """Do it, with a reason."""
    part = staff.locator("details").filter(has_text=deed)
    await part.locator("summary").click()
    await part.get_by_label("Why").fill("They asked for it.")
    await part.get_by_role("button", name=deed).click()
    await staff.wait_for_load_state()


async def told(visitor: Widget) -> None:
    """The panel says that it cannot go on, and offers nothing to write in."""
    await expect(visitor.frame.get_by_text(WORDS)).to_be_visible(timeout=PATIENCE_MS)
    await expect(visitor.frame.get_by_role("textbox")).to_have_count(0)


async def test_a_suspended_tenant_stops_at_once_and_goes_on_later(product: Product, browser: Browser, staff: Page) -> None:
    gus = await inbox(browser, product.tenant("globex"))
    there = product.tenant("globex")["demo_page"]
    visitor = await customers_page(browser, there)
    await visitor.open()
    await visitor.tells("Just before")
    assert await open_globex(staff, product, SUSPEND)
    await do(staff, SUSPEND)
    await told(visitor)
    await expect(gus.get_by_text("This tenant is suspended.")).to_be_visible(timeout=PATIENCE_MS)
    late = await customers_page(browser, there)
    await late.click_launcher()
    await told(late)
    assert await open_globex(staff, product, RESUME)
    await do(staff, RESUME)
    for one in (visitor, late):
        await one.frame.get_by_role("button", name="Try again").click()
        await one.composer.wait_for()
        await one.tells("Back again")
    await visitor.sees("Just before")
