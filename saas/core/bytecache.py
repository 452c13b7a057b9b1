"""Finished answers in front of Django, for the few public addresses that every page view of every customer's site asks for.

What is kept is the whole answer to a plain request (no cookies, no conditions), for `SECONDS`, or less where its own max-age is
less, or until `forget`. However many ask at once, Django answers one of them. Conditional requests and HEAD are answered from it.
"""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

Scope = dict[str, Any]
Application = Callable[[Scope, Any, Any], Awaitable[None]]
Heed = Callable[[Scope], None]
Headers = list[tuple[bytes, bytes]]
Key = tuple[str, bytes, bytes, str]  # path, host, the scheme that a proxy names, our own scheme

SECONDS: Final = 3.0
MOST: Final = 10_000  # answers; above, all are forgotten
KEPT_HEADERS: Final = (b"host", b"x-forwarded-proto")  # all of a request that may shape the answer
_MAX_AGE: Final = re.compile(rb"max-age=([0-9]{1,9})")
SAID_AGAIN: Final = frozenset(
    {b"cache-control", b"vary", b"etag", b"access-control-allow-origin", b"cross-origin-resource-policy"}
)


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer. Only a 200 is kept."""

    status: int
    headers: Headers
    body: bytes
    etag: bytes
    until: float


class ByteCache:
    """An ASGI application around another: GET and HEAD of paths that `pattern` matches whole are answered from memory.

    `heed` is told of each request that was not, and must not wait for anything.
    """

    def __init__(self, application: Application, pattern: str, *, heed: Heed | None = None) -> None:
        self._application = application
        self._heed = heed
        self._pattern = re.compile(pattern)
        self._kept: dict[Key, Answer] = {}
        self._asked: dict[Key, asyncio.Task[Answer]] = {}
        self._generation = 0
        _caches.append(self)

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        key = self._key(scope)
        if key is None:
            return await self._application(scope, receive, send)
        answer = self._kept.get(key)
        if answer is None or answer.until < time.monotonic():
            if self._heed is not None:
                self._heed(scope)
            answer = await self._ask_once(key, scope)
        return await _send(answer, scope, send)

    def forget(self) -> None:
        """Ask Django again, also for what it is being asked now."""
        self._generation += 1
        self._kept.clear()
        self._asked.clear()

    def _key(self, scope: Scope) -> Key | None:
        if scope["type"] != "http" or scope["method"] not in {"GET", "HEAD"} or scope["query_string"]:
            return None
        if not self._pattern.fullmatch(scope["path"]):
            return None
        host, proto = (_header(scope, name) for name in KEPT_HEADERS)
        return (scope["path"], host, proto, scope["scheme"])

    async def _ask_once(self, key: Key, scope: Scope) -> Answer:
        task = self._asked.get(key)
        if task is None:
            task = self._asked[key] = asyncio.get_running_loop().create_task(self._ask(key, scope), name="bytecache")
        return await asyncio.shield(task)  # who goes away takes the answer from nobody

    async def _ask(self, key: Key, scope: Scope) -> Answer:
        generation = self._generation
        try:
            answer = await _answer_of(self._application, scope)
        finally:
            if generation == self._generation:
                self._asked.pop(key, None)
        if (
            answer.status == 200
            and generation == self._generation
            and not any(name == b"set-cookie" for name, _ in answer.headers)
        ):
            if len(self._kept) >= MOST:
                self._kept.clear()
            self._kept[key] = answer
        return answer


def forget() -> None:
    """Something that an answer was made from has changed: every cache of this process asks again. Safe from any thread."""
    for cache in _caches:
        cache.forget()


async def _answer_of(application: Application, scope: Scope) -> Answer:
    """The answer to the plain form of a request."""
    headers = [(name, value) for name, value in scope["headers"] if name in KEPT_HEADERS]
    started: dict[str, Any] = {"status": 500, "headers": []}
    parts: list[bytes] = []
    requests = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive() -> dict[str, Any]:
        return requests.pop() if requests else await asyncio.get_running_loop().create_future()

    async def send(event: dict[str, Any]) -> None:
        if event["type"] == "http.response.start":
            started.update(event)
        else:
            parts.append(event.get("body", b""))

    await application({**scope, "method": "GET", "headers": headers}, receive, send)
    body = b"".join(parts)
    etag = b'"' + sha256(body).hexdigest()[:20].encode() + b'"'
    said = [(name.lower(), value) for name, value in started["headers"]]
    if started["status"] == 200:
        said.append((b"etag", etag))
    return Answer(started["status"], said, body, etag, time.monotonic() + _life(said))


def _life(headers: Headers) -> float:
    """Seconds for which an answer may be kept."""
    found = _MAX_AGE.search(b",".join(value for name, value in headers if name == b"cache-control"))
    return min(SECONDS, int(found[1])) if found else SECONDS


async def _send(answer: Answer, scope: Scope, send: Any) -> None:
    status, headers, body = answer.status, answer.headers, answer.body
    if status == 200 and answer.etag in _header(scope, b"if-none-match"):
        status, headers, body = 304, [pair for pair in headers if pair[0] in SAID_AGAIN], b""
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})


def _header(scope: Scope, name: bytes) -> bytes:
    return b",".join(value for key, value in scope["headers"] if key == name)


_caches: list[ByteCache] = []
