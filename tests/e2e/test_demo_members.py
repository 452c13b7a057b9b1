"""The demo's customer page on which people sign in, as `make up` prints it: what it promises in its words."""

from uuid import uuid4

import pytest
from playwright.async_api import Browser, Page, expect

from tests.e2e.conftest import PATIENCE_MS, Product, Widget, customers_page, inbox

VIC = "Vic Adams"


async def signs_in(page: Page, name: str = VIC) -> None:
    await page.get_by_role("button", name=f"Sign in as {name}").click()
    await expect(page.get_by_role("heading", name=f"Hello, {name}")).to_be_visible()


async def members(product: Product, browser: Browser) -> Widget:
    """A browser of its own on the page."""
    return await customers_page(browser, product.facts["members_page"])


async def test_the_team_reads_who_signed_in_and_another_browser_of_theirs_has_the_same_room(
    product: Product, browser: Browser
) -> None:
    question = f"Is it ready? {uuid4().hex[:6]}"
    desk = await members(product, browser)
    await signs_in(desk.page)
    await desk.open()
    await desk.tells(question)
    agent = await inbox(browser, product.tenant("acme"))
    await agent.get_by_role("link").filter(has_text=question).filter(has_text=VIC).click()
    who = agent.get_by_role("complementary", name="Visitor")
    await expect(who.get_by_role("heading", name=VIC)).to_be_visible()
    await expect(who.locator("div").filter(has=agent.get_by_text("Signed in as", exact=True)).last).to_contain_text("4711")
    phone = await members(product, browser)
    await signs_in(phone.page)
    await phone.open()
    await phone.sees(question)


async def test_who_signs_in_beside_an_open_chat_keeps_what_they_began_and_leaves_nothing(
    product: Product, browser: Browser
) -> None:
    visitor, mine = await members(product, browser), f"Mine alone {uuid4().hex[:6]}"
    await visitor.open()
    await visitor.composer.fill(mine)
    async with visitor.panel_comes():
        await signs_in(visitor.page, "Rosa Lind")
    await expect(visitor.composer).to_have_value(mine, timeout=PATIENCE_MS)
    await visitor.composer.press("Enter")
    await visitor.sees(mine)
    async with visitor.panel_comes():
        await visitor.page.get_by_role("button", name="Sign out").click()
    await expect(visitor.page.get_by_role("heading", name="Nobody is signed in")).to_be_visible()
    await visitor.composer.wait_for(timeout=PATIENCE_MS)
    assert await visitor.frame.get_by_text(mine).count() == 0


async def test_the_forms_do_without_the_page_s_script(product: Product, browser: Browser) -> None:
    context = await browser.new_context(java_script_enabled=False)
    page = await context.new_page()
    await page.goto(product.facts["members_page"])
    await signs_in(page)
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_role("heading", name="Nobody is signed in")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_it_fits_a_small_screen_and_breaks_no_rule_of_its_policy(product: Product, browser: Browser, scheme: str) -> None:
    context = await browser.new_context(viewport={"width": 320, "height": 640}, color_scheme=scheme)  # type: ignore[arg-type]
    page = await context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if message.type in ("error", "warning") else None)
    await page.goto(product.facts["members_page"])
    await signs_in(page)
    assert await page.evaluate("document.documentElement.scrollWidth") == 320
    assert said == []
