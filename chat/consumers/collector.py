"""The way out of one HTTP request: an outbox that keeps frames until they are answered together."""

import asyncio
from typing import Final
from uuid import UUID, uuid4

import msgspec

from chat.realtime.outbox import MAX_BYTES, MAX_FRAMES
from saas.core.fastsocket import payloads

ANSWERS: Final = frozenset({b"ack", b"err", b"joined", b"page", b"left", b"authed", b"pong"})  # what answers a client's frame

_START: Final = len(b'{"t":"')


def tag_of(text: bytes) -> bytes:
    """The name of an encoded frame of ours."""
    return text[_START : text.index(b'"', _START)]


class Collector:
    """Keeps what is written; with `only`, just the frames of these names. `news` is set by each, and by the end."""

    def __init__(self, *, only: frozenset[bytes] | None = None) -> None:
        self.frames: list[bytes] = []
        self.code: int | None = None  # with which a socket would have ended
        self.news = asyncio.Event()
        self.unanswered: list[UUID] = []  # the `cid` of each frame whose `ack` or `err` has not come
        self.nobody = uuid4().hex  # a `ref` that the client did not make: its answers are for nobody
        self._only = only
        self._bytes = 0
        self._deaf = False

    def write(self, text: bytes) -> bool:
        if self._deaf or self._is_for_nobody(text):
            return True
        if len(self.frames) >= MAX_FRAMES or self._bytes + len(text) > MAX_BYTES:
            return False
        self.frames.append(text)
        self._bytes += len(text)
        if self.unanswered and tag_of(text) in (b"ack", b"err") and (cid := _cid_of(text)) in self.unanswered:
            self.unanswered.remove(cid)
        self.news.set()
        return True

    def _is_for_nobody(self, text: bytes) -> bool:
        tag = tag_of(text)
        if self._only is not None and tag not in self._only:
            return True
        return tag in (b"joined", b"page") and self.nobody.encode() in text

    def write_framed(self, framed: bytes) -> bool:
        return self._deaf or all(self.write(text) for text in payloads(framed))

    write_soon = write_framed

    def take(self) -> list[bytes]:
        """What has come since the last call. An end stays news: nobody waits for more behind it."""
        frames, self.frames, self._bytes = self.frames, [], 0
        if self.code is None:
            self.news.clear()
        return frames

    def end(self, code: int) -> None:
        """A socket would be closed now; the first code counts."""
        if self.code is None:
            self.code = code
        self.news.set()

    async def close(self, code: int) -> None:
        self.end(code)

    @property
    def unsent(self) -> int:
        return self._bytes

    def release(self) -> None:
        """The request has been answered: what comes later is for the next one to read from the database."""
        self._deaf = True
        self.frames = []


def _cid_of(text: bytes) -> UUID | None:
    cid = msgspec.json.decode(text).get("cid")
    return UUID(cid) if cid else None
