"""A customer's page says that its user has signed out: whoever is next in that browser finds nothing of theirs."""

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from playwright.async_api import Browser, expect

from tests.e2e.conftest import PATIENCE_MS, Product
from tests.e2e.shop import Shop, open_shop, somebody


@pytest.fixture
async def shop(product: Product) -> AsyncIterator[Shop]:
    async with open_shop(product) as shop:
        yield shop


@pytest.mark.parametrize("more", ["**/none", "**/later-anew*"], ids=["with more code", "without more code"])
async def test_the_next_in_this_browser_is_not_the_user_who_signed_out(browser: Browser, shop: Shop, more: str) -> None:
    shop.user, secret = somebody(), f"My order is late {uuid4().hex[:6]}"
    context = await browser.new_context()
    await context.route(more, lambda route: route.abort())
    visitor = await shop.visit(context)
    await visitor.open()
    await visitor.tells(secret)
    await visitor.composer.fill("and where do I")
    shop.user = ""
    async with visitor.panel_comes():
        await visitor.page.evaluate("Porchlight.identify(null)")
    await visitor.frame.locator("body").get_by_text("We reply").wait_for(timeout=PATIENCE_MS)
    await expect(visitor.composer).to_have_value("")
    await visitor.tells("Hello, I am new")
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
    await visitor.tells(secret)
    shop.user = ""
    await visitor.page.reload()
    await visitor.open()
    await expect(visitor.frame.get_by_role("log")).to_be_visible()
    assert await visitor.frame.get_by_text(secret).count() == 0


async def test_what_a_user_has_begun_is_not_there_for_the_next_one(browser: Browser, shop: Shop) -> None:
    shop.user, first = somebody(), f"Only for me {uuid4().hex[:6]}"
    visitor = await shop.visit(await browser.new_context())
    await visitor.open()
    await visitor.tells(first)
    await visitor.composer.fill("My card number is")
    shop.user = somebody()
    await visitor.page.evaluate("Porchlight.identify(null); Porchlight.identify(whoIsHere)")
    await visitor.frame.get_by_text(first).wait_for(state="detached", timeout=PATIENCE_MS)
    await visitor.tells("I am another one")
    await expect(visitor.composer).to_have_value("")
    assert await visitor.frame.get_by_text(first).count() == 0
