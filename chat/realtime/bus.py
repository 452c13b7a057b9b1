"""The bus between processes: a doorbell that may lose anything at any time; the hub repairs from the database.

One channel of the channel layer per process, joined to a group while a local socket needs it. What is said to a group within one
turn of the loop travels as one layer message. Nothing ever waits for the layer: what cannot be sent in `SEND_SECONDS` is dropped,
the bus counts as down until a message passes, and whoever runs it is told when it fails and when it is back. On the in-memory
layer nobody else can listen: there the bus does nothing at all.
"""

import asyncio
import logging
from collections.abc import Callable
from itertools import islice
from typing import Any, Final
from uuid import uuid4

from channels.layers import InMemoryChannelLayer, get_channel_layer  # noqa: TID251  # this is the one place

from chat.realtime.groups import PROCESSES

log = logging.getLogger(__name__)

SEND_SECONDS = 0.25
MAX_WAITING = 10_000  # items not yet handed to the layer; above, they are dropped
RETRY_SECONDS = 1.0
BEAT_SECONDS = 5.0
STOP_SECONDS = 1.0  # that what was said last may take
SETTLE_MOST = 200  # groups joined or left before what was said goes out: a crowd that returns must not silence the rest
ORDERS: Final = {"end", "forget"}  # kinds that are said again after a failure: no database repairs what they would have done

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
        self.alone = isinstance(self._layer, InMemoryChannelLayer)
        self._channel = ""
        self._said: dict[str, list[Item]] = {}
        self._waiting = 0
        self._wanted: set[str] = set()
        self._joined: set[str] = set()
        self._unsettled: dict[str, None] = {}  # groups to be joined or left, in order
        self._awaited: dict[str, set[asyncio.Future[None]]] = {}
        self._wake = asyncio.Event()
        self._heard = 0.0
        self._is_sending = False
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin to listen, to speak, and to hear oneself beat; the layer may be away."""
        if self.alone:
            return
        loop = asyncio.get_running_loop()
        self._heard = loop.time()
        self.subscribe(PROCESSES)
        self._tasks = [
            loop.create_task(run(), name=f"bus-{name}")
            for name, run in (("in", self._listen), ("out", self._speak), ("beat", self._beat))
        ]

    async def stop(self) -> None:
        """Say what waits, for `STOP_SECONDS` at most, then leave."""
        if not self._tasks:
            return
        for _ in range(round(STOP_SECONDS / 0.02)):
            if not self._said and not self._is_sending:
                break
            await asyncio.sleep(0.02)
        for task in self._tasks:
            task.cancel()
        self._tasks = []

    def subscribe(self, group: str) -> None:
        """Hear the group from now on, or as soon as the layer answers."""
        self._wanted.add(group)
        self._unsettle(group)

    def unsubscribe(self, group: str) -> None:
        """Hear the group no longer."""
        self._wanted.discard(group)
        self._unsettle(group)

    def _unsettle(self, group: str) -> None:
        if not self.alone:
            self._unsettled[group] = None
            self._wake.set()

    async def subscribed(self, group: str) -> None:
        """Wait until the layer has taken the subscription, at most `SEND_SECONDS`: the group is joined before history is read."""
        if self.alone or group in self._joined or self.down:
            return
        future = asyncio.get_running_loop().create_future()
        self._awaited.setdefault(group, set()).add(future)
        try:
            async with asyncio.timeout(SEND_SECONDS):
                await future
        except TimeoutError:
            pass  # the reader goes on without the doorbell; the next beat or ping finds what it missed
        finally:
            self._awaited.get(group, set()).discard(future)

    def say(self, group: str, item: Item) -> None:
        """Tell the other processes. Never waits, may be lost."""
        if self.alone:
            return
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
                # never under a timeout: a cancelled receive loses the channel
                self._take(await self._layer.receive(self._channel))
            except Exception as error:
                self._fail(error)
                await asyncio.sleep(RETRY_SECONDS)

    def _take(self, message: dict[str, Any]) -> None:
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
                await self._settle()
                await self._send_all()
            except Exception as error:
                self._fail(error)
                await asyncio.sleep(RETRY_SECONDS)
                self._wake.set()  # the subscriptions are tried again

    async def _settle(self) -> None:
        if not self._channel:
            return
        for group in list(islice(self._unsettled, SETTLE_MOST)):
            await self._settle_one(group)
        if self._unsettled:
            self._wake.set()

    async def _settle_one(self, group: str) -> None:
        """Join or leave the group at the layer. What fails is tried again with the next turn."""
        del self._unsettled[group]  # before the layer is asked: it may be wanted otherwise meanwhile
        try:
            async with asyncio.timeout(SEND_SECONDS):
                await self._join_or_leave(group)
        except BaseException:
            self._unsettled[group] = None
            raise
        for future in self._awaited.pop(group, ()):
            if not future.done():
                future.set_result(None)

    async def _join_or_leave(self, group: str) -> None:
        if group in self._wanted and group not in self._joined:
            await self._layer.group_add(group, self._channel)
            self._joined.add(group)
        elif group not in self._wanted and group in self._joined:
            self._joined.discard(group)  # first: who wants it again meanwhile must wait until it is joined again
            await self._layer.group_discard(group, self._channel)

    async def _send_all(self) -> None:
        said, self._said, self._waiting = self._said, {}, 0
        self._is_sending = True
        try:
            for group, items in said.items():
                message = {"type": "porchlight", "process": self.process, "group": group, "items": items}
                async with asyncio.timeout(SEND_SECONDS):
                    await self._layer.group_send(group, message)
        except Exception:
            self._order_again(said)
            raise
        finally:
            self._is_sending = False

    def _order_again(self, said: dict[str, list[Item]]) -> None:
        """The rest is dropped: a late `typing` would be a lie, and messages are read from the database."""
        for group, items in said.items():
            for item in items:
                if item["k"] in ORDERS:
                    self.say(group, item)

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
