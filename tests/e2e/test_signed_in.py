"""A customer's page says who its visitor is: for its users alone, for everybody, and when they sign out."""

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import jwt
import pytest
from playwright.async_api import Browser, BrowserContext, Route, expect

from tests.e2e.conftest import PATIENCE_MS, Owner, Product, Widget, inbox

MADE_UP = "local-network-access"  # a page that the test answers has no address of its own, and asks those of this machine
SIGN_IN = "Sign in on this page to write here."
NOT_BELIEVED = "This page could not show who you are. Reload it to go on."
PAGE = """<!doctype html><html lang="en" dir="{dir}"><title>Members</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<script src="/members.js"></script><script async src="{loader}" data-key="{key}"{attribute}></script><body><h1>Members</h1>"""
SCRIPT = """
async function whoIsHere() {
  const answer = await fetch("/members/identity", { cache: "no-store" });
  if (!answer.ok) throw new Error("the shop cannot say");
  return answer.text();
}
"""


@dataclass
class Shop:
    """The customer's pages and their backend, which holds an identity key. `user` is who is signed in there."""

    owner: Owner
    site: str
    kid: str
    secret: str
    user: str = ""
    signs: str = ' data-identity="whoIsHere"'
    dir: str = "ltr"
    asked: list[str] = field(default_factory=list)

    async def strict(self, on: bool) -> None:
        await self.owner.asks("PUT", f"/sites/{self.site}/strict", {"strict": on})

    def identity(self) -> str:
        """What the backend answers: a new one each time, and nothing where nobody is signed in."""
        if not self.user:
            return ""
        claims = {"sub": self.user, "name": self.user, "exp": int(time.time()) + 120, "jti": uuid4().hex}
        made = jwt.encode({**claims, "aud": self.owner.place.key}, self.secret, algorithm="HS256", headers={"kid": self.kid})
        self.asked.append(made)
        return made

    async def answer(self, route: Route) -> None:
        path = route.request.url.removeprefix(self.owner.place.parent)
        if path == "/members/identity":
            await route.fulfill(body=self.identity())
        elif path == "/members.js":
            await route.fulfill(body=SCRIPT, content_type="text/javascript")
        else:
            place = self.owner.place
            page = PAGE.format(loader=f"{place.widget}/porchlight.js", key=place.key, attribute=self.signs, dir=self.dir)
            await route.fulfill(body=page, content_type="text/html")

    async def visit(self, context: BrowserContext) -> Widget:
        """Its page, in this browser."""
        await context.grant_permissions([MADE_UP])
        await context.route(f"{self.owner.place.parent}/members**", self.answer)
        await context.route(f"{self.owner.place.parent}/members/**", self.answer)
        page = await context.new_page()
        await page.goto(f"{self.owner.place.parent}/members/")
        return Widget(page)


@pytest.fixture
async def shop(product: Product) -> AsyncIterator[Shop]:
    """Acme's, with a key; open to everybody again afterwards."""
    owner = Owner(product.tenant("acme"))
    place = owner.place
    config = (await place.ask("GET", f"{place.widget}/w/{place.key}/config")).json()
    site = config["site"]["id"]
    made = await owner.asks("POST", f"/sites/{site}/identity-keys")
    shop = Shop(owner, site, made["kid"], made["secret"])
    yield shop
    await shop.strict(False)
    access = await place.access()
    await place.ask("DELETE", f"{place.url}/api/v1/sites/{site}/identity-keys/{made['kid']}", bearer=access)


def somebody() -> str:
    return f"Rosa {uuid4().hex[:6]}"


async def says(visitor: Widget, text: str) -> None:
    """Write it, and wait until it is stored: what is on its way is shown at once."""
    await visitor.say(text)
    await visitor.sees(text)
    await visitor.frame.get_by_title("Sent").last.wait_for(timeout=PATIENCE_MS)


async def told(visitor: Widget, words: str) -> None:
    await expect(visitor.frame.get_by_text(words)).to_be_visible(timeout=PATIENCE_MS)
    await expect(visitor.frame.get_by_role("textbox")).to_have_count(0)


async def test_a_user_is_the_same_visitor_in_every_browser_and_the_team_reads_their_name(
    product: Product, browser: Browser, shop: Shop
) -> None:
    shop.user, question = somebody(), f"Where is my bike? {uuid4().hex[:6]}"
    desk = await shop.visit(await browser.new_context())
    await desk.open()
    await says(desk, question)
    phone = await shop.visit(await browser.new_context())
    await phone.open()
    await phone.sees(question)
    assert len(set(shop.asked)) == len(shop.asked) == 2  # each session with one of its own
    agent = await inbox(browser, product.tenant("acme"))
    await expect(agent.get_by_text(shop.user).first).to_be_visible(timeout=PATIENCE_MS)


async def test_the_next_in_this_browser_is_not_the_user_who_signed_out(browser: Browser, shop: Shop) -> None:
    shop.user, secret = somebody(), f"My order is late {uuid4().hex[:6]}"
    context = await browser.new_context()
    visitor = await shop.visit(context)
    await visitor.open()
    await says(visitor, secret)
    await visitor.composer.fill("and where do I")
    shop.user = ""
    async with visitor.panel_comes():
        await visitor.page.evaluate("Porchlight.identify(null)")
    await visitor.frame.locator("body").get_by_text("We reply").wait_for(timeout=PATIENCE_MS)
    await expect(visitor.composer).to_have_value("")
    await says(visitor, "Hello, I am new")
    assert await visitor.frame.get_by_text(secret).count() == 0
    await visitor.page.reload()
    await visitor.open()
    await visitor.sees("Hello, I am new")
    assert await visitor.frame.get_by_text(secret).count() == 0


async def test_a_user_who_signs_out_in_another_tab_begins_anew_at_the_next_session(browser: Browser, shop: Shop) -> None:
    shop.user, secret = somebody(), f"Only for me {uuid4().hex[:6]}"
    context = await browser.new_context()
    visitor = await shop.visit(context)
    await visitor.open()
    await says(visitor, secret)
    shop.user = ""
    await visitor.page.reload()
    await visitor.open()
    await expect(visitor.frame.get_by_role("log")).to_be_visible()
    assert await visitor.frame.get_by_text(secret).count() == 0


async def test_a_strict_site_says_what_to_do_and_lets_its_users_in(browser: Browser, shop: Shop) -> None:
    await shop.strict(True)
    stranger = await shop.visit(await browser.new_context())
    await stranger.click_launcher()
    await told(stranger, SIGN_IN)
    shop.user = somebody()
    user = await shop.visit(await browser.new_context())
    await user.open()
    await says(user, "Here I am")
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
    frame = visitor.frame
    await visitor.page.evaluate("Porchlight.identify(() => whoIsHere())")  # as pages that draw themselves again and again do
    await says(visitor, "Signed in just now")
    assert visitor.frame == frame


@pytest.mark.parametrize("signs", ["", ' data-identity="whoIsHere"'], ids=["by its script", "by its tag"])
async def test_what_a_stranger_has_begun_is_there_when_they_have_signed_in(browser: Browser, shop: Shop, signs: str) -> None:
    shop.signs = signs
    visitor = await shop.visit(await browser.new_context())
    await visitor.open()
    await says(visitor, "Hello there")
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
    await says(visitor, question)
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
    await says(phone, earlier)
    user, shop.user, shop.signs = shop.user, "", ""
    desk = await shop.visit(await browser.new_context())
    await desk.open()
    await says(desk, "Hello there")
    await desk.composer.fill("My order number is")
    shop.user = user
    async with desk.panel_comes():
        await desk.page.evaluate("Porchlight.identify(whoIsHere)")
    await desk.sees(earlier)
    await expect(desk.composer).to_have_value("My order number is")


async def test_what_a_user_has_begun_is_not_there_for_the_next_one(browser: Browser, shop: Shop) -> None:
    shop.user, first = somebody(), f"Only for me {uuid4().hex[:6]}"
    visitor = await shop.visit(await browser.new_context())
    await visitor.open()
    await says(visitor, first)
    await visitor.composer.fill("My card number is")
    shop.user = somebody()
    await visitor.page.evaluate("Porchlight.identify(null); Porchlight.identify(whoIsHere)")
    await visitor.frame.get_by_text(first).wait_for(state="detached", timeout=PATIENCE_MS)
    await says(visitor, "I am another one")
    await expect(visitor.composer).to_have_value("")
    assert await visitor.frame.get_by_text(first).count() == 0


async def test_an_identity_that_does_not_count_is_no_way_in(browser: Browser, shop: Shop) -> None:
    shop.user, good = somebody(), shop.secret
    shop.secret = "0" * 64
    visitor = await shop.visit(await browser.new_context())
    await visitor.click_launcher()
    await told(visitor, NOT_BELIEVED)
    shop.secret = good
    await visitor.frame.get_by_role("button", name="Try again").click()
    await visitor.composer.wait_for()


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
    await says(visitor, "At last")
    assert len(shop.asked) == 1
    assert errors == []
