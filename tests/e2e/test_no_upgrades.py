"""A network that lets no socket through: the same conversation goes by HTTP, and by a socket again once one opens."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, Page, async_playwright

from saas.up import browser as chromium
from tests.e2e.conftest import FLAGS, PATIENCE_MS, Product, customers_page, inbox
from tests.e2e.test_main_job import agent_says, agent_sees, open_room
from tests.support.proxy import Proxy


@pytest.fixture
async def wall(product: Product) -> AsyncIterator[Proxy]:
    """Between the browser and the product; it answers every handshake of a socket with 403."""
    async with Proxy(product.port) as proxy:
        proxy.faults.refuse_upgrades = True
        yield proxy


@pytest.fixture
async def behind(wall: Proxy, product: Product) -> AsyncIterator[Browser]:
    """A browser for which every host is on the other side of the wall; addresses stay as they are."""
    found = chromium.find()
    if found.path is None:
        pytest.skip(f"BROWSER TEST NOT RUN: {found.reason}")
    rules = f"--host-resolver-rules=MAP *:{product.port} 127.0.0.1:{wall.port}"
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(executable_path=found.path, args=[*FLAGS, rules])
        yield started
        await started.close()


def socket_speaks(page: Page) -> asyncio.Event:
    """Set once a socket says something to this page."""
    heard = asyncio.Event()
    page.on("websocket", lambda socket: socket.on("framereceived", lambda _data: heard.set()))
    return heard


async def test_a_visitor_talks_without_a_socket_and_then_with_one(
    product: Product, browser: Browser, wall: Proxy, behind: Browser
) -> None:
    agent = await inbox(browser, product.tenant("acme"))
    visitor = await customers_page(behind, product.facts["demo_page"])
    heard = socket_speaks(visitor.page)
    await visitor.open()
    await visitor.say("Anybody behind this wall?")
    await open_room(agent, "Anybody behind this wall?")
    await agent_says(agent, "We hear you.")
    await visitor.sees("We hear you.")
    await visitor.say("By letter, then.")
    await agent_sees(agent, "By letter, then.")
    assert not heard.is_set()
    wall.faults.mend()
    await visitor.frame.evaluate("dispatchEvent(new Event('online'))")  # the browser says that its line may have changed
    await asyncio.wait_for(heard.wait(), PATIENCE_MS / 1000)
    await visitor.say("And now by wire.")
    await agent_sees(agent, "And now by wire.")
    await agent_says(agent, "Much quicker.")
    for text in ("Anybody behind this wall?", "We hear you.", "By letter, then.", "And now by wire.", "Much quicker."):
        await visitor.sees(text)
        await agent_sees(agent, text)


async def test_an_agent_answers_without_a_socket(product: Product, browser: Browser, behind: Browser) -> None:
    agent = await inbox(behind, product.tenant("acme"))
    heard = socket_speaks(agent)
    visitor = await customers_page(browser, product.facts["demo_page"])
    await visitor.open()
    await visitor.say("Is the workshop open?")
    await open_room(agent, "Is the workshop open?")
    await agent_says(agent, "Until six.")
    await visitor.sees("Until six.")
    await visitor.say("On my way.")
    await agent_sees(agent, "On my way.")
    assert not heard.is_set()


async def test_what_was_said_while_nothing_went_through_is_said_once(
    product: Product, browser: Browser, wall: Proxy, behind: Browser
) -> None:
    agent = await inbox(browser, product.tenant("acme"))
    visitor = await customers_page(behind, product.facts["demo_page"])
    await visitor.open()
    await visitor.say("Before the storm.")
    await open_room(agent, "Before the storm.")
    wall.faults.refuse = True
    wall.cut()
    await visitor.say("In the storm.")
    await agent_says(agent, "Are you there?")
    wall.faults.refuse = False
    await agent_sees(agent, "In the storm.")
    for text in ("Before the storm.", "In the storm.", "Are you there?"):
        await visitor.sees(text)
        await agent_sees(agent, text)
