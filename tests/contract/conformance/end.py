"""One end of a socket: says what it is told to, keeps all that comes, and waits for what is expected."""

import asyncio
import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any
from uuid import UUID, uuid4

import websockets
from websockets.asyncio.client import ClientConnection

SECONDS = 40.0  # to wait for what must come; in good order it is milliseconds

Frame = dict[str, Any]


def brief(frames: Sequence[Frame]) -> str:
    """The frames in few words."""
    return "; ".join(json.dumps(frame)[:160] for frame in frames) or "nothing"


class NothingCame(AssertionError):
    """What was expected did not come; the message tells what came instead."""


class ChatSocket:
    """One end of a socket. `frames` is all that came; `expect` finds what it was not given before."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self.frames: list[Frame] = []
        self.code: int | None = None  # with which the other end closed
        self._fresh: list[Frame] = []
        self._news = asyncio.Condition()
        self._reader = asyncio.get_running_loop().create_task(self._read())

    async def say(self, frame_type: str, **fields: Any) -> None:
        """Send one frame."""
        await self.say_text(json.dumps({"t": frame_type, **fields}, default=str))

    async def say_text(self, data: str | bytes) -> None:
        """Send anything. A socket that has ended is no error: what ended it is asked for by `expect_close`."""
        with suppress(websockets.ConnectionClosed):
            await self.connection.send(data)

    async def hello(self, token: str, **fields: Any) -> Frame:
        """Say hello; the `welcome`."""
        await self.say("hello", **{"v": 1, "token": token, **fields})
        return await self.expect("welcome")

    async def open(self, text: str | None = None, *, cid: UUID | None = None) -> UUID:
        """Open a support room; its id."""
        said = {} if text is None else {"text": text}
        await self.say("open", cid=cid or uuid4(), kind="support", **said)
        return UUID((await self.expect("joined"))["room"])

    async def join(self, room: UUID, **position: Any) -> Frame:
        """Join a room; the `joined`."""
        ref = uuid4().hex
        await self.say("join", ref=ref, room=room, **position)
        return await self.expect("joined", ref=ref)

    async def send(self, room: UUID, text: str, *, cid: UUID | None = None, **fields: Any) -> Frame:
        """Send a message; its `ack`."""
        cid = cid or uuid4()
        await self.say("send", cid=cid, room=room, text=text, **fields)
        return await self.expect("ack", cid=str(cid))

    async def expect(self, frame_type: str, *, seconds: float = SECONDS, **fields: Any) -> Frame:
        """The first frame of this type with these fields that was not expected before. Raises `NothingCame`."""

        def fits(frame: Frame) -> bool:
            return frame["t"] == frame_type and all(frame.get(key) == value for key, value in fields.items())

        return await self.expect_one(fits, f"{frame_type} {fields}", seconds=seconds)

    async def expect_one(self, fits: Callable[[Frame], bool], words: str, *, seconds: float = SECONDS) -> Frame:
        """The first frame not expected before that fits."""
        found: Frame = await self._until(lambda: next((one for one in self._fresh if fits(one)), None), words, seconds)
        self._fresh.remove(found)
        return found

    async def expect_error(self, code: str, **fields: Any) -> Frame:
        """An `err` with this code."""
        return await self.expect("err", code=code, **fields)

    async def expect_close(self, code: int, *, seconds: float = SECONDS) -> None:
        """The other end closes with this code."""
        await self._until(lambda: self.code, f"close {code}", seconds)
        assert self.code == code, f"closed with {self.code}, not {code}; last came {brief(self.frames[-3:])}"

    async def settled(self) -> None:
        """All that was sent before is answered as far as it is answered at once: a ping comes back after it."""
        n = uuid4().int % 2**53
        await self.say("ping", n=n)
        await self.expect("pong", n=n)

    def came(self, frame_type: str, **fields: Any) -> list[Frame]:
        """All frames of this type with these fields, expected before or not."""
        return [
            one for one in self.frames if one["t"] == frame_type and all(one.get(key) == value for key, value in fields.items())
        ]

    def lines(self, room: UUID) -> list[str]:
        """The texts that came by `msg` for a room, in the order in which they came."""
        return [one["message"]["text"] for one in self.came("msg", room=str(room))]

    async def close(self) -> None:
        """Leave in good order."""
        await self.connection.close()
        await self._reader

    def cut(self) -> None:
        """Vanish without a word."""
        self.connection.transport.abort()

    async def _until(self, found: Callable[[], Any], words: str, seconds: float) -> Any:
        async with self._news:
            try:
                async with asyncio.timeout(seconds):
                    while (value := found()) is None:
                        if self.code is not None:
                            raise NothingCame(f"no {words}: closed with {self.code}; not looked at: {brief(self._fresh[-8:])}")
                        await self._news.wait()
            except TimeoutError:
                raise NothingCame(f"no {words} in {seconds} s; not looked at: {brief(self._fresh[-8:])}") from None
        return value

    async def _read(self) -> None:
        try:
            async for data in self.connection:
                frame = json.loads(data)
                self.frames.append(frame)
                self._fresh.append(frame)
                async with self._news:
                    self._news.notify_all()
        except websockets.ConnectionClosed:
            pass
        self.code = self.connection.close_code or 1006
        async with self._news:
            self._news.notify_all()
