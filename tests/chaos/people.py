"""Somebody over real sockets that keep dying."""

import asyncio
import json
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from tests.chaos.habits import Address
from tests.chaos.person import Frame, Person

PULSE_SECONDS: Final = 2.0  # between two signs of life
OPEN_SECONDS: Final = 15.0  # for a handshake and the welcome


def opened(address: Address) -> connect:
    """A socket, as a browser's own page would open it."""
    return connect(
        address.url,
        origin="http://" + address.url.split("/")[2],  # type: ignore[arg-type]
        subprotocols=["porchlight.v1"],  # type: ignore[list-item]
        host="127.0.0.1",
        port=address.port,
        open_timeout=OPEN_SECONDS,
        close_timeout=1,
        ping_interval=None,
        compression=None,
        proxy=None,
    )


@dataclass
class OnSockets(Person):
    """One socket at a time."""

    connection: ClientConnection | None = None

    def cut(self) -> bool:
        if self.connection is None:
            return False
        self.connection.transport.abort()
        self.connection, self.is_here = None, False
        return True

    async def _visit(self, address: Address) -> None:
        async with opened(address) as connection:
            try:
                await self._converse(connection, address.token)
            finally:
                self.connection = None
                if connection.close_code is not None:
                    self.log.codes.append(connection.close_code)

    async def _converse(self, connection: ClientConnection, token: str) -> None:
        await connection.send(json.dumps({"t": "hello", "v": 1, "token": token, "rooms": self._positions()}))
        async with asyncio.timeout(OPEN_SECONDS):
            while (await self._read(connection))["t"] != "welcome":
                pass
        self.connection, self.is_here = connection, True
        self.welcomes += 1
        await self._stay(self._listen(connection), self._begin(), self._pulse(connection))

    async def _read(self, connection: ClientConnection) -> Frame:
        text = str(await connection.recv())
        self._note(text)
        frame: Frame = json.loads(text)
        return frame

    async def _listen(self, connection: ClientConnection) -> None:
        while True:
            await self._hear(await self._read(connection))

    async def _pulse(self, connection: ClientConnection) -> None:
        """Leave a server that does not answer: a half-open line says nothing by itself."""
        loop = asyncio.get_running_loop()
        self.pong_at = loop.time()
        while loop.time() - self.pong_at < self.habits.patience:
            await self._say(t="ping", n=1)
            await asyncio.sleep(PULSE_SECONDS)
        connection.transport.abort()

    async def _say(self, **frame: Any) -> None:
        if self.connection is not None:
            with suppress(WebSocketException):  # whoever listens notices, too
                await self.connection.send(json.dumps(frame))
