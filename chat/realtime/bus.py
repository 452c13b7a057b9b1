"""The bus between processes: a doorbell that may lose anything at any time; the hub repairs from the database.

One channel of the channel layer per process, joined to a group while a local socket needs it. What is said to a group within one
turn of the loop travels as one layer message. Nothing ever waits for the layer: what cannot be sent in `SEND_SECONDS` is dropped,
the bus counts as down until a message passes, and whoever runs it is told when it fails and when it is back.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Any
from uuid import uuid4

from channels.layers import get_channel_layer  # noqa: TID251  # this is the one place

from chat.realtime.groups import PROCESSES

log = logging.getLogger(__name__)

SEND_SECONDS = 0.25
MAX_WAITING = 10_000  # items not yet handed to the layer; above, they are dropped
RETRY_SECONDS = 1.0
BEAT_SECONDS = 5.0

Item = dict[str, Any]  # {"k": kind, ...}: what one process tells the others about one group
Hear = Callable[[str, str, list[Item]], None]  # group, process, items


class Bus:
    """This process's place on the channel layer."""

    def __init__(self, hear: Hear, failed: Callable[[], None], restored: Callable[[], None]) -> None:
        self.process = uuid4().hex
        self.down = False
        self.dropped = 0
        self._hear, self._failed, self._restored = hear, failed, restored
        self._layer = get_channel_layer()
        self._channel = ""
        self._said: dict[str, list[Item]] = {}
        self._waiting = 0
        self._wanted: set[str] = set()
        self._joined: set[str] = set()
        self._awaited: dict[str, list[asyncio.Future[None]]] = {}
        self._wake = asyncio.Event()
        self._heard = 0.0
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin to listen, to speak, and to hear oneself beat; the layer may be away."""
        loop = asyncio.get_running_loop()
        self._heard = loop.time()
        self._wanted.add(PROCESSES)
        self._tasks = [
            loop.create_task(run(), name=f"bus-{name}")
            for name, run in (("in", self._listen), ("out", self._speak), ("beat", self._beat))
        ]

    async def stop(self) -> None:
        """Say what waits, then leave."""
        if not self._tasks:
            return
        for _ in range(5):
            if not self._said:
                break
            await asyncio.sleep(0.05)
        for task in self._tasks:
            task.cancel()
        self._tasks = []

    def subscribe(self, group: str) -> None:
        """Hear the group from now on, or as soon as the layer answers."""
        self._wanted.add(group)
        self._wake.set()

    def unsubscribe(self, group: str) -> None:
        """Hear the group no longer."""
        self._wanted.discard(group)
        self._wake.set()

    async def subscribed(self, group: str) -> None:
        """Wait until the layer has taken the subscription, at most `SEND_SECONDS`: the group is joined before history is read."""
        if group in self._joined or self.down:
            return
        future = asyncio.get_running_loop().create_future()
        self._awaited.setdefault(group, []).append(future)
        try:
            async with asyncio.timeout(SEND_SECONDS):
                await future
        except TimeoutError:
            pass  # the reader goes on without the doorbell; the next beat or ping finds what it missed

    def say(self, group: str, item: Item) -> None:
        """Tell the other processes. Never waits, may be lost."""
        if self._waiting >= MAX_WAITING:
            self.dropped += 1
            return
        self._said.setdefault(group, []).append(item)
        self._waiting += 1
        self._wake.set()

    async def _listen(self) -> None:
        while True:
            try:
                self._channel = self._channel or await self._layer.new_channel("porchlight")
                self._wake.set()
                message = await self._layer.receive(self._channel)  # never under a timeout: a cancelled receive loses the channel
            except Exception as error:
                self._fail(error)
                await asyncio.sleep(RETRY_SECONDS)
                continue
            if message["process"] != self.process:
                self._hear(message["group"], message["process"], message["items"])
            elif message["group"] == PROCESSES:
                self._heard = asyncio.get_running_loop().time()
                self._pass()

    async def _beat(self) -> None:
        """Tell the others that this process lives, and notice when the own beat does not come back."""
        while True:
            self.say(PROCESSES, {"k": "beat"})
            await asyncio.sleep(BEAT_SECONDS)
            silence = asyncio.get_running_loop().time() - self._heard
            if silence > 2 * BEAT_SECONDS + 1:
                self._fail(TimeoutError(f"no message came back for {silence:.0f} s"))

    async def _speak(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            await asyncio.sleep(0)  # one turn of the loop: what is said together travels together
            try:
                async with asyncio.timeout(SEND_SECONDS):
                    await self._settle()
                await self._send_all()
            except Exception as error:
                self._fail(error)
                await asyncio.sleep(RETRY_SECONDS)
                self._wake.set()  # the subscriptions are tried again

    async def _settle(self) -> None:
        if not self._channel:
            return
        for group in self._wanted - self._joined:
            await self._layer.group_add(group, self._channel)
            self._joined.add(group)
            for future in self._awaited.pop(group, ()):
                if not future.done():
                    future.set_result(None)
        for group in self._joined - self._wanted:
            await self._layer.group_discard(group, self._channel)
            self._joined.discard(group)

    async def _send_all(self) -> None:
        said, self._said, self._waiting = self._said, {}, 0
        for group, items in said.items():
            message = {"type": "porchlight", "process": self.process, "group": group, "items": items}
            async with asyncio.timeout(SEND_SECONDS):
                await self._layer.group_send(group, message)

    def _fail(self, error: Exception) -> None:
        if not self.down:
            log.warning("bus: the channel layer does not answer (%s: %s)", type(error).__name__, error)
            self.down = True
            self._failed()

    def _pass(self) -> None:
        if self.down:
            log.warning("bus: the channel layer answers again")
            self.down = False
            self._restored()
