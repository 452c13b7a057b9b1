"""Every page of the console and of one's own: nothing for axe to complain of, light and dark, and nothing wider than a phone.

Pages are found as people find them, by links: one that no link leads to fails here, too.
"""

from typing import Any, Final

import pytest
from playwright.async_api import Browser, Page, expect

from tests.e2e.conftest import Product, inbox
from tests.e2e.crawl import PLATFORM, TENANT, pages, said, too_wide, violations

LOOKS: Final[dict[str, dict[str, Any]]] = {
    "light": {"viewport": {"width": 1280, "height": 800}},
    "dark": {"viewport": {"width": 1280, "height": 800}, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 320, "height": 640}},
}
CONSOLE: Final = {
    *("start", "inbox", "notifications", "notification_settings"),
    *("rooms", "room_new", "room", "room_people", "room_invitations", "room_moderation", "room_embed", "room_delete"),
    *("moderation", "moderation_people", "moderation_words"),
    *("people", "people_roles", "people_invite", "person", "settings", "audit"),
    *("sites", "site_new", "site", "site_look", "site_texts", "site_hours", "site_access", "site_install"),
    *("billing", "billing_usage", "billing_plans", "billing_invoices", "billing_seats", "billing_settings"),
}
OWN: Final = {"home", "account_email", "account_change_password", "sessions", "mfa_index", "account_signup"}


async def ada(product: Product, browser: Browser, **look: Any) -> Page:
    """Acme's owner, with sample data to look at."""
    page = await inbox(browser, product.tenant("acme"), **look)
    await page.goto(f"{product.tenant('acme')['inbox'].removesuffix('inbox/')}start/")
    load = page.get_by_role("button", name="Load sample data")
    if await load.is_visible():
        await load.click()
    await expect(page.get_by_role("button", name="Remove the sample data")).to_be_visible()
    return page


@pytest.mark.timeout(300)
@pytest.mark.parametrize("look", LOOKS)
async def test_every_page_of_the_console(product: Product, browser: Browser, look: str) -> None:
    page, found, seen = await ada(product, browser, **LOOKS[look]), list[str](), set[str]()
    async for name, path in pages(page, page.url, TENANT):
        seen.add(name)
        found += said(path, await violations(page))
        if wide := await too_wide(page):
            found.append(f"{path}: {wide} px wider than its window")
    assert CONSOLE - seen == set(), "no link leads there"
    assert found == []


@pytest.mark.timeout(300)
@pytest.mark.parametrize("look", LOOKS)
async def test_every_page_of_ones_own(product: Product, browser: Browser, look: str) -> None:
    page, found, seen = await ada(product, browser, **LOOKS[look]), list[str](), set[str]()
    async for name, path in pages(page, product.facts["platform"] + "home/", PLATFORM):
        seen.add(name)
        found += said(path, await violations(page))
        if wide := await too_wide(page):
            found.append(f"{path}: {wide} px wider than its window")
    assert OWN - seen == set(), "no link leads there"
    assert found == []


@pytest.mark.parametrize("look", LOOKS)
async def test_what_opens_above_a_page(product: Product, browser: Browser, look: str) -> None:
    page = await ada(product, browser, **LOOKS[look])
    await page.locator(".bell summary").click()
    await expect(page.get_by_role("heading", name="Notifications")).to_be_visible()
    assert await violations(page) == []
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("heading", name="Notifications")).to_be_hidden()
    await page.get_by_role("banner").locator("details.menu:not(.bell) > summary").click()
    await expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    assert await violations(page) == []
    await page.keyboard.press("Escape")
    if look == "phone":
        await page.locator(".drawer summary").click()
        await expect(page.get_by_role("navigation", name="Menu")).to_be_visible()
        assert await violations(page) == []


async def test_a_fault_is_found(product: Product, browser: Browser) -> None:
    page = await ada(product, browser, **LOOKS["light"])
    assert await violations(page) == []
    await page.evaluate("document.querySelector('main').append(document.createElement('img'))")
    [fault] = await violations(page)
    assert fault.startswith("image-alt: ")
