"""An admin runs the rooms from the console, by mouse and by keyboard, and visitors on real pages feel it at once."""

import asyncio
import re
import time
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from playwright.async_api import Browser, Page, expect

from tests.e2e.conftest import PATIENCE_MS, Owner, Product, Widget, customers_page, inbox
from tests.e2e.test_changes import log_of
from tests.e2e.test_rooms_of_many import panel_of


@pytest.fixture
async def ada(product: Product, browser: Browser) -> AsyncIterator[Page]:
    """The owner of acme at her console; a fault of a script or a breach of the policy there fails the test."""
    page, complaints = await inbox(browser, product.tenant("acme"), viewport={"width": 1180, "height": 800}), []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda line: complaints.append(line.text) if "Content Security Policy" in line.text else None)
    yield page
    assert complaints == []


def console(product: Product, path: str) -> str:
    return str(product.tenant("acme")["inbox"]).replace("/inbox/", path)


def title() -> str:
    """A title that no other test has."""
    return f"Riders {uuid4().hex[:8]}"


async def new_room(product: Product, **values: str) -> str:
    """The id of a new community room."""
    body = {"kind": "community", "title": title()} | values
    return str((await Owner(product.tenant("acme")).asks("POST", "/rooms", body))["room"]["id"])


OTHER_TAG = """(tag) => {
  window.Porchlight.destroy();
  const script = document.createElement("script");
  const said = new DOMParser().parseFromString(tag, "text/html").querySelector("script");
  for (const { name, value } of said.attributes) script.setAttribute(name, value);
  document.body.append(script);
}"""


async def own_page(browser: Browser, product: Product, tag: str = "", *, hash_: str = "") -> Widget:
    """A page of the customer's own, with this tag in place of its usual one."""
    visitor = await customers_page(browser, product.facts["demo_page"] + hash_)
    await visitor.page.wait_for_function("() => window.Porchlight")
    if tag:
        await visitor.page.evaluate(OTHER_TAG, tag)
        await visitor.page.wait_for_function("() => window.Porchlight")
    return visitor


async def comes_by(browser: Browser, product: Product, hash_: str) -> Widget:
    """A visitor who opens a link with an invitation: the panel opens by itself."""
    visitor = await own_page(browser, product, hash_=hash_)
    while not any("/w/" in frame.url for frame in visitor.page.frames):
        await visitor.page.wait_for_event("framenavigated", timeout=PATIENCE_MS)
    return visitor


async def tag_of(ada: Page, product: Product, room: str) -> str:
    """The tag that the room's page shows."""
    await ada.goto(console(product, f"/rooms/{room}/embed/"))
    return str(await ada.locator("#tag").text_content())


async def test_a_room_is_made_by_keyboard_alone(product: Product, ada: Page) -> None:
    await ada.goto(console(product, "/rooms/"))
    await ada.get_by_role("link", name="New room").focus()
    await ada.keyboard.press("Enter")
    await ada.wait_for_url("**/rooms/new/**")
    await ada.get_by_role("radio", name="Community").focus()
    await ada.keyboard.press("Tab")
    await ada.keyboard.type(name := title())
    await ada.keyboard.press("Tab")
    await ada.keyboard.press("ArrowDown")
    await ada.keyboard.press("Enter")
    await ada.wait_for_url(re.compile(r"/rooms/[0-9a-f-]{36}/"))
    await expect(ada.get_by_role("heading", name=name)).to_be_visible()
    await expect(ada.get_by_role("radio", name="Visitors whom the site has signed in")).to_be_checked()


async def test_rooms_are_ordered_by_keyboard_and_the_focus_stays(product: Product, ada: Page) -> None:
    first, second = [await new_room(product) for _ in range(2)]
    await ada.goto(console(product, "/rooms/"))
    rooms = ada.locator("[data-room]")
    place = await rooms.evaluate_all("(rows, id) => rows.findIndex((row) => row.dataset.room === id)", second)
    await ada.locator(f"#up-{second}").focus()
    await ada.keyboard.press("Enter")
    await expect(rooms.nth(place - 1)).to_have_attribute("data-room", second)
    await expect(rooms.nth(place)).to_have_attribute("data-room", first)
    await expect(ada.locator(f"#up-{second}")).to_be_focused()
    await expect(ada.locator("#rooms [role=status]")).to_contain_text(f"is number {place} of")
    await ada.locator(f"#down-{second}").focus()
    await ada.keyboard.press("Enter")
    await expect(rooms.nth(place)).to_have_attribute("data-room", second)
    await ada.reload()
    await expect(rooms.nth(place)).to_have_attribute("data-room", second)


async def test_a_room_is_dragged_by_its_handle(product: Product, ada: Page) -> None:
    first, _, third = [await new_room(product) for _ in range(3)]
    await ada.goto(console(product, "/rooms/"))
    rows = ada.locator("[data-room]")
    place = await rows.evaluate_all("(rows, id) => rows.findIndex((row) => row.dataset.room === id)", first)
    await ada.locator(f"#room-{third} [data-handle]").drag_to(ada.locator(f"#room-{first}"))
    await expect(rows.nth(place)).to_have_attribute("data-room", third)
    await ada.reload()
    await expect(rows.nth(place)).to_have_attribute("data-room", third)


async def said_last(product: Product, room: str, text: str) -> None:
    """Wait until this is the last that was said there: whoever says it sees it before it is stored."""
    owner, end = Owner(product.tenant("acme")), time.monotonic() + PATIENCE_MS / 1000
    while (last := (await owner.asks("GET", f"/rooms/{room}/messages"))["messages"][-1]["text"]) != text:
        assert time.monotonic() < end, last
        await asyncio.sleep(0.2)


async def test_the_tag_opens_the_widget_in_the_room(product: Product, browser: Browser, ada: Page) -> None:
    room = await new_room(product, title=(name := title()))
    visitor = await own_page(browser, product, await tag_of(ada, product, room))
    await visitor.open()
    await panel_of(visitor).get_by_role("heading", name=name).wait_for(timeout=PATIENCE_MS)
    await visitor.tells("Anybody here?")
    await said_last(product, room, "Anybody here?")


async def test_a_button_of_the_page_opens_the_room(product: Product, browser: Browser, ada: Page) -> None:
    room = await new_room(product, title=(name := title()))
    visitor = await own_page(browser, product)
    await ada.goto(console(product, f"/rooms/{room}/embed/"))
    call = await ada.locator("#call").text_content()
    async with visitor.panel_comes():
        await visitor.page.evaluate(str(call))
    await panel_of(visitor).get_by_role("heading", name=name).wait_for(timeout=PATIENCE_MS)
    await panel_of(visitor).get_by_role("button", name="Rooms").click()
    await visitor.page.evaluate(str(call))
    await panel_of(visitor).get_by_role("heading", name=name).wait_for(timeout=PATIENCE_MS)


async def test_a_link_leads_into_a_room_of_invited_people(product: Product, browser: Browser, ada: Page) -> None:
    room = await new_room(product, title=(name := title()), join_rule="invited")
    await ada.goto(console(product, f"/rooms/{room}/invitations/"))
    await expect(ada.get_by_label("Page on which the link opens")).to_have_value(product.facts["demo_page"])
    await ada.get_by_role("button", name="Make the link").click()
    link = str(await ada.locator("#link").text_content())
    visitor = await comes_by(browser, product, "#" + link.partition("#")[2])
    await panel_of(visitor).get_by_role("heading", name=name).wait_for(timeout=PATIENCE_MS)
    await ada.reload()
    await expect(ada.locator("#link")).to_have_count(0)
    await expect(ada.get_by_text("No link works at the moment")).to_be_visible()


async def test_who_comes_by_a_used_up_link_reads_that_it_is_over(product: Product, browser: Browser) -> None:
    room, owner = await new_room(product, title=(name := title()), join_rule="invited"), Owner(product.tenant("acme"))
    made = (await owner.asks("POST", f"/rooms/{room}/invitations", {"expires_in": 600, "uses": 1}))["invitation"]
    first = await comes_by(browser, product, f"#porchlight={made['code']}")
    await panel_of(first).get_by_role("heading", name=name).wait_for(timeout=PATIENCE_MS)
    visitor = await comes_by(browser, product, f"#porchlight={made['code']}")
    notice = panel_of(visitor).get_by_role("alert")
    await expect(notice).to_have_text("This invitation is over. Ask whoever sent it for a new one.", timeout=PATIENCE_MS)
    await notice.get_by_role("button", name="Understood").click()
    await expect(notice).to_have_count(0)
    await visitor.tells("Then I ask here.")


async def test_a_report_is_settled_and_everybody_in_the_room_sees_it(product: Product, browser: Browser, ada: Page) -> None:
    room = await new_room(product)
    tag, owner = await tag_of(ada, product, room), Owner(product.tenant("acme"))
    loud, vic = [await own_page(browser, product, tag) for _ in range(2)]
    for visitor in (loud, vic):
        await visitor.open()
    await loud.say("Buy my lamps!")
    await vic.sees("Buy my lamps!")
    [message] = [one for one in (await owner.asks("GET", f"/rooms/{room}/messages"))["messages"] if one["kind"] == "text"]
    await owner.asks("POST", f"/rooms/{room}/reports", {"message": message["id"], "reason": "advertising"})
    await ada.goto(console(product, f"/moderation/?room={room}"))
    case, waiting = ada.get_by_role("article"), ada.locator("#waiting")
    were = int(await waiting.inner_text())
    await case.get_by_label("Delete the message").check()
    await expect(case.get_by_label("For how long")).to_be_hidden()
    await case.get_by_label("Its author").select_option("is banned from the room")
    await case.get_by_label("For how long").select_option("a week")
    await case.get_by_role("button", name="Settle").click()
    await expect(ada.get_by_text("Settled: message deleted, author banned.")).to_be_visible()
    await expect(waiting).to_have_text(str(were - 1))
    await expect(log_of(vic).get_by_text("This message was removed")).to_be_visible(timeout=PATIENCE_MS)
    await expect(log_of(loud).get_by_text("Buy my lamps!")).to_have_count(0, timeout=PATIENCE_MS)
    await ada.goto(console(product, f"/rooms/{room}/people/?only=banned"))
    await expect(ada.get_by_role("list", name="People").get_by_text("Banned until")).to_be_visible()


async def test_a_deleted_room_is_gone_from_every_open_page(product: Product, browser: Browser, ada: Page) -> None:
    room = await new_room(product, title=(name := title()))
    visitor = await own_page(browser, product, await tag_of(ada, product, room))
    await visitor.open()
    await visitor.say("Will this last?")
    colleague = await inbox(browser, product.tenant("acme"))
    await colleague.goto(f"{product.tenant('acme')['inbox']}{room}/")
    await colleague.get_by_text("Will this last?").first.wait_for(timeout=PATIENCE_MS)
    await ada.goto(console(product, f"/rooms/{room}/"))
    await ada.get_by_role("link", name="Delete").click()
    await expect(ada.locator(".counts")).to_contain_text("message")
    await ada.get_by_label("Type the title to delete the room").fill("something else")
    await ada.get_by_role("button", name="Delete the room").click()
    await expect(ada.get_by_text("This is not the room's title.")).to_be_visible()
    await ada.get_by_label("Type the title to delete the room").fill(name)
    await ada.get_by_role("button", name="Delete the room").click()
    await ada.wait_for_url("**/rooms/")
    await expect(ada.get_by_text(f"{name} is gone")).to_be_visible()
    await expect(panel_of(visitor).get_by_role("heading", name=name)).to_have_count(0, timeout=PATIENCE_MS)
    await expect(colleague.get_by_text("Will this last?")).to_have_count(0, timeout=PATIENCE_MS)
    await expect(colleague.get_by_text(name)).to_have_count(0)
    await expect(colleague.get_by_role("alert")).to_be_visible()
