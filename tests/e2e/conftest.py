"""A running Porchlight, made by the same command that people type, and a real browser beside it."""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Locator, Page, async_playwright, expect

from saas.up import browser as chromium
from tests.contract.conformance.place import Place, origin_of
from tests.support.server import lasting_port

ROOT = Path(__file__).resolve().parents[2]
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
START_SECONDS = 180.0
PATIENCE_MS = 45_000  # after a restart, a client comes back within its back-off: at most 20 s
TEST_SECONDS = 400.0  # for one test with the start before it, and several patiences
SELF_MADE = ("DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL", "SECRET_KEY", "PORCHLIGHT_BASE_HOST", "DATABASE_AS_OWNER")

expect.set_options(timeout=PATIENCE_MS)

APART = {"test_money.py": "e2e-money", "test_bell.py": "e2e-console", "test_owner_tour.py": "e2e-console"}


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Those of a group share one server, so one worker runs them; there are several, so that several workers do.

    The first of them waits for its start.
    """
    for item in items:
        if "e2e" in item.path.parts:
            console = "e2e-console" if item.path.name.startswith("test_console") else "e2e"
            item.add_marker(pytest.mark.xdist_group(APART.get(item.path.name, console)))
            if item.get_closest_marker("timeout") is None:
                item.add_marker(pytest.mark.timeout(TEST_SECONDS))


class Product:
    """`python -m saas.up` in a data folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = lasting_port()
        self.process: subprocess.Popen[bytes] | None = None
        self.facts: dict[str, Any] = {}

    def start(self) -> None:
        """Start it, and wait until it has said where everything is."""
        kept = {name: value for name, value in os.environ.items() if name not in SELF_MADE}
        with open(self.folder / "up.log", "ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "saas.up"],
                env=kept | {"DATA_DIR": str(self.folder), "PORT": str(self.port)},
                cwd=ROOT,
                stdout=log,
                stderr=log,
            )
        self._await(self.process)

    def _await(self, process: subprocess.Popen[bytes]) -> None:
        told, end = self.folder / "up.json", time.monotonic() + START_SECONDS
        while not told.exists():
            if process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"it did not start: {(self.folder / 'up.log').read_text()[-2000:]}")
            time.sleep(0.1)
        self.facts = json.loads(told.read_text())

    def stop(self) -> None:
        """End it as Ctrl-C does, and wait."""
        if self.process is not None:
            self.process.send_signal(signal.SIGINT)
            assert self.process.wait(60) == 0
            self.process = None

    def tenant(self, slug: str) -> dict[str, Any]:
        return next(tenant for tenant in self.facts["tenants"] if tenant["slug"] == slug)


@pytest.fixture(scope="session")
def product() -> Iterator[Product]:
    """The product, running, with its demo tenants."""
    with tempfile.TemporaryDirectory(prefix="porchlight e2e ") as folder:
        Path(folder).chmod(0o755)  # as root, the database's account must enter it
        running = Product(Path(folder))
        running.start()
        yield running
        running.stop()


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """Chromium; the test is skipped, with the reason, where there is none."""
    found = chromium.find()
    if found.path is None:
        pytest.skip(f"BROWSER TEST NOT RUN: {found.reason}")
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(executable_path=found.path, args=FLAGS)
        yield started
        await started.close()


@dataclass(frozen=True, slots=True)
class Widget:
    """The chat on a customer's page, used as a visitor does: by mouse and keyboard, from outside its closed shadow root."""

    page: Page

    async def open(self, *, side: str = "right") -> None:
        """Click the launcher in the page's corner, and wait until one can write."""
        await self.click_launcher(side=side)
        await self.composer.wait_for()

    async def click_launcher(self, *, side: str = "right") -> None:
        """The first click, which brings the panel's frame."""
        size = self.page.viewport_size
        assert size is not None
        await self.page.wait_for_function("() => document.querySelector('porch-light') !== null")
        async with self.panel_comes():
            await self.page.mouse.click(48 if side == "left" else size["width"] - 48, size["height"] - 48)

    def panel_comes(self) -> Any:
        """A context that ends when the panel's frame is there."""
        return self.page.expect_event("framenavigated", lambda frame: "/w/" in frame.url)

    @property
    def frame(self) -> Any:
        return next(frame for frame in self.page.frames if "/w/" in frame.url)

    @property
    def composer(self) -> Locator:
        frames = [frame for frame in self.page.frames if "/frame" in frame.url] or [self.page.frames[-1]]
        return frames[-1].get_by_role("textbox")

    async def say(self, text: str) -> None:
        await self.composer.fill(text)
        await self.composer.press("Enter")

    async def tells(self, text: str) -> None:
        """Write it, and wait until it is stored: what is on its way stands there at once."""
        await self.say(text)
        await self.sees(text)
        tick = self.frame.locator(".ticks").last
        await expect(tick).to_have_attribute("title", re.compile("Sent|Read"), timeout=PATIENCE_MS)

    async def sees(self, text: str, *, times: int = 1) -> None:
        """Wait until the text stands in the chat, and check that it stands there so many times."""
        found = self.frame.get_by_role("log").get_by_text(text, exact=True)
        await found.nth(times - 1).wait_for(timeout=PATIENCE_MS)
        assert await found.count() == times


class Owner:
    """A tenant's owner, over the API."""

    def __init__(self, tenant: dict[str, Any]) -> None:
        self.place = Place(
            url=origin_of(tenant["inbox"]),
            widget=origin_of(tenant["widget"]),
            key=tenant["embed_key"],
            parent=origin_of(tenant["demo_page"]),
            email=tenant["email"],
            password=tenant["password"],
        )

    async def asks(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """One request below `/api/v1`; its answer."""
        access = await self.place.access()
        answer = await self.place.ask(method, f"{self.place.url}/api/v1{path}", body=body, bearer=access)
        assert answer.is_success, f"{method} {path} answered {answer.status_code}: {answer.text[:300]}"
        return answer.json()


def line_of(log: Locator, text: str) -> Locator:
    """The message of this text; what it answers stands before its own words."""
    return log.locator(".said").filter(has_text=re.compile(re.escape(text) + "$"))


async def customers_page(browser: Browser, address: str, **options: Any) -> Widget:
    """A visitor of their own on a customer's page."""
    context = await browser.new_context(**options)
    page = await context.new_page()
    await page.goto(address)
    return Widget(page)


async def inbox(browser: Browser, tenant: dict[str, Any], **options: Any) -> Page:
    """A member of a tenant, signed in through the pages, at their inbox."""
    context = await browser.new_context(**options)
    page = await context.new_page()
    await page.goto(tenant["inbox"])
    await page.get_by_label("Email").fill(tenant["email"])
    await page.get_by_label("Password").fill(tenant["password"])
    await page.get_by_role("button", name="Sign in", exact=True).click()
    await page.wait_for_url(f"{tenant['inbox']}**")
    return page
