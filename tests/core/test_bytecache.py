"""Answers that are kept in front of the application: the same for everybody, never stale after a change."""

import asyncio
from typing import Any

import pytest

from saas.core import bytecache
from saas.core.bytecache import ByteCache


class Django:
    """What stands behind: counts what it is asked, and answers when it may."""

    def __init__(self) -> None:
        self.asked: list[dict[bytes, bytes]] = []
        self.status = 200
        self.body = b"one"
        self.cookie = False
        self.life = 60
        self.may = asyncio.Event()
        self.may.set()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.asked.append(dict(scope["headers"]))
        body = self.body
        await self.may.wait()
        headers = [(b"Content-Length", str(len(body)).encode()), (b"Cache-Control", f"public, max-age={self.life}".encode())]
        headers += [(b"Set-Cookie", b"a=b")] if self.cookie else []
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": body[:1], "more_body": True})
        await send({"type": "http.response.body", "body": body[1:]})


@pytest.fixture
async def django() -> Django:
    return Django()


@pytest.fixture
def cache(django: Django) -> ByteCache:
    return ByteCache(django, r"/w/\w+/config")


async def ask(
    cache: ByteCache,
    path: str = "/w/key/config",
    *,
    method: str = "GET",
    query: bytes = b"",
    host: bytes = b"widget",
    **headers: bytes,
) -> tuple[int, dict[bytes, bytes], bytes]:
    events: list[dict[str, Any]] = []

    async def send(event: dict[str, Any]) -> None:
        events.append(event)

    pairs = [(b"host", host), *((name.replace("_", "-").encode(), value) for name, value in headers.items())]
    scope = {"type": "http", "method": method, "path": path, "query_string": query, "scheme": "http", "headers": pairs}
    await cache(scope, None, send)
    body = b"".join(event["body"] for event in events[1:])
    return events[0]["status"], dict(events[0]["headers"]), body


async def test_the_second_answer_costs_nothing(cache: ByteCache, django: Django) -> None:
    first, second = await ask(cache), await ask(cache)
    assert first == second
    assert (first[0], first[1][b"cache-control"], first[2]) == (200, b"public, max-age=60", b"one")
    assert len(django.asked) == 1


async def test_nothing_of_one_reader_shapes_it(cache: ByteCache, django: Django) -> None:
    await ask(cache, cookie=b"session=1", accept_language=b"de", if_none_match=b'"x"')
    assert django.asked == [{b"host": b"widget"}]


async def test_many_at_once_ask_once_also_when_the_first_goes_away(cache: ByteCache, django: Django) -> None:
    django.may.clear()
    asking = [asyncio.create_task(ask(cache)) for _ in range(50)]
    await asyncio.sleep(0)
    asking[0].cancel()
    await asyncio.sleep(0)
    django.may.set()
    found = await asyncio.gather(*asking, return_exceptions=True)
    assert isinstance(found[0], asyncio.CancelledError)
    assert [one[2] for one in found[1:] if not isinstance(one, BaseException)] == [b"one"] * 49
    assert len(django.asked) == 1


async def test_a_change_shows_at_once_also_to_those_who_ask_while_it_is_made(cache: ByteCache, django: Django) -> None:
    await ask(cache)
    django.body = b"two"
    bytecache.forget()
    assert (await ask(cache))[2] == b"two"
    bytecache.forget()
    django.may.clear()
    old = asyncio.create_task(ask(cache))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    django.body = b"three"
    bytecache.forget()
    new = asyncio.create_task(ask(cache))
    await asyncio.sleep(0)
    django.may.set()
    assert ((await old)[2], (await new)[2], (await ask(cache))[2]) == (b"two", b"three", b"three")


async def test_it_is_not_believed_for_long(cache: ByteCache, django: Django, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bytecache, "SECONDS", -1.0)
    await ask(cache)
    await ask(cache)
    assert len(django.asked) == 2


async def test_who_has_it_is_told_so(cache: ByteCache) -> None:
    etag = (await ask(cache))[1][b"etag"]
    status, headers, body = await ask(cache, if_none_match=b'"other", W/' + etag)
    assert (status, headers[b"etag"], headers[b"cache-control"], body) == (304, etag, b"public, max-age=60", b"")
    assert b"content-length" not in headers


async def test_head_has_the_headers_only(cache: ByteCache, django: Django) -> None:
    head, get = await ask(cache, method="HEAD"), await ask(cache)
    assert (head[:2], head[2]) == (get[:2], b"")
    assert len(django.asked) == 1


@pytest.mark.parametrize("other", [{"host": b"elsewhere"}, {"x_forwarded_proto": b"https"}, {"path": "/w/other/config"}])
async def test_another_address_is_another_answer(cache: ByteCache, django: Django, other: Any) -> None:
    await ask(cache)
    await ask(cache, **other)
    assert len(django.asked) == 2


@pytest.mark.parametrize(
    "other", [{"method": "POST"}, {"query": b"a=1"}, {"path": "/w/key/frame"}, {"path": "/w/key/config/"}, {"path": "/w/config"}]
)
async def test_everything_else_goes_through(cache: ByteCache, django: Django, other: Any) -> None:
    await ask(cache, **other)
    await ask(cache, **other)
    assert len(django.asked) == 2


@pytest.mark.parametrize(("status", "cookie"), [(404, False), (403, False), (500, False), (200, True)])
async def test_a_refusal_or_a_cookie_is_not_kept(cache: ByteCache, django: Django, *, status: int, cookie: bool) -> None:
    django.status, django.cookie = status, cookie
    assert (await ask(cache))[0] == status
    await ask(cache)
    assert len(django.asked) == 2


async def test_it_stays_small(cache: ByteCache, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bytecache, "MOST", 10)
    for number in range(100):
        await ask(cache, f"/w/{number}/config")
        assert len(cache._kept) <= 10


@pytest.mark.parametrize(("life", "asked"), [(0, 2), (1, 1), (60, 1)])
async def test_an_answer_is_kept_no_longer_than_it_says(cache: ByteCache, django: Django, life: int, asked: int) -> None:
    django.life = life
    await ask(cache)
    await ask(cache)
    assert len(django.asked) == asked


async def test_only_what_is_not_answered_from_memory_is_told(django: Django) -> None:
    told: list[str] = []
    cache = ByteCache(django, r"/w/\w+/config", heed=lambda scope: told.append(scope["path"]))
    await ask(cache)
    await ask(cache)
    await ask(cache, "/w/other/config")
    await ask(cache, "/w/key/frame")
    assert told == ["/w/key/config", "/w/other/config"]
