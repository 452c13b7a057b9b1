"""A customer's page says who its visitor is: for its users alone, and for everybody."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest
from playwright.async_api import Browser, Route, expect

from tests.e2e.conftest import PATIENCE_MS, Product, inbox
from tests.e2e.shop import Shop, loads_of, open_shop, somebody, told

SIGN_IN = "Sign in on this page to write here."
NOT_BELIEVED = "This page could not show who you are. Reload it to go on."


@pytest.fixture
async def shop(product: Product) -> AsyncIterator[Shop]:
    async with open_shop(product) as shop:
        yield shop


async def test_a_user_is_the_same_visitor_in_every_browser_and_the_team_reads_their_name(
    product: Product, browser: Browser, shop: Shop
) -> None:
    shop.user, question = somebody(), f"Where is my bike? {uuid4().hex[:6]}"
    desk = await shop.visit(await browser.new_context())
    await desk.open()
    await desk.tells(question)
    phone = await shop.visit(await browser.new_context())
    await phone.open()
    await phone.sees(question)
    assert len(set(shop.asked)) == len(shop.asked) == 2  # each session with one of its own
    agent = await inbox(browser, product.tenant("acme"))
    await expect(agent.get_by_text(shop.user).first).to_be_visible(timeout=PATIENCE_MS)


async def test_a_strict_site_says_what_to_do_and_lets_its_users_in(browser: Browser, shop: Shop) -> None:
    await shop.strict(True)
    stranger = await shop.visit(await browser.new_context())
    await stranger.click_launcher()
    await told(stranger, SIGN_IN)
    shop.user = somebody()
    user = await shop.visit(await browser.new_context())
    await user.open()
    await user.tells("Here I am")
    await stranger.frame.get_by_role("button", name="Try again").click()
    await stranger.composer.wait_for()


# Where the last two letters of an element's words stand, the title's end, and that of what it stands in.
PLACES = """(words) => {
  const text = document.createTreeWalker(words, NodeFilter.SHOW_TEXT).nextNode(), range = document.createRange();
  const at = (from) => { range.setStart(text, from); range.setEnd(text, from + 1); return range.getBoundingClientRect(); };
  const title = document.querySelector("h1");
  range.selectNodeContents(title);
  const ends = [range.getBoundingClientRect().right, title.parentElement.getBoundingClientRect().right];
  return [at(text.length - 2).right, at(text.length - 1).left, ...ends].map(Math.round);
}"""


@pytest.mark.parametrize("words", [SIGN_IN, NOT_BELIEVED])
async def test_from_right_to_left_words_end_with_their_full_stop_and_the_title_stands_at_the_start(
    browser: Browser, shop: Shop, words: str
) -> None:
    await shop.strict(True)
    shop.dir = "rtl"
    if words == NOT_BELIEVED:
        shop.user, shop.secret = somebody(), "0" * 64
    visitor = await shop.visit(await browser.new_context(viewport={"width": 320, "height": 640}))
    await visitor.click_launcher(side="left")
    await told(visitor, words)
    letter, stop, title, start = await visitor.frame.get_by_text(words).evaluate(PLACES)
    assert abs(stop - letter) <= 1
    assert abs(title - start) <= 1
    assert await visitor.frame.evaluate("document.documentElement.scrollWidth - innerWidth") == 0


async def test_a_page_that_signs_its_user_in_without_loading_anew(browser: Browser, shop: Shop) -> None:
    await shop.strict(True)
    shop.signs = ""
    visitor = await shop.visit(await browser.new_context())
    await visitor.click_launcher()
    await told(visitor, SIGN_IN)
    shop.user = somebody()
    async with visitor.panel_comes():
        await visitor.page.evaluate("Porchlight.identify(whoIsHere)")
    await visitor.composer.wait_for(timeout=PATIENCE_MS)
    loads = loads_of(visitor)
    await visitor.page.evaluate("Porchlight.identify(() => whoIsHere())")  # as pages that draw themselves again and again do
    await visitor.tells("Signed in just now")
    assert loads == []


async def test_a_page_that_draws_itself_again_and_again_while_its_user_is_let_in(browser: Browser, shop: Shop) -> None:
    shop.user = somebody()
    visitor = await shop.visit(await browser.new_context())
    answers: asyncio.Queue[Route] = asyncio.Queue()
    await visitor.page.context.route("**/session", answers.put)
    await visitor.click_launcher()
    loads, exchange = loads_of(visitor), await answers.get()
    await visitor.page.evaluate("for (let n = 0; n < 5; n++) Porchlight.identify(() => whoIsHere())")
    await exchange.continue_()
    await visitor.tells("Let in once")
    assert (loads, len(shop.asked), answers.qsize()) == ([], 1, 0)


@pytest.mark.parametrize("signs", ["", ' data-identity="whoIsHere"'], ids=["by its script", "by its tag"])
async def test_what_a_stranger_has_begun_is_there_when_they_have_signed_in(browser: Browser, shop: Shop, signs: str) -> None:
    shop.signs = signs
    visitor = await shop.visit(await browser.new_context())
    await visitor.open()
    await visitor.tells("Hello there")
    await visitor.composer.fill("My order number is")
    shop.user = somebody()
    async with visitor.panel_comes():
        await visitor.page.evaluate("Porchlight.identify(whoIsHere)")
    await visitor.sees("Hello there")  # nobody was this user yet
    await expect(visitor.composer).to_have_value("My order number is")
    assert len(shop.asked) == (2 if signs else 1)


async def test_the_team_sees_who_a_stranger_turns_out_to_be_while_they_look(
    product: Product, browser: Browser, shop: Shop
) -> None:
    question, shop.signs = f"Anybody here? {uuid4().hex[:6]}", ""
    visitor = await shop.visit(await browser.new_context())
    await visitor.open()
    await visitor.tells(question)
    agent = await inbox(browser, product.tenant("acme"))
    row, who = agent.get_by_role("link").filter(has_text=question), agent.get_by_role("complementary", name="Visitor")
    await row.click()
    await expect(row).to_contain_text("Visitor ")
    await expect(who.get_by_text("Signed in as")).to_have_count(0)
    shop.user = somebody()
    await visitor.page.evaluate("Porchlight.identify(whoIsHere)")
    await expect(row).to_contain_text(shop.user, timeout=PATIENCE_MS)
    await expect(who.get_by_text("Signed in as")).to_be_visible(timeout=PATIENCE_MS)
    await expect(who.get_by_text(shop.user)).to_have_count(2)  # what the shop calls them, and their name
    await expect(agent.get_by_role("textbox")).to_have_attribute("placeholder", f"Answer {shop.user}")


async def test_what_a_stranger_has_begun_goes_along_to_the_room_that_their_user_has(browser: Browser, shop: Shop) -> None:
    shop.user, earlier = somebody(), f"From my phone {uuid4().hex[:6]}"
    phone = await shop.visit(await browser.new_context())
    await phone.open()
    await phone.tells(earlier)
    user, shop.user, shop.signs = shop.user, "", ""
    desk = await shop.visit(await browser.new_context())
    await desk.open()
    await desk.tells("Hello there")
    await desk.composer.fill("My order number is")
    shop.user = user
    async with desk.panel_comes():
        await desk.page.evaluate("Porchlight.identify(whoIsHere)")
    await desk.sees(earlier)
    await expect(desk.composer).to_have_value("My order number is")


async def test_an_identity_that_does_not_count_is_no_way_in(browser: Browser, shop: Shop) -> None:
    shop.user, good = somebody(), shop.secret
    shop.secret = "0" * 64
    visitor = await shop.visit(await browser.new_context())
    await visitor.click_launcher()
    await told(visitor, NOT_BELIEVED)
    loads = loads_of(visitor)
    await visitor.page.evaluate("Porchlight.identify(whoIsHere)")
    await told(visitor, NOT_BELIEVED)
    shop.secret = good
    await visitor.page.evaluate("Porchlight.identify(whoIsHere)")
    await visitor.composer.wait_for()
    assert loads == []


async def test_a_page_that_cannot_say_who_is_here_lets_nobody_in_until_it_can(browser: Browser, shop: Shop) -> None:
    shop.user = somebody()
    context = await browser.new_context()
    errors: list[Any] = []
    visitor = await shop.visit(context)
    await context.route("**/members/identity", lambda route: route.fulfill(status=503, body="later"))
    sessions: list[str] = []
    visitor.page.on("request", lambda request: sessions.append(request.url) if request.url.endswith("/session") else None)
    visitor.page.on("pageerror", lambda error: errors.append(error))
    await visitor.page.evaluate("window.heard = 0; Porchlight.on('error', () => { window.heard += 1 })")
    await visitor.click_launcher()
    await visitor.page.wait_for_function("() => window.heard > 0")
    assert sessions == []
    await context.unroute("**/members/identity")
    await context.route("**/members/identity", shop.answer)
    await visitor.composer.wait_for()
    await visitor.tells("At last")
    assert len(shop.asked) == 1
    assert errors == []


async def test_who_signs_in_finds_the_room_that_the_page_shows_its_users(browser: Browser, shop: Shop) -> None:
    title = f"Riders {uuid4().hex[:6]}"
    made = await shop.owner.asks("POST", "/rooms", {"kind": "community", "title": title, "join_rule": "identified"})
    shop.signs = f' data-room="{made["room"]["id"]}"'
    visitor = await shop.visit(await browser.new_context())
    async with visitor.page.expect_response("**/session"):
        await visitor.open()
    shop.user = somebody()
    async with visitor.panel_comes():
        await visitor.page.evaluate("Porchlight.identify(whoIsHere)")
    await expect(visitor.frame.get_by_role("heading", name=title)).to_be_visible(timeout=PATIENCE_MS)
