"""A new owner comes all the way by what the pages say: from the sign-up to a room with a moderator, a colleague with two-factor,
and a second site whose tag is seen.
"""

from collections.abc import Iterator

import pytest
from playwright.async_api import Browser, Page, expect

from tests.contract.conformance.place import origin_of
from tests.e2e.conftest import PATIENCE_MS, Product, Widget, customers_page
from tests.e2e.people import accept, read_mail, set_up_app
from tests.e2e.test_first_steps import OwnPage, page_with, sign_up
from tests.e2e.test_money import WORKS, subscribe
from tests.e2e.test_rooms_of_many import panel_of

ROOM = "Friends of the shop"
SECOND = "The other shop"


@pytest.fixture
def shops() -> Iterator[tuple[OwnPage, OwnPage]]:
    """The pages of two shops, at addresses of their own."""
    pages = OwnPage(), OwnPage()
    yield pages
    for page in pages:
        page.server.shutdown()
        page.server.server_close()


async def menu(owner: Page, entry: str) -> None:
    """Choose an entry of the navigation."""
    await owner.get_by_role("complementary").get_by_role("link", name=entry, exact=True).click()


async def first_message(owner: Page, browser: Browser, shop: OwnPage) -> Widget:
    """The five steps; the visitor who took the last."""
    await expect(owner.get_by_text("1 of 5 done")).to_be_visible()
    await owner.get_by_label("Address of your page").fill(shop.origin)
    await owner.get_by_role("button", name="Keep this address").click()
    shop.html = page_with(await owner.locator("#tag").inner_text())
    await owner.get_by_role("button", name="I have pasted it").click()
    visitor = await customers_page(browser, shop.origin)
    await expect(owner.get_by_text("We saw your tag on")).to_be_visible(timeout=PATIENCE_MS)
    await visitor.open()
    await visitor.tells("Good evening")
    await expect(owner.get_by_text("5 of 5 done")).to_be_visible(timeout=PATIENCE_MS)
    return visitor


async def room_with_moderator(owner: Page, visitor: Widget) -> None:
    """Open a community room; a visitor comes in, and keeps order from then on."""
    await owner.get_by_role("link", name="Open a community room").click()
    await owner.get_by_label("Title").fill(ROOM)
    await owner.get_by_role("button", name="Make the room").click()
    await expect(owner.get_by_role("heading", name=ROOM)).to_be_visible()
    await visitor.page.reload()
    await visitor.open()
    await panel_of(visitor).get_by_role("button", name="Rooms").click()
    await panel_of(visitor).get_by_role("button").filter(has_text=ROOM).click()
    await panel_of(visitor).get_by_role("heading", name=ROOM).wait_for()
    await visitor.tells("First in the room")
    await owner.get_by_role("navigation", name=ROOM).get_by_role("link", name="People").click()
    await owner.get_by_role("list", name="People").get_by_role("link").click()
    await owner.get_by_role("button", name="Make a moderator").click()
    await expect(owner.get_by_text("Moderator", exact=True)).to_be_visible()


async def colleague_with_two_factor(owner: Page, browser: Browser, platform: str, slug: str) -> Page:
    """Invite by mail; who comes sets up an app. Their page."""
    email = f"ben@{slug}.example"
    await menu(owner, "People")
    await owner.get_by_role("link", name="Invite", exact=True).click()
    await owner.get_by_label("Email").fill(email)
    await owner.get_by_role("button", name="Send the invitation").click()
    await expect(owner.get_by_text(f"on its way to {email}")).to_be_visible()
    ben = await accept(browser, await read_mail(browser, platform, email, "invites you"), "Ben")
    await ben.get_by_role("button", name="Ben, menu").click()
    await ben.get_by_role("link", name="You", exact=True).click()
    await ben.get_by_role("link", name="Two-factor").click()
    await ben.get_by_role("link", name="Set it up").click()
    await set_up_app(ben)
    await menu(owner, "People")
    await expect(owner.get_by_role("listitem").filter(has_text=email).get_by_text("Two-factor", exact=True)).to_be_visible()
    return ben


async def second_site(owner: Page, browser: Browser, host: str, shop: OwnPage) -> None:
    """The free plan has one site: choose a larger one on the way. The second site's tag is seen on a page of its own."""
    await menu(owner, "Sites")
    await expect(owner.get_by_role("link", name="Choose a larger plan")).to_be_visible()
    await subscribe(owner, host, WORKS)
    await menu(owner, "Sites")
    await owner.get_by_role("link", name="New site").click()
    await owner.get_by_label("Name").fill(SECOND)
    await owner.get_by_label("Addresses that may show it").fill(shop.origin)
    await owner.get_by_role("button", name="Make it").click()
    shop.html = page_with(await owner.locator("#the-tag").inner_text())
    await expect(owner.get_by_text("We have not seen your tag yet.")).to_be_visible()
    visitor = await customers_page(browser, shop.origin)
    await expect(owner.get_by_text("We saw your tag on")).to_be_visible(timeout=PATIENCE_MS)
    await visitor.open()
    await visitor.tells("And good evening here")


@pytest.mark.timeout(300)
async def test_a_new_owner_comes_all_the_way(product: Product, browser: Browser, shops: tuple[OwnPage, OwnPage]) -> None:
    owner, platform = await sign_up(product, browser), origin_of(product.facts["platform"])
    host = origin_of(owner.url)
    slug = host.partition("://")[2].partition(".")[0]
    visitor = await first_message(owner, browser, shops[0])
    await room_with_moderator(owner, visitor)
    await menu(owner, "First steps")
    await owner.get_by_role("button", name="Load sample data").click()
    await expect(owner.get_by_text("Loaded: 4 rooms")).to_be_visible()
    await colleague_with_two_factor(owner, browser, platform, slug)
    await second_site(owner, browser, host, shops[1])
    await menu(owner, "First steps")
    await expect(owner.get_by_role("heading", name="The lamp is lit")).to_be_visible()
    await expect(owner.get_by_text("Done", exact=True)).to_have_count(2)  # somebody was invited, a room was opened
    await owner.get_by_role("button", name="Remove the sample data").click()
    await expect(owner.get_by_text("Removed: 4 rooms")).to_be_visible()
    await menu(owner, "Audit log")
    for words in (
        "removed the sample data",
        f"made the site {SECOND}",
        "joined as",
        f"made the room {ROOM}",
        "loaded the sample data",
    ):
        await expect(owner.get_by_role("main")).to_contain_text(words)
