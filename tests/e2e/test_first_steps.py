"""A new customer begins: signs up, pastes the tag into a page of their own, allows that page, and hears the first visitor."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from uuid import uuid4

import pytest
from playwright.async_api import Browser, Page, expect

from tests.e2e.conftest import PATIENCE_MS, Product, customers_page

PASSWORD = "a lamp in the rain 7"


class OwnPage:
    """A page of the customer's, on a port of its own: another origin than anything of ours."""

    def __init__(self) -> None:
        self.html = ""
        page = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.end_headers()
                self.wfile.write(page.html.encode())

            def log_message(self, *_args: object) -> None:
                """Keep quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.origin = f"http://localhost:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def own_page() -> Iterator[OwnPage]:
    page = OwnPage()
    yield page
    page.server.shutdown()
    page.server.server_close()


async def sign_up(product: Product, browser: Browser) -> Page:
    """Somebody new, at the page that a new tenant begins with."""
    page, slug = await (await browser.new_context()).new_page(), f"initech-{uuid4().hex[:6]}"
    await page.goto(product.facts["platform"])
    await page.get_by_role("link", name="Sign up").first.click()
    await page.get_by_label("Your name").fill("Ines")
    await page.get_by_label("Email").fill(f"ines@{slug}.example")
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_label("Name of your team").fill("Initech")
    await page.get_by_label("Address of your inbox").fill(slug)
    await page.get_by_role("button", name="Sign up").click()
    await page.wait_for_url(f"**//{slug}.*/start/")
    return page


def page_with(tag: str) -> str:
    """A page of the customer's with the tag in it."""
    return f"<!doctype html><title>Initech</title><h1>Initech</h1>{tag}"


async def test_from_sign_up_to_the_first_message(product: Product, browser: Browser, own_page: OwnPage) -> None:
    owner = await sign_up(product, browser)
    await owner.get_by_label("Address of your page").fill(own_page.origin)
    await owner.get_by_role("button", name="Keep this address").click()
    own_page.html = page_with(await owner.locator("#tag").inner_text())
    await owner.get_by_role("button", name="I have pasted it").click()
    await expect(owner.get_by_text("Waiting for your page")).to_be_visible()
    visitor = await customers_page(browser, own_page.origin)
    await expect(owner.get_by_text("We saw your tag on")).to_be_visible(timeout=PATIENCE_MS)  # by itself
    await visitor.open()
    await visitor.tells("Is anybody there?")
    await expect(owner.get_by_text("5 of 5 done")).to_be_visible(timeout=PATIENCE_MS)
    await owner.get_by_role("link", name="Answer in the inbox").click()
    await owner.get_by_role("link").filter(has_text="Is anybody there?").click()
    await owner.get_by_role("textbox").fill("From the first minute on.")
    await owner.get_by_role("textbox").press("Enter")
    await visitor.sees("From the first minute on.")


async def test_a_page_that_is_not_named_does_not_show_it(product: Product, browser: Browser, own_page: OwnPage) -> None:
    loader = product.tenant("acme")["widget"].split("/w/")[0] + "/porchlight.js"
    key = product.tenant("acme")["embed_key"]
    own_page.html = f'<!doctype html><h1>Not acme</h1><script async src="{loader}" data-key="{key}" data-test></script>'
    page = await (await browser.new_context()).new_page()
    await page.goto(own_page.origin)
    await page.get_by_role("button", name="Open chat").click()
    await expect(page.get_by_text("The chat could not be loaded.")).to_be_visible(timeout=PATIENCE_MS)
    await page.get_by_role("button", name="Close", exact=True).click()
    await expect(page.get_by_role("button", name="Open chat")).to_be_visible()
