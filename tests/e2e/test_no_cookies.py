"""A browser that keeps no cookie for a frame on a foreign page: the loader keeps the visitor's handle for the panel."""

import asyncio
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from playwright.async_api import Browser, BrowserContext, Route, WebSocketRoute, expect

from tests.e2e.conftest import PATIENCE_MS, Product, Widget

BROKEN = 3_000  # no code of the protocol: whatever ends a socket before its welcome


async def without_cookies(route: Route) -> None:
    """Let a session be asked for, and lose the cookies of both ways."""
    parts, asked = urlsplit(route.request.url), route.request
    headers = {"Host": parts.netloc, "Origin": asked.headers["origin"], "Content-Type": "application/json"}
    address = parts._replace(netloc=f"127.0.0.1:{parts.port}").geturl()  # Python resolves no *.localhost
    request = Request(address, asked.post_data_buffer, headers)
    body = await asyncio.to_thread(lambda: urlopen(request).read())
    await route.fulfill(status=200, content_type="application/json", body=body)


class Nap:
    """While it lasts, sockets open and end before they are welcomed."""

    def __init__(self) -> None:
        self._lines: list[WebSocketRoute] = []
        self._lasts = False

    def heed(self, line: WebSocketRoute) -> None:
        """A new socket of the page."""
        if self._lasts:
            line.on_message(lambda _hello: asyncio.ensure_future(line.close(code=BROKEN)))
        else:
            line.connect_to_server()
            self._lines.append(line)

    async def begin(self) -> None:
        """What is open ends, too."""
        self._lasts = True
        for line in self._lines:
            await line.close(code=BROKEN)

    def end(self) -> None:
        self._lasts = False


async def tab(context: BrowserContext, address: str) -> Widget:
    widget = Widget(await context.new_page())
    await widget.page.goto(address)
    await widget.open()
    return widget


async def test_a_tab_that_slept_is_still_the_same_visitor(product: Product, browser: Browser) -> None:
    context, there = await browser.new_context(), product.facts["demo_page"]
    await context.route("**/w/*/session", without_cookies)
    asleep, nap = Widget(await context.new_page()), Nap()
    await asleep.page.route_web_socket("**/ws/**", nap.heed)
    await asleep.page.goto(there)
    await asleep.open()
    await asleep.tells("Before the nap")
    for _ in range(3):  # each turns the handle that the page keeps
        awake = await tab(context, there)
        await awake.sees("Before the nap")
        await awake.page.close()
    async with asleep.page.expect_request("**/session", timeout=PATIENCE_MS):  # after two tries that brought no welcome
        await nap.begin()
    await context.set_offline(True)
    await expect(asleep.frame.get_by_text("No connection.")).to_be_visible(timeout=PATIENCE_MS)
    nap.end()
    await context.set_offline(False)
    await asleep.tells("After the nap")
    awake = await tab(context, there)
    for text in ("Before the nap", "After the nap"):
        await awake.sees(text)
