"""The stand-in's pages in a real browser: narrow, dark, right to left, and by the keyboard alone."""

import os
from collections.abc import AsyncIterator
from typing import Any

import pytest
from playwright.async_api import Browser, Page, async_playwright

from saas.up import browser as chromium
from tests.billing.sandbox.desk import HOUR, Desk, end
from tests.support.patience import PATIENCE

FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
PATIENCE_MS = 1_000 * PATIENCE
AWAY = "http://127.0.0.2:9/billing/"
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
CONTRAST = """() => {
  const light = (text) => {
    const parts = text.match(/[0-9.]+/g).slice(0, 3).map((part) => part / 255);
    const [r, g, b] = parts.map((part) => (part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const under = (node) => {
    for (let at = node; at; at = at.parentElement) {
      const colour = getComputedStyle(at).backgroundColor;
      if (!colour.startsWith("rgba(0, 0, 0, 0")) return colour;
    }
    return "rgb(255, 255, 255)";
  };
  const texts = [...document.querySelectorAll("body *:not(script):not(style)")].filter((node) =>
    [...node.childNodes].some((child) => child.nodeType === 3 && child.textContent.trim()));
  return Math.min(...texts.map((node) => {
    const [a, b] = [light(getComputedStyle(node).color), light(under(node))].sort((x, y) => y - x);
    return (a + 0.05) / (b + 0.05);
  }));
}"""


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    found = chromium.find()
    if found.path is None:
        if os.environ.get("CI"):
            pytest.fail(found.reason)
        pytest.skip(found.reason)
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(executable_path=found.path, args=FLAGS, timeout=PATIENCE_MS)
        yield launched
        await launched.close()


async def new_page(browser: Browser, **how: Any) -> Page:
    """One that waits for as long as the machine takes."""
    page = await browser.new_page(**how)
    page.set_default_timeout(PATIENCE_MS)
    return page


def addresses(desk: Desk) -> dict[str, str]:
    """The three pages, with something on each."""
    sub = desk.subscribe()
    desk.use(1_300)
    desk.card("pm_card_chargeCustomerFail")
    desk.sandbox.advance_to(end(sub) + HOUR)
    asked: Any = {
        "mode": "subscription",
        "customer": desk.customer,
        "line_items": [{"price": desk.team, "quantity": 5}, {"price": desk.messages}],
        "success_url": AWAY,
        "cancel_url": AWAY,
        "allow_promotion_codes": True,
        "billing_address_collection": "required",
    }
    portal: Any = {"customer": desk.customer, "return_url": AWAY}
    return {
        "checkout": str(desk.stripe.v1.checkout.sessions.create(asked).url),
        "portal": desk.stripe.v1.billing_portal.sessions.create(portal).url,
        "invoice": str(desk.invoices()[-1].hosted_invoice_url),
    }


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_the_pages_fit_a_narrow_phone_and_can_be_read(paying: Desk, browser: Browser, scheme: Any) -> None:
    for name, address in addresses(paying).items():
        page = await new_page(browser, viewport={"width": 320, "height": 640}, color_scheme=scheme)
        await page.goto(address)
        assert await page.evaluate(OVERFLOW) == 0, name
        assert await page.evaluate(CONTRAST) >= 4.5, name
        await page.evaluate("document.documentElement.dir = 'rtl'")
        assert await page.evaluate(OVERFLOW) == 0, f"{name}, right to left"
        await page.close()


async def test_a_card_is_paid_with_by_the_keyboard_alone(paying: Desk, browser: Browser) -> None:
    page = await new_page(browser)
    await page.goto(addresses(paying)["invoice"])
    await page.get_by_role("radio", name="The card on file").focus()
    await page.keyboard.press("ArrowDown")
    assert await page.get_by_role("radio", name="Works").is_checked()
    await reach(page, "Pay $76.20")
    await page.keyboard.press("Enter")
    await page.get_by_text("paid", exact=True).wait_for()
    assert paying.invoices()[-1].status == "paid"


async def test_another_number_has_a_field_of_its_own(paying: Desk, browser: Browser) -> None:
    page = await new_page(browser)
    await page.goto(addresses(paying)["checkout"])
    assert not await page.get_by_label("Card number").is_visible()
    await page.get_by_label("Another number").check()
    await page.get_by_label("Card number").fill("4242 4242 4242 4241")
    await page.get_by_role("button", name="Pay").click()
    assert await page.get_by_role("alert").inner_text() == "Your card number is incorrect."
    assert await page.get_by_label("Card number").input_value() == "4242 4242 4242 4241"


async def reach(page: Page, name: str) -> None:
    """Press Tab until a button has the focus."""
    for _ in range(20):
        await page.keyboard.press("Tab")
        if await page.evaluate("document.activeElement.textContent.trim()") == name:
            return
    raise AssertionError(f"No button {name!r} within 20 tabs.")
