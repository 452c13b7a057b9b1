"""The pictures of docs/images/: `make pictures` runs the product, drives the main job on its links and photographs both ends.

`make pictures INTO=test-results/pages` photographs every page instead, for somebody to look at.
"""

import asyncio
import os
import sys
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import django
from playwright.async_api import Browser, Page, async_playwright

from saas.up import browser as chromium
from tests.contract.conformance.place import origin_of
from tests.e2e.conftest import FLAGS, ROOT, Product, Widget, customers_page, inbox, line_of
from tests.e2e.crawl import PLATFORM, TENANT, pages
from tests.e2e.test_changes import do
from tests.e2e.test_console_axe import ada
from tests.e2e.test_main_job import agent_says

IMAGES = ROOT / "docs/images"
DESK = {"viewport": {"width": 1280, "height": 800}}
PHONE = {"viewport": {"width": 320, "height": 640}}
LOOKS: dict[str, dict[str, Any]] = {"light": DESK, "dark": DESK | {"color_scheme": "dark"}, "320": PHONE}

CONSOLE = {"rooms": "/rooms/", "moderation": "/moderation/", "people": "/people/", "look": "/install/", "audit": "/audit/"}
SETTLE_SECONDS = 1.0  # read marks, and what moves on the page
OPENERS = {"bell": ".bell > summary", "menu": "details.menu:not(.bell) > summary", "drawer": ".drawer > summary"}
NOWHERE = "postgresql://none@localhost/none"

QUESTION = "Do you have the Wren in size 54? I ride mostly gravel."
ANSWERS = ("We do. One in sage and one in ink, both in the window.", "Come by until six and take it round the block.")
THANKS = "Lovely, see you at five."
MORE = "Helmets are in the back room."
NOTE = "@Ben Ito rode the 52 in May and found it short."


async def talk(visitor: Widget, agent: Page) -> None:
    """The main job, once through."""
    await visitor.open()
    await visitor.say(QUESTION)
    await agent.get_by_role("link").filter(has_text=QUESTION).click()
    for answer in ANSWERS:
        composer = agent.get_by_role("textbox")
        await composer.fill(answer)
        await composer.press("Enter")
        await visitor.sees(answer)
    await visitor.say(THANKS)
    await agent.get_by_role("log").get_by_text(THANKS).wait_for()
    await asyncio.sleep(SETTLE_SECONDS)


async def go_on(visitor: Widget, agent: Page) -> None:
    """A reaction, a reply, and a note that the visitor never sees."""
    await do(visitor.frame.get_by_role("log"), ANSWERS[0], "React with 🎉")
    await do(agent.get_by_role("log"), THANKS, "Reply")
    await agent_says(agent, MORE)
    await line_of(visitor.frame.get_by_role("log"), MORE).wait_for()
    await agent.get_by_role("button", name="Note", exact=True).click()
    await agent_says(agent, NOTE)
    await asyncio.sleep(SETTLE_SECONDS)


async def console(product: Product, browser: Browser) -> None:
    """The console's pages with sample data in them, as Ada sees them in each look."""
    for look, options in LOOKS.items():
        page = await inbox(browser, product.tenant("acme"), **options)
        front = origin_of(product.tenant("acme")["inbox"])
        await page.goto(f"{front}/start/")
        await page.screenshot(path=IMAGES / f"console-start-{look}.png")
        if await page.get_by_role("button", name="Load sample data").is_visible():
            await page.get_by_role("button", name="Load sample data").click()
        for name, path in CONSOLE.items():
            await page.goto(front + path)
            if name == "look":
                await page.get_by_role("link", name="Look", exact=True).click()
            await asyncio.sleep(SETTLE_SECONDS)
            await page.screenshot(path=IMAGES / f"console-{name}-{look}.png")
        await page.context.close()


async def photograph(product: Product, browser: Browser) -> None:
    """One talk in each look; the inbox as Ada sees it in the same look."""
    for look, options in LOOKS.items():
        agent = await inbox(browser, product.tenant("acme"), **options)
        visitor = await customers_page(browser, product.facts["demo_page"], **options)
        await talk(visitor, agent)
        await visitor.page.screenshot(path=IMAGES / f"demo-{look}.png")
        await agent.screenshot(path=IMAGES / f"inbox-{look}.png")
        if look == "light":
            await go_on(visitor, agent)
            await visitor.page.screenshot(path=IMAGES / "demo-replies.png")
            await agent.screenshot(path=IMAGES / "inbox-note.png")


async def every_page(product: Product, browser: Browser, into: Path) -> None:
    """Whatever links lead to, with sample data and in each look: the console, one's own pages, and what opens above a page.

    Each is taken whole, so that nothing below the edge of the window is missed.
    """
    for look, options in LOOKS.items():
        page = await ada(product, browser, **options)
        start = page.url
        await what_opens(page, into, look)
        await crawl(page, start, TENANT, into / f"console-{{}}-{look}.png")
        await of_somebody_else(page, urljoin(start, "/people/"), into / f"console-{{}}-{look}.png")
        await crawl(page, f"{product.facts['platform']}home/", PLATFORM, into / f"own-{{}}-{look}.png")
        await page.context.close()
        stranger = await (await browser.new_context(**options)).new_page()
        await crawl(stranger, product.facts["platform"], PLATFORM, into / f"outside-{{}}-{look}.png")
        await stranger.context.close()


async def crawl(page: Page, start: str, urlconf: str, into: Path) -> None:
    """Every page that links lead to from there; `into` has a place for its name."""
    async for name, _path in pages(page, start, urlconf):
        await whole(page, str(into).format(name))


async def of_somebody_else(page: Page, people: str, into: Path) -> None:
    """A crawl sees one page of each kind, and that of a person is Ada's own: with another member one does more."""
    await page.goto(people)
    await page.get_by_role("link", name="Ben Ito").click()
    front = page.url
    for name in ("", "disable", "remove"):
        await page.goto(f"{front}{name}/" if name else front)
        await whole(page, str(into).format(f"person_{name or 'other'}"))


async def whole(page: Page, path: str) -> None:
    """The page in a window as high as it is: what is in a frame is drawn only where it can be seen."""
    size = page.viewport_size
    assert size is not None
    for _ in range(2):  # what is as high as the window allows grows with it
        height = await page.evaluate("document.documentElement.scrollHeight")
        await page.set_viewport_size({"width": size["width"], "height": max(size["height"], height)})
    while await page.locator(".preview-box").count() and not any("/frame" in frame.url for frame in page.frames):
        await asyncio.sleep(SETTLE_SECONDS)
    await asyncio.sleep(SETTLE_SECONDS)
    await page.screenshot(path=path)
    await page.set_viewport_size(size)


async def what_opens(page: Page, into: Path, look: str) -> None:
    """The bell, the menu of one's own, and the drawer of a narrow window."""
    for name, opener in OPENERS.items():
        summary = page.get_by_role("banner").locator(opener)
        if await summary.is_visible():
            await summary.click()
            await asyncio.sleep(SETTLE_SECONDS)
            await page.screenshot(path=into / f"above-{name}-{look}.png")
            await page.keyboard.press("Escape")


def know_addresses() -> None:
    """Django says which page an address is. Its settings connect to nothing; the product has others."""
    kept = dict(os.environ)
    os.environ.update(DJANGO_SETTINGS_MODULE="saas.settings", SECRET_KEY="none", DATABASE_URL=NOWHERE, DATABASE_OWNER_URL=NOWHERE)
    django.setup()
    os.environ.clear()
    os.environ.update(kept)


async def for_the_docs(product: Product, browser: Browser) -> None:
    """A choice of pages, as a reader of the docs sees them."""
    await console(product, browser)
    await photograph(product, browser)


async def main(into: str = "") -> None:
    """Needs Chromium. `into` is a folder for every page; without it those of the docs are taken."""
    found = chromium.find_or_install()
    if found.path is None:
        sys.exit(f"No pictures: {found.reason}")
    images = Path(into).resolve() if into else IMAGES
    images.mkdir(parents=True, exist_ok=True)
    if into:
        know_addresses()
    with tempfile.TemporaryDirectory(prefix="porchlight-pictures-") as folder:
        Path(folder).chmod(0o755)  # as root, the database's account must enter it
        product = Product(Path(folder))
        product.start()
        try:
            async with async_playwright() as playwright:
                started = await playwright.chromium.launch(executable_path=found.path, args=FLAGS)
                await (every_page(product, started, images) if into else for_the_docs(product, started))
        finally:
            product.stop()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
