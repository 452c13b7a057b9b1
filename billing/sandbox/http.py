"""Requests and answers over ASGI, and a connection that can be cut."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from billing.sandbox.routes import Page

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
BODY_LIMIT: Final = 2_000_000  # bytes
JSON: Final = "application/json"


class Protocol(HttpToolsProtocol):
    """uvicorn's HTTP, with a way to cut the connection: `scope["extensions"]["cut"]`."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {"cut": self.transport.abort}  # type: ignore[dict-item]  # ours, beside those of ASGI


class Cut(Exception):
    """The connection ends without an answer."""


@dataclass(slots=True)
class Request:
    """What was asked. `path` is as it was sent, with nothing unquoted but the parts that are ids."""

    verb: str
    path: str
    query: str
    headers: dict[str, str]
    body: str

    def header(self, name: str) -> str:
        """A header's value, or ""; the name is in small letters."""
        return self.headers.get(name, "")


@dataclass(slots=True)
class Answer:
    """What is sent back. The body of an answer of the API is JSON."""

    status: int
    body: bytes
    content_type: str
    headers: dict[str, str]

    @classmethod
    def of_json(cls, status: int, data: Any, headers: dict[str, str] | None = None) -> "Answer":
        return cls(status, json.dumps(data, separators=(",", ":")).encode(), JSON, headers or {})

    @classmethod
    def of_page(cls, page: Page) -> "Answer":
        body = page.body.encode() if isinstance(page.body, str) else page.body
        return cls(page.status, body, page.content_type, page.headers)


async def read(scope: dict[str, Any], receive: Receive) -> Request:
    """The whole request. Raises `Cut` if the caller leaves, or sends more than anybody needs."""
    body = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Cut
        body += message.get("body", b"")
        if len(body) > BODY_LIMIT:
            raise Cut
        if not message.get("more_body"):
            break
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    query = scope["query_string"].decode("latin-1")
    return Request(scope["method"], scope["path"], query, headers, body.decode("utf-8", "replace"))


async def reply(send: Send, answer: Answer) -> None:
    """Send it all."""
    headers = {"content-type": answer.content_type, "content-length": str(len(answer.body)), **answer.headers}
    wire = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": answer.status, "headers": wire})
    await send({"type": "http.response.body", "body": answer.body})
