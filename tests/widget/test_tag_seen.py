"""Where a site's tag was seen: noted when a page asks for its config or opens the chat, and no oftener than once a minute."""

import asyncio
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from chat.models import TagSeen
from chat.selectors.tags import tags_of
from chat.services import tags
from chat.services.tags import lately, page_of, saw_tag
from saas.asgi import application
from saas.core import bytecache
from tenants.context import TenantRef, in_tenant, run_on_platform
from tenants.models import EmbedKey
from tests.support.talk import embed_key
from tests.support.widgets import SHOP, Widget

OTHER = "https://other.example"


@pytest.fixture(autouse=True)
def _nothing_noted() -> Iterator[None]:
    lately.forget()
    bytecache.forget()
    yield
    lately.forget()


@pytest.fixture
def key(shop: TenantRef, widget: Widget) -> EmbedKey:
    return embed_key(shop)


def seen(shop: TenantRef, key: EmbedKey) -> list[tuple[str, str]]:
    return [(tag.origin, tag.page) for tag in tags_of(shop, key.site_id)]


async def ask(key: str, **headers: str) -> int:
    """The status of a config that a page asks for, once what it leaves behind is written."""
    answers: list[Any] = []
    pairs = [(b"host", b"widget.localhost:8000"), *((name.encode(), value.encode()) for name, value in headers.items())]
    scope = {
        "type": "http",
        "method": "GET",
        "path": f"/w/{key}/config",
        "raw_path": f"/w/{key}/config".encode(),
        "query_string": b"",
        "scheme": "http",
        "http_version": "1.1",
        "headers": pairs,
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
    }

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(event: Any) -> None:
        answers.append(event)

    await application(scope, receive, send)
    await asyncio.gather(*[task for task in asyncio.all_tasks() if task.get_name() == "sighting"])
    return int(answers[0]["status"])


class TestByItsConfig:
    async def test_the_page_that_asks(self, shop: TenantRef, key: EmbedKey) -> None:
        assert await ask(key.key, origin=SHOP, referer=f"{SHOP}/cart?step=2#pay") == 200
        assert await run_on_platform(seen, shop, key) == [(SHOP, f"{SHOP}/cart")]

    async def test_a_browser_that_tells_no_page(self, shop: TenantRef, key: EmbedKey) -> None:
        await ask(key.key, origin=SHOP, referer=f"{SHOP}/")
        await ask(key.key, origin=OTHER)
        assert set(await run_on_platform(seen, shop, key)) == {(SHOP, f"{SHOP}/")}  # the second was answered from memory
        bytecache.forget()
        await ask(key.key, origin=OTHER)
        assert (OTHER, OTHER) in await run_on_platform(seen, shop, key)

    async def test_a_program_that_is_no_page(self, shop: TenantRef, key: EmbedKey) -> None:
        await ask(key.key)
        bytecache.forget()
        await ask(key.key, origin="null")
        assert await run_on_platform(seen, shop, key) == []

    async def test_an_unknown_key_leaves_nothing(self, shop: TenantRef, key: EmbedKey) -> None:
        assert await ask("a" * 26, origin=SHOP) == 404
        assert await run_on_platform(seen, shop, key) == []

    async def test_once_a_minute_however_many_ask(self, shop: TenantRef, key: EmbedKey, monkeypatch: pytest.MonkeyPatch) -> None:
        noted: list[str] = []
        keep = tags.saw_tag

        def count(*args: Any, **told: Any) -> None:
            noted.append(told["origin"])
            keep(*args, **told)

        monkeypatch.setattr("widget.services.saw_tag", count)
        for _ in range(5):
            bytecache.forget()
            await asyncio.gather(*(ask(key.key, origin=SHOP) for _ in range(5)))
        assert noted == [SHOP]


class TestByASession:
    def test_the_page_that_opens_the_chat(self, shop: TenantRef, key: EmbedKey, widget: Widget) -> None:
        page = {"url": f"{SHOP}/help", "title": "Help", "referrer": ""}
        assert widget.session(page=page).status_code == 200
        assert seen(shop, key) == [(SHOP, f"{SHOP}/help")]

    def test_a_page_that_may_not_show_it_says_nothing(self, shop: TenantRef, key: EmbedKey, widget: Widget) -> None:
        assert widget.session(parent=OTHER).status_code == 403
        assert seen(shop, key) == []


class TestWhatIsKept:
    def note(self, shop: TenantRef, key: EmbedKey, origin: str = SHOP, page: str = "") -> None:
        saw_tag(shop, key.site_id, key=key.key, origin=origin, page=page)

    def test_a_second_process_within_the_minute_changes_nothing(self, shop: TenantRef, key: EmbedKey) -> None:
        self.note(shop, key, page=f"{SHOP}/one")
        self.note(shop, key, page=f"{SHOP}/two")
        assert seen(shop, key) == [(SHOP, f"{SHOP}/one")]

    def test_a_minute_later_it_is_the_newest_page(self, shop: TenantRef, key: EmbedKey) -> None:
        self.note(shop, key, page=f"{SHOP}/one")
        with in_tenant(shop):
            TagSeen.objects.update(seen_at=timezone.now() - timedelta(minutes=1))
            first = TagSeen.objects.get().first_at
        self.note(shop, key, page=f"{SHOP}/two")
        with in_tenant(shop):
            found = TagSeen.objects.get()
        assert (found.page, found.first_at) == (f"{SHOP}/two", first)

    def test_so_many_origins_the_oldest_forgotten_first(self, shop: TenantRef, key: EmbedKey) -> None:
        for number in range(tags.MOST + 2):
            self.note(shop, key, origin=f"https://shop{number}.example")
        origins = {origin for origin, _ in seen(shop, key)}
        assert len(origins) == tags.MOST
        assert origins.isdisjoint({"https://shop0.example", "https://shop1.example"})

    def test_two_queries_at_most(self, shop: TenantRef, key: EmbedKey) -> None:
        with CaptureQueriesContext(connection) as queries:
            self.note(shop, key)
        assert len([query for query in queries if "chat_" in query["sql"]]) == 2

    @pytest.mark.parametrize(
        ("address", "kept"),
        [
            (f"{SHOP}/a/b?c=d#e", f"{SHOP}/a/b"),
            (SHOP, SHOP),
            ("", SHOP),
            ("https://elsewhere.example/x", SHOP),  # what is told of another origin is not believed
            ("http://[", SHOP),
            (f"{SHOP}/{'x' * 600}", f"{SHOP}/{'x' * 600}"[:500]),
        ],
    )
    def test_of_an_address_only_the_path(self, address: str, kept: str) -> None:
        assert page_of(SHOP, address) == kept

    def test_what_is_no_origin_is_not_kept(self, shop: TenantRef, key: EmbedKey) -> None:
        for origin in ("null", "shop.example", "javascript:alert(1)", f"{SHOP}/path"):
            self.note(shop, key, origin=origin)
        assert seen(shop, key) == []


def test_the_process_forgets_what_is_older_than_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1_000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    assert lately.take("key", SHOP)
    assert not lately.take("key", SHOP)
    now += tags.SECONDS
    assert lately.take("key", SHOP)


def test_of_one_site_so_many_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1_000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    taken = [lately.take("key", f"https://shop{number}.example") for number in range(20)]
    assert taken == [True] * tags.NEW_A_MINUTE + [False] * (20 - tags.NEW_A_MINUTE)
    assert lately.take("other", SHOP)
