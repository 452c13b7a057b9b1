"""The staff's page of live figures in a real browser: it follows what happens by itself, stops when told to, and fits a phone."""

import re

from playwright.async_api import Browser, Page, expect

from tests.e2e.conftest import PATIENCE_MS, Product, customers_page


async def live(browser: Browser, product: Product, **options: object) -> Page:
    """The page, as a member of staff sees it."""
    staff = product.facts["staff"]
    page = await (await browser.new_context(**options)).new_page()  # type: ignore[arg-type]  # the caller's own
    await page.goto(f"{staff['url']}live/")
    await page.get_by_label("Email").fill(staff["email"])
    await page.get_by_label("Password").fill(staff["password"])
    await page.get_by_role("button", name="Sign in", exact=True).click()
    await page.wait_for_url("**/staff/live/")
    return page


async def test_it_follows_what_happens_and_stops_when_told(product: Product, browser: Browser) -> None:
    page = await live(browser, product)
    card = page.locator(".card").filter(has_text="Sockets")
    await expect(page.locator("#live-state")).to_contain_text("by itself every five seconds")
    widget = await customers_page(browser, product.facts["demo_page"])
    await widget.open()
    await expect(card).to_contain_text(re.compile(r"Sockets\s*[1-9]"), timeout=PATIENCE_MS)
    await expect(page.get_by_role("region", name="Busiest tenants")).to_contain_text("Acme")
    stop = page.get_by_role("button", name="Stop")
    await stop.focus()
    await page.keyboard.press("Enter")
    await expect(page.locator("#live-state")).to_contain_text("Stopped at")
    await expect(page.get_by_role("button", name="Go on")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.locator("#live-state")).to_contain_text("As of")


async def test_who_reads_a_table_keeps_their_place(product: Product, browser: Browser) -> None:
    page = await live(browser, product, viewport={"width": 320, "height": 700})
    region = page.get_by_role("region", name="Processes")
    await region.focus()
    await region.evaluate("region => { region.scrollLeft = 120 }")
    async with page.expect_response("**part=1"):
        pass
    await expect(region).to_be_focused()
    assert await region.evaluate("region => region.scrollLeft") == 120


async def test_it_fits_a_phone(product: Product, browser: Browser) -> None:
    page = await live(browser, product, viewport={"width": 320, "height": 700})
    assert await page.evaluate("document.documentElement.scrollWidth") <= 320


async def test_a_server_that_does_not_answer_is_told_of(product: Product, browser: Browser) -> None:
    page = await live(browser, product)
    await page.route("**part=1", lambda route: route.abort())
    await expect(page.locator("#live-state")).to_contain_text("Nothing new since", timeout=PATIENCE_MS)
    await page.unroute("**part=1")
    await expect(page.locator("#live-state")).to_contain_text("As of", timeout=PATIENCE_MS)
