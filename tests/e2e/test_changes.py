"""What becomes of a message after it was said: changed, removed, answered, reacted to; and what visitors never see of it."""

import re
from typing import Any

from playwright.async_api import Browser, Locator, Page, expect

from tests.e2e.conftest import PATIENCE_MS, Product, Widget, customers_page, inbox, line_of
from tests.e2e.test_main_job import agent_says, agent_sees, talk

BELL = re.compile(r"Notifications, \d+ new")
REMOVED = "This message was removed"


async def open_bar(log: Locator, text: str) -> Locator:
    """What may be done with the line of this text."""
    line = line_of(log, text)
    await line.hover()
    await line.get_by_role("button", name="What to do with this message").click()
    return log


async def do(log: Locator, text: str, act: str) -> None:
    """One act on the line of this text."""
    await open_bar(log, text)
    await log.get_by_role("button", name=act, exact=True).click()


async def remove(log: Locator, text: str) -> None:
    await do(log, text, "Remove")
    await log.get_by_role("button", name="Remove for everyone").click()


def log_of(visitor: Widget) -> Any:
    return visitor.frame.get_by_role("log")


async def test_what_a_visitor_changes_the_agent_sees(product: Product, browser: Browser) -> None:
    visitor, agent = await talk(product, browser, question="Is the Wren blu?", answer="It comes in three colours.")
    theirs = agent.get_by_role("log")
    await do(log_of(visitor), "Is the Wren blu?", "Edit")
    await visitor.say("Is the Wren blue?")
    await expect(theirs.get_by_text("Is the Wren blue?")).to_be_visible(timeout=PATIENCE_MS)
    await do(log_of(visitor), "It comes in three colours.", "React with 👍")
    await expect(theirs.get_by_role("button", name="👍 1")).to_be_visible(timeout=PATIENCE_MS)
    await remove(log_of(visitor), "Is the Wren blue?")
    await agent_sees(agent, REMOVED)
    await expect(theirs.get_by_text("Is the Wren blue?")).to_have_count(0)


async def test_replies_show_what_they_answer(product: Product, browser: Browser) -> None:
    visitor, agent = await talk(product, browser, question="And gravel tyres?", answer="Up to forty-five.")
    await do(agent.get_by_role("log"), "And gravel tyres?", "Reply")
    await agent_says(agent, "They fit.")
    await expect(line_of(log_of(visitor), "They fit.")).to_contain_text("And gravel tyres?", timeout=PATIENCE_MS)
    await do(log_of(visitor), "Up to forty-five.", "Reply")
    await visitor.say("Millimetres?")
    theirs = line_of(agent.get_by_role("log"), "Millimetres?")
    await expect(theirs).to_contain_text("Up to forty-five.", timeout=PATIENCE_MS)


async def test_a_note_is_for_the_team_alone(product: Product, browser: Browser) -> None:
    acme = product.tenant("acme")
    ben = await inbox(browser, {**acme, "email": "ben@acme.example"})
    visitor, agent = await talk(product, browser, question="May I pay later?", answer="Let me ask.")
    row = ben.get_by_role("link").filter(has_text="Let me ask.")
    await row.wait_for()
    await agent.get_by_role("button", name="Note", exact=True).click()
    await agent_says(agent, "He paid late twice.")
    await agent_sees(agent, "He paid late twice.")
    await expect(row).to_contain_text("New note", timeout=PATIENCE_MS)
    await row.click()
    await agent_sees(ben, "He paid late twice.")
    await expect(ben.get_by_role("link").filter(has_text="New note")).to_have_count(0, timeout=PATIENCE_MS)
    await agent.get_by_role("button", name="Answer", exact=True).click()
    await agent_says(agent, "You may.")
    await visitor.sees("You may.")
    assert "paid late" not in await visitor.frame.content()


async def test_an_agent_who_goes_away_is_missed(product: Product, browser: Browser) -> None:
    visitor, agent = await talk(product, browser, question="Who is in?", answer="I am.")
    await visitor.frame.get_by_text("We are here").wait_for(timeout=PATIENCE_MS)
    await say_mood(agent, "Away")
    await visitor.frame.get_by_text("We reply when we are back").wait_for(timeout=PATIENCE_MS)
    await say_mood(agent, "Here")
    await visitor.frame.get_by_text("We are here").wait_for(timeout=PATIENCE_MS)


async def say_mood(agent: Page, mood: str) -> None:
    await agent.get_by_title("Ada Lovelace").click()
    await agent.get_by_role("button", name=mood, exact=True).click()
    await agent.keyboard.press("Escape")


async def test_a_notice_read_in_one_tab_is_read_in_the_other(product: Product, browser: Browser) -> None:
    agent = await inbox(browser, product.tenant("acme"))
    other = await agent.context.new_page()
    await other.goto(product.tenant("acme")["inbox"])
    visitor = await customers_page(browser, product.facts["demo_page"])
    await visitor.open()
    await visitor.say("Somebody there?")
    for tab in (agent, other):
        await tab.get_by_role("link").filter(has_text="Somebody there?").wait_for()
        await expect(tab.get_by_role("button", name=BELL)).to_be_visible(timeout=PATIENCE_MS)
    await agent.get_by_role("button", name=BELL).click()
    await agent.get_by_role("button", name="Mark all as seen").click()
    for tab in (agent, other):
        await expect(tab.get_by_role("button", name=BELL)).to_have_count(0, timeout=PATIENCE_MS)
