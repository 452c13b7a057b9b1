"""The frame around every page of the console: by keyboard, on a phone, without a script, in either direction."""

from typing import Any
from urllib.parse import urljoin

from playwright.async_api import Browser, Page, expect

from tests.e2e.conftest import Product, inbox

PHONE = {"width": 320, "height": 640}


async def console(product: Product, browser: Browser, path: str, **options: Any) -> Page:
    """A page of acme's console, opened by its owner in a window of their own."""
    page = await inbox(browser, product.tenant("acme"), **options)
    await page.goto(urljoin(page.url, path))
    return page


async def test_the_drawer_opens_by_keyboard_and_gives_the_focus_back(product: Product, browser: Browser) -> None:
    page = await console(product, browser, "/audit/", viewport=PHONE)
    menu = page.locator(".drawer summary")
    await menu.focus()
    await page.keyboard.press("Enter")
    people = page.get_by_role("navigation", name="Menu").get_by_role("link", name="People")
    await expect(people).to_be_visible()
    await page.keyboard.press("Tab")
    assert await page.evaluate("document.activeElement.closest('.drawer') !== null")
    await page.keyboard.press("Escape")
    await expect(people).to_be_hidden()
    await expect(menu).to_be_focused()


async def test_the_drawer_leads_on_without_a_script(product: Product, browser: Browser) -> None:
    page = await console(product, browser, "/audit/", viewport=PHONE, java_script_enabled=False)
    await page.locator(".drawer summary").click()
    await page.get_by_role("navigation", name="Menu").get_by_role("link", name="People").click()
    await expect(page.get_by_role("heading", name="People", level=1)).to_be_visible()


async def test_the_persons_menu_closes_by_a_click_elsewhere(product: Product, browser: Browser) -> None:
    page = await console(product, browser, "/audit/")
    menu = page.get_by_role("button", name="Sign out")
    await page.locator(".topbar > .menu:not(.bell) > summary").click()
    await expect(menu).to_be_visible()
    await page.get_by_role("heading", name="Audit log", level=1).click()
    await expect(menu).to_be_hidden()


async def test_no_page_of_the_frame_is_wider_than_a_phone_in_either_direction(product: Product, browser: Browser) -> None:
    page = await console(product, browser, "/audit/", viewport=PHONE)
    for path in ("/audit/?act=room", "/billing/", "/billing/plans/", "/billing/settings/", "/billing/close/"):
        await page.goto(urljoin(page.url, path))
        for direction in ("ltr", "rtl"):
            await page.evaluate("way => { document.documentElement.dir = way }", direction)
            assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (path, direction)
