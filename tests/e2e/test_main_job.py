"""The main job, as people do it: a visitor writes on a customer's page, an agent answers, nothing is lost or doubled."""

import asyncio

from playwright.async_api import Browser, Locator, Page, expect

from tests.e2e.conftest import PATIENCE_MS, Product, Widget, customers_page, inbox


async def open_room(agent: Page, line: str) -> None:
    """The agent opens the room whose last line this is, as soon as it stands in the list."""
    await agent.get_by_role("link").filter(has_text=line).click()


async def agent_sees(agent: Page, text: str, *, times: int = 1) -> None:
    """Wait until the text stands in the open room, and check that it stands there so many times."""
    found = agent.get_by_role("log").get_by_text(text, exact=True)
    await expect(found).to_have_count(times, timeout=PATIENCE_MS)


async def agent_says(agent: Page, text: str) -> None:
    composer = agent.get_by_role("textbox")
    await composer.fill(text)
    await composer.press("Enter")


async def talk(product: Product, browser: Browser, *, question: str, answer: str) -> tuple[Widget, Page]:
    """A visitor of acme's customer asks and Ada answers; both see both."""
    acme = product.tenant("acme")
    agent = await inbox(browser, acme)
    visitor = await customers_page(browser, product.facts["demo_page"])
    await visitor.open()
    await visitor.say(question)
    await open_room(agent, question)
    await agent_sees(agent, question)
    await agent_says(agent, answer)
    await visitor.sees(answer)
    return visitor, agent


async def test_a_visitor_asks_and_an_agent_answers(product: Product, browser: Browser) -> None:
    visitor, agent = await talk(product, browser, question="Do you mend gears?", answer="We do, come by today.")
    await visitor.sees("Do you mend gears?")
    await agent_sees(agent, "We do, come by today.")


async def test_both_survive_a_reload(product: Product, browser: Browser) -> None:
    visitor, agent = await talk(product, browser, question="Is it open on Sunday?", answer="From ten to two.")
    await visitor.page.reload()
    await agent.reload()
    await visitor.open()
    for text in ("Is it open on Sunday?", "From ten to two."):
        await visitor.sees(text)
        await agent_sees(agent, text)


async def test_both_survive_a_restart_of_the_server(product: Product, browser: Browser) -> None:
    visitor, agent = await talk(product, browser, question="Any red ones left?", answer="Two in the window.")
    product.stop()
    await visitor.say("I will take one.")
    product.start()
    await agent_sees(agent, "I will take one.")
    await agent_says(agent, "Kept for you.")
    await visitor.sees("Kept for you.")
    for text in ("Any red ones left?", "Two in the window.", "I will take one."):
        await visitor.sees(text)
        await agent_sees(agent, text)


async def test_a_cut_line_loses_nothing(product: Product, browser: Browser) -> None:
    visitor, agent = await talk(product, browser, question="How long is the wait?", answer="About a week.")
    await visitor.page.context.set_offline(True)
    await visitor.say("Written in a tunnel.")
    await agent_says(agent, "Said meanwhile.")
    await agent_sees(agent, "Said meanwhile.")
    await visitor.page.context.set_offline(False)
    await visitor.sees("Said meanwhile.")
    await agent_sees(agent, "Written in a tunnel.")
    await visitor.sees("Written in a tunnel.")


async def test_another_tenant_sees_none_of_it(product: Product, browser: Browser) -> None:
    gus = await inbox(browser, product.tenant("globex"))
    await talk(product, browser, question="For acme only, please.", answer="Only we read this.")
    garden = await customers_page(browser, product.tenant("globex")["demo_page"])
    await garden.open()
    await garden.say("Are the ferns in?")
    await open_room(gus, "Are the ferns in?")
    assert "For acme only" not in await gus.content()


async def test_typing_shows_both_ways(product: Product, browser: Browser) -> None:
    visitor, agent = await talk(product, browser, question="Someone there?", answer="Here.")
    await type_until_seen(agent.get_by_role("textbox"), visitor.frame.get_by_text("is writing"))
    await type_until_seen(visitor.composer, agent.get_by_text("is writing").first)


async def type_until_seen(composer: Locator, shown: Locator) -> None:
    """One key after the other, since a word that somebody writes is taken away six seconds after the last."""
    async with asyncio.timeout(PATIENCE_MS / 1000):
        while not await shown.is_visible():
            await composer.press("x")
            await asyncio.sleep(0.1)
