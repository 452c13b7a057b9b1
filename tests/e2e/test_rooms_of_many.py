"""A room of many on a customer's site: visitors meet there, and one of them keeps order."""

from playwright.async_api import Browser, Locator, expect

from tests.e2e.conftest import PATIENCE_MS, Owner, Product, Widget, customers_page
from tests.e2e.test_changes import do, log_of, remove


def panel_of(visitor: Widget) -> Locator:
    found: Locator = visitor.frame.get_by_role("main")
    return found


async def comes_in(browser: Browser, product: Product, *, room: str, says: str) -> Widget:
    """A visitor finds the room in the list of rooms, and says something there."""
    visitor = await customers_page(browser, product.facts["demo_page"])
    await visitor.open()
    panel = panel_of(visitor)
    await panel.get_by_role("button", name="Rooms").click()
    await panel.get_by_role("button").filter(has_text=room).click()
    await panel.get_by_role("heading", name=room).wait_for()
    await visitor.tells(says)
    return visitor


async def test_two_visitors_meet_and_one_keeps_order(product: Product, browser: Browser) -> None:
    owner = Owner(product.tenant("acme"))
    room = (await owner.asks("POST", "/rooms", {"kind": "community", "title": "Riders of the coast"}))["room"]["id"]
    vic = await comes_in(browser, product, room="Riders of the coast", says="Anyone riding on Sunday?")
    [member] = (await owner.asks("GET", f"/rooms/{room}/members"))["members"]
    await owner.asks("PUT", f"/rooms/{room}/members/{member['id']}", {"role": "moderator"})
    loud = await comes_in(browser, product, room="Riders of the coast", says="Buy my lamps!")
    await loud.sees("Anyone riding on Sunday?")
    await vic.sees("Buy my lamps!")
    await do(log_of(vic), "Buy my lamps!", "Mute for an hour")
    await panel_of(loud).get_by_text("You may not write here at the moment.").wait_for(timeout=PATIENCE_MS)
    await expect(panel_of(loud).get_by_role("textbox")).to_have_count(0)
    await vic.page.keyboard.press("Escape")
    await remove(log_of(vic), "Buy my lamps!")
    await loud.sees("This message was removed")
    await expect(log_of(loud).get_by_text("Buy my lamps!")).to_have_count(0)


async def test_a_refused_change_is_shown_and_can_be_tried_again(product: Product, browser: Browser) -> None:
    owner = Owner(product.tenant("acme"))
    room = (await owner.asks("POST", "/rooms", {"kind": "community", "title": "Builders of wheels"}))["room"]
    words = f"/sites/{room['site']['id']}/words"
    visitor = await comes_in(browser, product, room="Builders of wheels", says="What a wheel!")
    await owner.asks("PUT", words, {"words": ["darned"]})
    await do(log_of(visitor), "What a wheel!", "Edit")
    await visitor.say("What a darned wheel!")
    await log_of(visitor).get_by_text("Not changed.").wait_for(timeout=PATIENCE_MS)
    await visitor.sees("What a wheel!")
    await owner.asks("PUT", words, {"words": []})
    await log_of(visitor).get_by_role("button", name="Try again").click()
    await visitor.sees("What a darned wheel!")
    await expect(log_of(visitor).get_by_text("Not changed.")).to_have_count(0)
    reader = await comes_in(browser, product, room="Builders of wheels", says="Which one?")
    await reader.sees("What a darned wheel!")
