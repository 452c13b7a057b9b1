"""An owner sets up a site with the real widget before their eyes: look, key, tag, and hours that pass on an open page."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from playwright.async_api import Browser, FrameLocator, Page, Route, expect

from tests.contract.conformance.place import origin_of
from tests.e2e.conftest import PATIENCE_MS, Product, Widget, customers_page, inbox
from tests.e2e.test_first_steps import OwnPage, own_page

__all__ = ["own_page"]  # the fixture

BLUE = "rgb(11, 95, 255)"
LOOK_MS = 5_000


async def site_of(product: Product, browser: Browser, name: str, pages: OwnPage | None = None) -> Page:
    """Acme's owner before a new site of this name, at its page Install."""
    acme = product.tenant("acme")
    owner = await inbox(browser, acme)
    await owner.goto(f"{origin_of(acme['inbox'])}/sites/new/")
    await owner.get_by_label("Name").fill(name)
    if pages is not None:
        await owner.get_by_label("Addresses that may show it").fill(pages.origin)
    await owner.get_by_role("button", name="Make it").click()
    await expect(owner.get_by_role("heading", name=name, exact=True)).to_be_visible()
    return owner


async def delete(owner: Page, name: str) -> None:
    """The site goes, as its plan has few of them."""
    await owner.get_by_role("link", name="General", exact=True).click()
    await owner.get_by_role("link", name=f"Delete {name}").click()
    await owner.get_by_label("Its name, to be sure").fill(name)
    await owner.get_by_role("button", name="Delete it for good").click()
    await expect(owner.get_by_text(f"{name} is deleted.")).to_be_visible()


async def tag_of(owner: Page) -> str:
    """The tag, in a way that lets the page's own tests look inside."""
    await owner.get_by_role("link", name="Install", exact=True).click()
    return (await owner.locator("#the-tag").inner_text()).replace("<script async", "<script async data-test")


async def visit(browser: Browser, pages: OwnPage, tag: str) -> Widget:
    """A visitor on a page that has the tag."""
    pages.html = f"<!doctype html><html lang=en><title>Shop</title><body><h1>Shop</h1>{tag}"
    return await customers_page(browser, pages.origin)


def preview(owner: Page) -> FrameLocator:
    """The empty page on which the widget stands."""
    return owner.frame_locator("#preview iframe")


async def eventually(claim: Callable[[], Awaitable[None]]) -> None:
    """Wait until it holds in a preview. A look into a frame that is replaced just then finds nothing, so each look is short."""
    end = time.monotonic() + PATIENCE_MS / 1000
    expect.set_options(timeout=LOOK_MS)
    try:
        while True:
            try:
                return await claim()
            except AssertionError:
                if time.monotonic() > end:
                    raise
    finally:
        expect.set_options(timeout=PATIENCE_MS)


async def keep(owner: Page, words: str) -> None:
    await owner.get_by_role("button", name=words).click()
    await expect(owner.get_by_text("Kept.")).to_be_visible()


async def test_the_look_is_seen_before_it_is_kept(product: Product, browser: Browser, own_page: OwnPage) -> None:
    owner = await site_of(product, browser, "Looks", own_page)
    tag = await tag_of(owner)
    await owner.get_by_role("link", name="Look", exact=True).click()
    shown = preview(owner)
    await eventually(lambda: expect(shown.locator(".launcher")).to_have_css("background-color", "rgb(180, 83, 9)"))
    await owner.get_by_label("Colour", exact=True).fill("#0B5FFF")
    await owner.get_by_label("Left", exact=True).check()
    await owner.get_by_label("Words beside the icon").fill("Ask us")
    await eventually(lambda: expect(shown.locator(".launcher[title='Ask us']")).to_have_css("background-color", BLUE))
    panel = shown.frame_locator("iframe")
    await eventually(lambda: expect(panel.get_by_text("We are here")).to_be_visible())
    await expect(panel.locator(".avatar").first).to_have_css("background-color", BLUE)
    await expect(owner.get_by_label("Words beside the icon")).to_be_focused()  # the preview takes it from nobody

    visitor = await visit(browser, own_page, tag)
    await expect(visitor.page.locator(".launcher")).to_have_css("background-color", "rgb(180, 83, 9)")
    await keep(owner, "Keep this look")
    visitor = await visit(browser, own_page, tag)
    launcher = visitor.page.get_by_role("button", name="Ask us")
    await expect(launcher).to_have_css("background-color", BLUE, timeout=PATIENCE_MS)  # before it is opened for the first time
    box = await launcher.bounding_box()
    assert box is not None
    assert box["x"] == 20
    await delete(owner, "Looks")


async def test_a_text_that_cannot_be_kept_stays_in_the_form(product: Product, browser: Browser) -> None:
    owner = await site_of(product, browser, "Texts")
    await owner.get_by_role("link", name="Texts", exact=True).click()
    panel = preview(owner).frame_locator("iframe")
    await owner.get_by_label("Greeting").fill("Good evening.")
    await eventually(lambda: expect(panel.get_by_text("Good evening.")).to_be_visible())
    away = panel.get_by_text("Nobody is here right now.")
    await owner.get_by_label("as if nobody were here").check()
    await eventually(lambda: expect(away).to_be_visible())
    await owner.get_by_label("as if nobody were here").uncheck()  # nothing else was changed since
    await eventually(lambda: expect(away).to_have_count(0))
    await owner.get_by_label("Greeting").fill("x" * 301)
    await owner.get_by_role("button", name="Keep these texts").click()
    await expect(owner.get_by_text("This has 301 characters; 300 is the most.")).to_be_visible()
    assert await owner.get_by_label("Greeting").input_value() == "x" * 301
    await delete(owner, "Texts")


@asynccontextmanager
async def before_its_code(owner: Page, name: str) -> AsyncIterator[None]:
    """One of the site's pages, of which htmx comes when the block is over."""
    is_over = asyncio.Event()

    async def hold(route: Route) -> None:
        await is_over.wait()
        await route.continue_()

    await owner.route("**/built/htmx*.js", hold)
    await owner.get_by_role("link", name=name, exact=True).click(no_wait_after=True)
    yield
    is_over.set()


async def test_what_is_typed_before_the_pages_code_is_there_is_in_the_preview(product: Product, browser: Browser) -> None:
    owner = await site_of(product, browser, "Early")
    async with before_its_code(owner, "Texts"):
        await owner.get_by_label("Greeting").fill("Good evening.")
    panel = preview(owner).frame_locator("iframe")
    await eventually(lambda: expect(panel.get_by_text("Good evening.")).to_be_visible())
    await delete(owner, "Early")


async def test_what_is_sent_before_the_pages_code_is_there_is_sent_once_it_is(product: Product, browser: Browser) -> None:
    owner = await site_of(product, browser, "Pressed")
    addresses, button = owner.get_by_label("Addresses that may show it"), owner.get_by_role("button", name="Try it")
    async with before_its_code(owner, "Access"):
        await addresses.fill("https://*.shop.example")
        await owner.get_by_label("Would this page be allowed?").fill("https://a.shop.example/cart")
        await button.click(no_wait_after=True)
        await expect(button).to_have_attribute("aria-busy", "true")
    await expect(owner.locator("#attempt")).to_contain_text("Yes:", timeout=PATIENCE_MS)
    await expect(button).not_to_have_attribute("aria-busy", "true")
    await expect(addresses).to_have_value("https://*.shop.example")
    await delete(owner, "Pressed")


async def test_the_tag_is_seen_and_its_page_allowed_with_one_click(product: Product, browser: Browser, own_page: OwnPage) -> None:
    owner = await site_of(product, browser, "Tags")
    await expect(owner.get_by_text("We have not seen your tag yet.")).to_be_visible()
    await visit(browser, own_page, await tag_of(owner))
    allow = owner.get_by_role("button", name=f"Allow {own_page.origin}")
    await allow.click(timeout=PATIENCE_MS)
    await expect(owner.get_by_text(f"We saw your tag on {own_page.origin}")).to_be_visible()
    await delete(owner, "Tags")


async def test_a_key_is_changed_and_the_old_one_ends_at_once(product: Product, browser: Browser, own_page: OwnPage) -> None:
    owner = await site_of(product, browser, "Keys", own_page)
    old = await tag_of(owner)
    visitor = await visit(browser, own_page, old)
    await visitor.page.get_by_role("button", name="Open chat").click()
    panel = visitor.page.frame_locator("porch-light iframe")
    await panel.get_by_role("textbox").fill("With the old key")
    await panel.get_by_role("textbox").press("Enter")
    await expect(panel.get_by_role("log").get_by_text("With the old key")).to_be_visible()

    await owner.get_by_role("link", name="General", exact=True).click()
    await owner.get_by_text("Make a new key").click()
    await owner.get_by_label("at once").check()
    await owner.get_by_role("button", name="Make the new key").click()
    await expect(owner.get_by_text("The tag has a new key.")).to_be_visible()
    await expect(panel.get_by_text("There is no chat for this site.")).to_be_visible(timeout=PATIENCE_MS)
    new = await tag_of(owner)
    assert new != old
    visitor = await visit(browser, own_page, new)
    await visitor.page.get_by_role("button", name="Open chat").click()
    await expect(visitor.page.frame_locator("porch-light iframe").get_by_role("textbox")).to_be_visible()
    await delete(owner, "Keys")


async def test_an_address_is_tried_before_it_is_kept(product: Product, browser: Browser) -> None:
    owner = await site_of(product, browser, "Pages")
    await owner.get_by_role("link", name="Access", exact=True).click()
    await owner.get_by_label("Addresses that may show it").fill("https://*.shop.example")
    for address, words in (("https://a.shop.example/cart", "Yes:"), ("https://shop.example", "No:")):
        await owner.get_by_label("Would this page be allowed?").fill(address)
        await owner.get_by_role("button", name="Try it").click()
        await expect(owner.locator("#attempt")).to_contain_text(words)
    await delete(owner, "Pages")


async def test_a_new_secret_and_a_faster_colleague_are_where_one_looks(product: Product, browser: Browser) -> None:
    owner = await site_of(product, browser, "Strict")
    await owner.get_by_role("link", name="Access", exact=True).click()
    await owner.get_by_role("button", name="Make an identity key").click()
    await expect(owner.get_by_text("Copy the secret now.")).to_be_in_viewport()
    await owner.get_by_label("Addresses that may show it").fill("https://shop.example")
    await keep(owner, "Keep these addresses")

    other = await owner.context.new_page()
    await other.goto(owner.url)
    await other.get_by_label("Only visitors whom your site has signed in").check()
    await other.get_by_role("button", name="Keep this", exact=True).click()
    await expect(other.get_by_text("may write now.")).to_be_visible()
    await owner.get_by_role("button", name="Keep this", exact=True).click()
    said = owner.get_by_role("alert").filter(has_text="changed this meanwhile.")
    await expect(said).to_be_focused()
    await said.get_by_role("link", name="take theirs").click()
    await expect(owner.get_by_role("heading", name="Strict", exact=True)).to_be_visible()
    await delete(owner, "Strict")


def noon_zone(now: datetime) -> str:
    """A time zone where it is about noon."""
    ahead = 12 - now.hour
    return f"Etc/GMT{'-' if ahead >= 0 else '+'}{abs(ahead)}"


async def test_an_open_page_closes_with_the_hours(product: Product, browser: Browser, own_page: OwnPage) -> None:
    owner = await site_of(product, browser, "Hours", own_page)
    tag = await tag_of(owner)
    await owner.get_by_role("link", name="Hours", exact=True).click()
    now = datetime.now(UTC)
    await owner.get_by_label("Time zone").fill(noon_zone(now))
    for day in ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"):
        await owner.get_by_label(f"{day} opens", exact=True).fill("09:00")
        await owner.get_by_label(f"{day} closes", exact=True).fill("17:00")
    await keep(owner, "Keep these hours")
    await expect(owner.locator("p.note").filter(has_text="It is ")).to_contain_text("the site is open until")
    there = owner.url
    await owner.goto(product.tenant("acme")["inbox"])  # from now on somebody is here

    context: Any = await browser.new_context()
    await context.clock.install(time=now)
    own_page.html = f"<!doctype html><html lang=en><title>Shop</title><body>{tag}"
    page = await context.new_page()
    await page.goto(own_page.origin)
    await page.get_by_role("button", name="Open chat").click()
    panel = page.frame_locator("porch-light iframe")
    await expect(panel.get_by_role("textbox")).to_be_visible(timeout=PATIENCE_MS)
    await expect(panel.get_by_text("We are here")).to_be_visible(timeout=PATIENCE_MS)
    await context.clock.fast_forward("06:00:00")  # nobody reloads it
    await expect(panel.get_by_text("We reply when we are back")).to_be_visible(timeout=PATIENCE_MS)
    await expect(panel.get_by_text("Here again")).to_be_visible(timeout=PATIENCE_MS)
    await owner.goto(there)
    await delete(owner, "Hours")
