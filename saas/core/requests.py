"""Each HTTP request gets an id, is counted and timed, and names itself in what is logged while it is answered.

The id of a request is our own; behind a proxy of ours (TRUST_PROXY=1) it is the one that the proxy gave it, so that its log and
ours speak of the same. It goes back to the client as `X-Request-Id`.
"""

import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from itertools import count
from secrets import token_hex
from typing import Any, Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from structlog.contextvars import bind_contextvars

from saas.core import slow
from saas.core.logs import route_of
from saas.core.metrics import HTTP, HTTP_TIME

Scope = dict[str, Any]
Application = Callable[[Scope, Any, Any], Awaitable[None]]

HEADER: Final = b"x-request-id"
NOTE: Final = "porchlight.request"  # in the scope
_process, _numbers = token_hex(4), count(1)
_GIVEN: Final = re.compile(rb"[A-Za-z0-9._-]{8,64}")
_POLL: Final = re.compile(r"/(?:w/[^/]+|api/v1)/(?:frames|events)")
_POLLED: Final = ("widget", "api")
_FIRST: Final = {"static": "static", "w": "widget", "api": "api"}  # the first word of a path


@dataclass(slots=True)
class Note:
    """What is known of a request while it is answered."""

    id: str
    route: str = ""  # the pattern of its page, once Django has found it
    status: int = 0


class Requests:
    """Wraps the whole HTTP application."""

    def __init__(self, application: Application) -> None:
        self._application = application

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        began, given = time.perf_counter(), request_id(scope)
        note = scope[NOTE] = Note(given)
        bind_contextvars(request=given)

        async def noted(event: dict[str, Any]) -> None:
            if event["type"] == "http.response.start":
                note.status = event["status"]
                event = {**event, "headers": [*event.get("headers", ()), (HEADER, given.encode())]}
            await send(event)

        try:
            await self._application(scope, receive, noted)
        finally:
            _measure(scope, note, time.perf_counter() - began)


def _measure(scope: Scope, note: Note, seconds: float) -> None:
    kind = kind_of(scope["path"])
    if note.status:
        HTTP.add(f"{note.status // 100}xx")
    HTTP_TIME.of(kind).observe(seconds)
    if seconds > slow.REQUEST.limit and kind != "poll":
        slow.REQUEST.note(seconds, method=scope["method"], route=note.route or kind, status=note.status)


def kind_of(path: str) -> str:
    """What sort of request this is, for its time: a poll waits for news, a page for the database."""
    kind = _FIRST.get(path[1:].partition("/")[0], "page")
    return "poll" if kind in _POLLED and _POLL.fullmatch(path) else kind


def request_id(scope: Scope) -> str:
    """The proxy's, if there is one that we trust and it is of a sound form; else a new one."""
    if settings.SECURE_PROXY_SSL_HEADER:
        found = [value for name, value in scope["headers"] if name == HEADER]
        if len(found) == 1 and _GIVEN.fullmatch(found[0]):
            return bytes(found[0]).decode()
    return f"{_process}-{next(_numbers)}"


class RouteMiddleware:
    """Django tells which page it found, so that a slow one can be named without its address."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self._get_response(request)

    def process_view(self, request: HttpRequest, *_view: Any) -> None:
        if note := getattr(request, "scope", {}).get(NOTE):
            note.route = route_of(request)
