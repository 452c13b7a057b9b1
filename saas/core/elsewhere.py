"""What a process that serves only pages, or only sockets, answers to the rest: a proxy sent it to the wrong place."""

from collections.abc import Awaitable, Callable, MutableMapping
from http import HTTPStatus
from typing import Any, Final

Message = MutableMapping[str, Any]

STATUS: Final = HTTPStatus.MISDIRECTED_REQUEST
WORDS: Final = b"This process serves something else (PORCHLIGHT_SERVES): the proxy before it leads to the wrong one.\n"


async def not_here(scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]) -> None:
    """The ASGI application: 421 to a request, and to a socket before it opens."""
    kind = "http.response"
    if scope["type"] == "websocket":
        await receive()
        kind = "websocket.http.response"
    headers = [(b"content-type", b"text/plain"), (b"content-length", str(len(WORDS)).encode())]
    await send({"type": f"{kind}.start", "status": int(STATUS), "headers": headers})
    await send({"type": f"{kind}.body", "body": WORDS})
