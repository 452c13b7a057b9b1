"""The whole path of money, clicked: sign up, choose Team, pay, add seats, say 1,300 messages, see the invoice of $76.20 at the
stand-in, on the tenant's page and on the staff's; fail a renewal, walk down to suspended, and come back by paying.
"""

import asyncio
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import pytest
from playwright.async_api import Browser, Page, expect
from websockets.asyncio.client import ClientConnection, connect

from tests.contract.conformance.place import SUBPROTOCOL, Place, origin_of
from tests.contract.conformance.place import expect as answered
from tests.e2e.conftest import PATIENCE_MS, ROOT, SELF_MADE, Product
from tests.e2e.test_first_steps import PASSWORD, sign_up

DAY = 86_400
TOTAL = "$76.20"
WORKS, FAILS_LATER = "4242 4242", "4000 0000 0000 0341"
MESSAGES, AT_ONCE = 1_300, 100
SECONDS = 660.0  # that something may take which is done by jobs of each minute, or again by those of each ten


@pytest.fixture(scope="module")
def bank() -> Iterator[Product]:
    """A product of its own: the clock of its money is moved."""
    with tempfile.TemporaryDirectory(prefix="porchlight money ") as folder:
        Path(folder).chmod(0o755)
        running = Product(Path(folder))
        running.start()
        yield running
        running.stop()


class StandIn:
    """The control of the stand-in for Stripe that runs beside the product."""

    def __init__(self, product: Product) -> None:
        address = urlsplit(product.facts["stripe's stand-in"])
        self.url = f"http://127.0.0.1:{address.port}"
        secrets = json.loads((product.folder / "secrets.json").read_text())
        self._headers = {"Authorization": f"Bearer {secrets['STRIPE_SECRET_KEY']}"}

    def ask(self, verb: str, path: str, body: dict[str, Any] | None = None) -> Any:
        answer = httpx.request(verb, f"{self.url}/_sandbox/{path}", json=body or {}, headers=self._headers, timeout=60)
        answer.raise_for_status()
        return answer.json()

    def advance(self, days: float) -> None:
        """Move the clock; everything due on the way is done and told."""
        self._move({"advance": int(days * DAY)})

    def advance_to_renewal(self, customer: str) -> None:
        """Move the clock to a second after the end of a customer's period, which is as long as the month it began in."""
        (subscription,) = [row for row in self.ask("GET", "state/subscription") if row["customer"] == customer]
        (end,) = {item["current_period_end"] for item in subscription["items"]["data"]}
        self._move({"to": end + 1})

    def _move(self, how: dict[str, int]) -> None:
        self.ask("POST", "clock", how)
        self.ask("POST", "deliver")

    def invoices(self, customer: str) -> list[dict[str, Any]]:
        return [row for row in self.ask("GET", "state/invoice") if row["customer"] == customer]


async def shows(page: Page, url: str, text: str | re.Pattern[str]) -> None:
    """Open a page again and again until it says so: what must happen first is done by jobs."""
    end = time.monotonic() + SECONDS
    while True:
        await page.goto(url)
        said = page.get_by_text(text).filter(visible=True).first  # the bell may say the same, and is closed
        if await said.is_visible() or time.monotonic() > end:
            break
        await page.wait_for_timeout(1_000)
    await expect(said).to_be_visible()


async def until(is_so: Callable[[], bool]) -> None:
    """Wait for what jobs do."""
    end = time.monotonic() + SECONDS
    while not is_so():
        assert time.monotonic() < end, "the jobs have not done it"
        await asyncio.sleep(0.5)


async def subscribe(page: Page, host: str, card: str) -> None:
    """Choose Team with two seats, and pay with a card of the stand-in's."""
    await page.goto(f"{host}/billing/")
    await page.get_by_role("link", name="Choose a plan").first.click()
    await page.get_by_role("link", name="Choose Team").click()
    await page.get_by_label("Seats").fill("2")
    await page.get_by_role("button", name="On to payment").click()
    await page.get_by_text("no money moves").first.wait_for(timeout=PATIENCE_MS)
    await page.get_by_label(card).check()
    await page.locator("button[value=pay]").click()
    await page.wait_for_url(f"{host}/billing/**", timeout=PATIENCE_MS)
    await shows(page, f"{host}/billing/", "Team")


async def buy_seats(page: Page, host: str, seats: int) -> str:
    """Look at the price of so many seats, and pay that; the price."""
    await page.goto(f"{host}/billing/seats/")
    await page.get_by_label("Seats").fill(str(seats))
    await page.get_by_role("button", name="Show what it costs").click()
    button = page.get_by_role("button", name=re.compile("Buy for"))
    price = (await button.inner_text()).removeprefix("Buy for ")
    await button.click()
    await shows(page, f"{host}/billing/seats/", str(seats))
    return price


async def say_much(place: Place, count: int) -> None:
    """So many messages of the owner's, in a room of the team's site, over a socket."""
    access = await place.access()
    made = answered(await place.post(f"{place.url}/api/v1/rooms", {"kind": "team", "title": "All of us"}, bearer=access), 201)
    room = made["room"]["id"]
    ticket = await place.ticket()
    parts = urlsplit(ticket["socket"])
    door = {"host": "127.0.0.1", "port": parts.port, "subprotocols": [SUBPROTOCOL], "origin": place.url}
    door["max_queue"] = None  # whatever comes is read at once, also while what came too fast waits
    async with connect(ticket["socket"], **door) as line:  # type: ignore[arg-type]
        await line.send(json.dumps({"t": "hello", "v": 1, "token": ticket["token"]}))
        await heard(line, "welcome")
        await line.send(json.dumps({"t": "join", "ref": 1, "room": room}))
        await heard(line, "joined")
        for start in range(0, count, AT_ONCE):
            await say_all(line, room, [f"Line {number}" for number in range(start, start + AT_ONCE)])


async def say_all(line: ClientConnection, room: str, texts: list[str]) -> None:
    """Say these, again what came too fast, until each is acknowledged."""
    unsettled = {str(uuid4()): text for text in texts}
    for cid, text in list(unsettled.items()):
        await line.send(json.dumps({"t": "send", "cid": cid, "room": room, "text": text}))
    while unsettled:
        frame = json.loads(await line.recv())
        if frame["t"] == "ack":
            unsettled.pop(frame["cid"], None)
        elif frame["t"] == "err":
            assert frame["code"] == "rate_limited", frame
            await asyncio.sleep(frame["retry_after"])
            await line.send(json.dumps({"t": "send", "cid": frame["cid"], "room": room, "text": unsettled[frame["cid"]]}))


async def heard(line: ClientConnection, kind: str) -> None:
    """Read until a frame of this kind has come."""
    while json.loads(await line.recv())["t"] != kind:
        pass


def command(product: Product, *words: str) -> str:
    """A command of the product's own, on its data; what it says."""
    kept = {name: value for name, value in os.environ.items() if name not in SELF_MADE}
    env = kept | {"DATA_DIR": str(product.folder), "PORT": str(product.port)}
    told = [sys.executable, "-m", "saas.up", "run", "manage.py", *words]
    done = subprocess.run(told, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


async def staff_page(browser: Browser, product: Product, path: str) -> Page:
    """A page of the staff console."""
    staff = product.facts["staff"]
    page = await (await browser.new_context()).new_page()
    await page.goto(staff["url"])
    await page.get_by_label("Email").fill(staff["email"])
    await page.get_by_label("Password").fill(staff["password"])
    await page.get_by_role("button", name="Sign in", exact=True).click()
    await page.wait_for_url("**/staff/**")
    await page.goto(staff["url"] + path)
    return page


async def take_card(page: Page, host: str, card: str) -> None:
    """Put another card in the place of the one that is charged, on the page of the stand-in's portal."""
    await page.goto(f"{host}/billing/")
    await page.get_by_role("button", name="Card and payment").click()
    await page.get_by_text("no money moves").first.wait_for(timeout=PATIENCE_MS)
    await page.get_by_label(card).check()
    await page.get_by_role("button", name="Add the card and use it").click()
    await page.get_by_text("no money moves").first.wait_for(timeout=PATIENCE_MS)


@pytest.mark.timeout(1_200)
async def test_money_from_sign_up_to_the_last_reminder_and_back(bank: Product, browser: Browser) -> None:
    stand = StandIn(bank)
    page = await sign_up(bank, browser)
    host = origin_of(page.url)
    slug = str(urlsplit(host).hostname).partition(".")[0]
    place = Place(url=host, widget="", key="", parent="", email=f"ines@{slug}.example", password=PASSWORD)

    await subscribe(page, host, WORKS)
    assert re.fullmatch(r"\$4[45]\.\d\d", await buy_seats(page, host, 5))  # three seats for nearly a month
    await say_much(place, MESSAGES)

    (customer,) = {row["customer"] for row in stand.ask("GET", "state/invoice")}
    stand.advance_to_renewal(customer)  # its invoice is a draft for an hour, in which the last usage is told
    await until(lambda: sum(int(row["value"]) for row in stand.ask("GET", "state/_meter_event")) == MESSAGES)
    stand.advance(0.1)
    renewal = stand.invoices(customer)[-1]
    assert (renewal["total"], renewal["status"]) == (76_20, "paid")
    await shows(page, f"{host}/billing/invoices/", TOTAL)
    staff = await staff_page(browser, bank, f"money/tenants/?q={slug}")
    await staff.get_by_role("link", name="Initech").first.click()
    await expect(staff.get_by_text(TOTAL).first).to_be_visible()

    await take_card(page, host, FAILS_LATER)
    stand.advance(31)
    await shows(page, f"{host}/billing/", re.compile("payment failed|not paid|unpaid", re.IGNORECASE))
    stand.advance(8)
    await shows(page, f"{host}/billing/", re.compile("restricted|read and answer", re.IGNORECASE))
    stand.advance(15)
    await shows(page, f"{host}/inbox/", re.compile("suspended", re.IGNORECASE))
    await take_card(page, host, WORKS)
    await page.goto(f"{host}/billing/invoices/")
    await page.get_by_role("row").filter(has_text="Payment failed").get_by_role("link").first.click()
    await page.get_by_role("button", name=re.compile("^Pay")).click()
    await shows(page, f"{host}/inbox/", re.compile("All of us|Initech", re.IGNORECASE))

    command(bank, "report_usage")
    command(bank, "shell", "-c", "from billing.reporting.reconcile import reconcile; reconcile()")
    health = await staff_page(browser, bank, "money/metering/")
    await expect(health.get_by_text("Both sides say the same.")).to_be_visible()
    report = stand.ask("GET", "report")
    assert [report[name] for name in ("refused", "unmodelled", "shape_faults", "crashes")] == [[], [], [], []]
    assert report["validated"] > 0
