"""The pictures of docs/images/: `make pictures` runs the product, drives the main job on its links and photographs both ends."""

import asyncio
import sys
import tempfile
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, Page, async_playwright

from saas.up import browser as chromium
from tests.contract.conformance.place import origin_of
from tests.e2e.conftest import FLAGS, ROOT, Product, Widget, customers_page, inbox, line_of
from tests.e2e.test_changes import do
from tests.e2e.test_main_job import agent_says

IMAGES = ROOT / "docs/images"
DESK = {"viewport": {"width": 1280, "height": 800}}
PHONE = {"viewport": {"width": 320, "height": 640}}
LOOKS: dict[str, dict[str, Any]] = {"light": DESK, "dark": DESK | {"color_scheme": "dark"}, "320": PHONE}

CONSOLE = {"rooms": "/rooms/", "moderation": "/moderation/", "people": "/people/", "look": "/install/", "audit": "/audit/"}
SETTLE_SECONDS = 1.0  # read marks, and what moves on the page

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


async def main() -> None:
    """Needs Chromium."""
    found = chromium.find_or_install()
    if found.path is None:
        sys.exit(f"No pictures: {found.reason}")
    IMAGES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="porchlight-pictures-") as folder:
        Path(folder).chmod(0o755)  # as root, the database's account must enter it
        product = Product(Path(folder))
        product.start()
        try:
            async with async_playwright() as playwright:
                started = await playwright.chromium.launch(executable_path=found.path, args=FLAGS)
                await console(product, started)
                await photograph(product, started)
        finally:
            product.stop()


if __name__ == "__main__":
    asyncio.run(main())
