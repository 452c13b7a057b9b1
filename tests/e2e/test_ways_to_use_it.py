"""The same chat by keyboard alone, from right to left, and in two tabs of one visitor."""

import asyncio

from playwright.async_api import Browser, Locator, Page

from tests.e2e.conftest import PATIENCE_MS, Product, Widget, customers_page

MANY_TABS = 60
# Before anything else on the page runs, and on the page alone: the panel must hear of it.
TURN = """
if (self === top)
  new MutationObserver((_, watch) => {
    document.documentElement.dir = "rtl";
    watch.disconnect();
  }).observe(document, { childList: true });
"""


async def focus_launcher(page: Page) -> None:
    """Tab until the launcher has the focus."""
    await page.wait_for_function("() => document.querySelector('porch-light') !== null")
    for _ in range(MANY_TABS):
        await page.keyboard.press("Tab")
        if await page.evaluate("document.activeElement.localName") == "porch-light":
            return
    raise AssertionError("the launcher cannot be reached by Tab")


async def types(visitor: Widget, text: str) -> None:
    """Write without going anywhere first: the keys land where the panel puts the focus. Until then an x does nothing."""
    keyboard = visitor.page.keyboard
    async with asyncio.timeout(PATIENCE_MS / 1000):
        while not await visitor.composer.input_value():
            await keyboard.press("x")
    await keyboard.press("ControlOrMeta+a")
    await keyboard.type(text)
    await keyboard.press("Enter")
    await visitor.sees(text)


async def test_by_keyboard_alone(product: Product, browser: Browser) -> None:
    visitor = await customers_page(browser, product.facts["demo_page"])
    keyboard = visitor.page.keyboard
    await focus_launcher(visitor.page)
    async with visitor.panel_comes():
        await keyboard.press("Enter")
    await types(visitor, "No mouse here")
    await keyboard.press("Escape")
    await visitor.page.wait_for_function("() => document.activeElement.localName === 'porch-light'")
    await keyboard.press("Enter")
    await types(visitor, "Nor now")


async def left_of(line: Locator) -> float:
    """Where a line begins on the page. The first of a room is drawn a second time when the room's own file has come."""
    async with asyncio.timeout(PATIENCE_MS / 1000):
        while (box := await line.bounding_box()) is None:
            await asyncio.sleep(0.05)
    return box["x"]


async def test_from_right_to_left(product: Product, browser: Browser) -> None:
    context = await browser.new_context()
    await context.add_init_script(TURN)
    visitor = Widget(await context.new_page())
    await visitor.page.goto(product.facts["demo_page"])
    await visitor.open(side="left")
    assert await visitor.frame.evaluate("getComputedStyle(document.body).direction") == "rtl"
    await visitor.tells("مرحبا")
    left = await left_of(visitor.frame.get_by_role("log").get_by_text("مرحبا"))
    size = visitor.page.viewport_size
    assert size is not None
    assert left < size["width"] / 4  # mine stand at the end of the line, which is the left


async def test_two_tabs_of_one_visitor(product: Product, browser: Browser) -> None:
    first = await customers_page(browser, product.facts["demo_page"])
    await first.open()
    await first.tells("Said in the first tab")
    second = Widget(await first.page.context.new_page())
    await second.page.goto(product.facts["demo_page"])
    await second.open()
    await second.sees("Said in the first tab")
    await second.say("And in the second")
    await first.sees("And in the second")
