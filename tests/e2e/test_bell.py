"""The bell in a real browser: it hears of news while a page stays open, leads to them, and forgets what was seen."""

import asyncio

from playwright.async_api import Browser, Page, expect

from tests.e2e.conftest import PATIENCE_MS, Product, customers_page, inbox


async def people_page(product: Product, browser: Browser) -> tuple[Page, list[str]]:
    """A page of the console as Ada has it open, and what its scripts complain of."""
    page, complaints = await inbox(browser, product.tenant("acme")), list[str]()
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda line: complaints.append(line.text) if line.type == "error" else None)
    await page.goto(product.tenant("acme")["inbox"].replace("/inbox/", "/people/"))
    return page, complaints


async def come_back(page: Page) -> None:
    """What the browser says when one looks at its tab again."""
    await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")


async def come_back_until(page: Page, news: str) -> None:
    """Look at the tab now and then: a line is told of about a second after it was said."""
    count = page.locator("#bell-count")
    async with asyncio.timeout(PATIENCE_MS / 1000):
        while (await count.text_content() or "").strip() != news:
            await come_back(page)
            await page.wait_for_timeout(250)
    await expect(count).to_have_text(news)


async def test_news_come_to_a_page_that_is_open(product: Product, browser: Browser) -> None:
    page, complaints = await people_page(product, browser)
    await page.locator(".bell > summary").click()
    seen = page.get_by_role("button", name="Mark all as seen")
    await expect(page.get_by_role("heading", name="Notifications")).to_be_visible()
    if await seen.is_visible():  # of other tests
        await seen.click()
    await expect(page.locator("#bell-count")).to_be_hidden()
    visitor = await customers_page(browser, product.facts["demo_page"])
    await visitor.open()
    await visitor.tells("Does the bell ring?")
    await come_back_until(page, "1 new")
    await page.get_by_role("link").filter(has_text="Does the bell ring?").click()
    await expect(page.get_by_role("log").get_by_text("Does the bell ring?")).to_be_visible(timeout=PATIENCE_MS)
    await page.go_back()
    await expect(page.locator("#bell-count")).to_be_hidden()
    assert complaints == []


async def test_it_keeps_quiet_once_one_is_signed_out(product: Product, browser: Browser) -> None:
    page, _ = await people_page(product, browser)
    asked: list[str] = []
    await page.context.clear_cookies()
    page.on("request", lambda request: asked.append(request.url) if "/notifications/bell/" in request.url else None)
    async with page.expect_event("requestfinished", lambda request: "/notifications/bell/" in request.url):
        await come_back(page)
    await expect(page.get_by_role("heading", name="People")).to_be_visible()
    assert len(asked) == 1
