"""Pages that are hard on a guest: strict policies, small screens, foreign hosts."""

from playwright.async_api import Browser

from tests.e2e.conftest import Product, customers_page

PHONE = {"viewport": {"width": 320, "height": 568}}


async def test_a_strict_policy_and_trusted_types_do_not_hinder_it(product: Product, browser: Browser) -> None:
    visitor = await customers_page(browser, product.facts["demo_page"] + "strict/")
    complaints: list[str] = []
    visitor.page.on("console", lambda line: complaints.append(line.text) if line.type == "error" else None)
    visitor.page.on("pageerror", lambda error: complaints.append(str(error)))
    await visitor.open()
    await visitor.tells("Strict but friendly")
    assert complaints == []


async def test_it_fits_a_phone_of_320_pixels(product: Product, browser: Browser) -> None:
    visitor = await customers_page(browser, product.facts["demo_page"], **PHONE)
    await visitor.open()
    await visitor.tells("From a small phone")
    assert await visitor.frame.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert await visitor.page.evaluate("document.documentElement.scrollWidth <= innerWidth")


async def test_nothing_is_stored_before_the_first_open(product: Product, browser: Browser) -> None:
    visitor = await customers_page(browser, product.facts["demo_page"])
    await visitor.page.wait_for_function("() => document.querySelector('porch-light') !== null")
    assert await visitor.page.evaluate("localStorage.length + sessionStorage.length") == 0
    assert await visitor.page.context.cookies() == []


async def test_the_host_page_cannot_look_inside(product: Product, browser: Browser) -> None:
    visitor = await customers_page(browser, product.facts["demo_page"])
    await visitor.open()
    assert await visitor.page.evaluate("document.querySelector('porch-light').shadowRoot") is None
    assert await visitor.page.evaluate("window.length") == 0
