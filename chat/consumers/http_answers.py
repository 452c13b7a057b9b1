"""Requests and answers over HTTP, for what a socket would say and with what it would close."""

import asyncio
import math
import random
from collections.abc import Awaitable, Callable
from typing import Any, Final

import msgspec

from chat.realtime.outbox import AsgiSend
from chat.realtime.protocol.codes import Close
from chat.realtime.protocol.requests import MAX_BODY
from saas.core.errors import AppError, BadFrame, Busy, Forbidden, NotFound, RateLimited, TokenExpired, TooLarge, Unauthenticated

BODY_SECONDS: Final = 10.0  # for the body of a request
BACK_SECONDS: Final = (1.0, 4.0)  # who was refused because it is busy here comes back between

Receive = Callable[[], Awaitable[dict[str, Any]]]

# What would close a socket, as an answer: the status, the kind of error and its sentence. Any other code is BUSY.
REFUSALS: Final[dict[int, tuple[int, type[AppError], str]]] = {
    Close.TOKEN_EXPIRED: (401, TokenExpired, "The token has run out."),
    Close.REVOKED: (401, Unauthenticated, "The token is not valid."),
    Close.NOT_YOURS: (403, Forbidden, "This is not your place."),
    Close.SUSPENDED: (403, Forbidden, "This chat is suspended."),
    Close.NO_SUCH_SITE: (404, NotFound, "There is no chat at this address."),
    Close.TOO_MANY_SOCKETS: (429, RateLimited, "Too many of your requests wait; the oldest has ended."),
    Close.CLIENT_TOO_OLD: (426, BadFrame, "Your version is too old."),
    Close.BAD_PROTOCOL: (400, BadFrame, "This is not our protocol."),
}
BUSY: Final = (503, Busy, "Too much is going on here; come back in a moment.")


class Ended(Exception):  # it is how a request ends, not something that went wrong
    """A socket would be closed with this code."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


def bearer(scope: dict[str, Any]) -> str:
    """The token of the request; empty without one."""
    said = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"authorization"), "")
    scheme, _, token = said.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


async def read_body(scope: dict[str, Any], receive: Receive) -> bytes | None:
    """The body; None if the client went away. Raises TooLarge, before reading it where its length is declared."""
    declared = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
    body, more = bytearray(), True
    async with asyncio.timeout(BODY_SECONDS):
        while more:
            if len(body) > MAX_BODY or (declared.isdigit() and int(declared) > MAX_BODY):
                raise TooLarge(f"A request has at most {MAX_BODY} bytes.")
            event = await receive()
            if event["type"] == "http.disconnect":
                return None
            body += event.get("body", b"")
            more = event.get("more_body", False)
    return bytes(body)


async def wait_gone(receive: Receive) -> None:
    """Returns when the client has gone away."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def refuse_as(send: AsgiSend, code: int) -> None:
    """Answer what would close a socket with this code."""
    status, kind, sentence = REFUSALS.get(code, BUSY)
    after = random.uniform(*BACK_SECONDS) if status in (429, 503) else None  # noqa: S311  # spread, not secret
    await refuse(send, kind(sentence, retry_after=after), status=status, code=code)


async def refuse(send: AsgiSend, error: AppError, *, status: int | None = None, code: int | None = None) -> None:
    """Answer with an error, its own status unless another is given, and the close code that means the same."""
    said: dict[str, Any] = {"code": error.code, "message": error.message}
    status = status or error.status
    headers = {"www-authenticate": "Bearer"} if status == 401 else {}
    if error.retry_after is not None:
        said["retry_after"] = math.ceil(error.retry_after * 1000) / 1000
        headers["retry-after"] = str(math.ceil(error.retry_after))
    if code is not None:
        said["close"] = int(code)
    await respond(send, status, msgspec.json.encode({"error": said}), headers)


async def respond(send: AsgiSend, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
    """One answer, kept by nobody."""
    own = {"content-type": "application/json", "content-length": str(len(body)), "cache-control": "no-store"}
    said = {**own, "x-content-type-options": "nosniff", **(headers or {})}
    lines = [(name.encode(), value.encode()) for name, value in said.items()]
    try:
        await send({"type": "http.response.start", "status": status, "headers": lines})
        await send({"type": "http.response.body", "body": body})
    except OSError:
        pass  # the client went first
