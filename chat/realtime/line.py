"""One line of the bus: this process's channel on one channel layer, which is one Redis primary.

What is said to a place within one turn of the loop travels as one layer message. Nothing ever waits for the layer: what cannot be
sent in `SEND_SECONDS` is dropped, the line counts as down until a message passes, and whoever runs it is told when it fails and
when it is back. A line that is stuck stops no other.

Who lost something owns up to it: `lost` on the place of the beats as soon as somebody may hear it, and with the next beat again,
for those who come back a moment later. And each process says a number to itself once a second: where one does not come back, it
did not hear the others either, though nothing failed. The layer subscribes again by itself, and tells nobody. If it was cut for
less than a second, that is found out by the numbers of what is said at a place (`numbers.py`), with the next thing said there.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from itertools import count, islice
from typing import Any, Final

from django.conf import settings

from chat.metrics import BUS_BACK, BUS_SAID
from chat.realtime.layer import Layer
from chat.realtime.numbers import Numbers

log = logging.getLogger(__name__)

SEND_SECONDS = 0.25
MAX_WAITING = 10_000  # items not yet handed to the layer; above, they are dropped, and what is weighty above twice as many
RETRY_SECONDS = 1.0
BEAT_SECONDS: Final = settings.BUS_BEAT_MS / 1000
SILENCE_SECONDS: Final = 2 * BEAT_SECONDS + 1  # for which the own beat may be on its way
BEAT: Final = {"k": "beat", "serves": settings.SERVES}
LOST: Final = "lost"  # something that was said may have reached nobody
ECHO_SECONDS: Final = 1.0  # between two words to oneself
OWN_UP: Final = 2  # times: at once, and with the next beat
STOP_SECONDS = 1.0  # that what was said last may take
SETTLE_MOST = 200  # places joined or left before what was said goes out: a crowd that returns must not silence the rest
ORDERS: Final = {"end", "forget", "out"}  # said again after a failure: no database repairs what they would have done
WEIGHTY: Final = {*ORDERS, LOST}  # finds a place where other news do not

Item = dict[str, Any]  # {"k": kind, ...}: what one process tells the others about one group
Said = dict[str, list[Item]]  # by group


class Line:
    """This process's place on one layer. `hear` gets the process that spoke and what it said; its own beats come back here.

    `missed` gets the place where something was not heard, or "" for all of them.
    """

    def __init__(
        self,
        layer: Layer,
        process: str,
        *,
        beat: str,
        hear: Callable[[str, Said], None],
        changed: Callable[["Line"], None],
        missed: Callable[["Line", str], None] = lambda _line, _place: None,
    ) -> None:
        self.down = False
        self.dropped = 0
        self._layer, self._process, self.beat_place = layer, process, beat
        self._hear, self._changed, self._missed = hear, changed, missed
        self.numbers = Numbers()
        self._is_numbered = False  # who only rings the bell is gone before it can be missed
        self._echoed = 0  # the number of the last word to oneself that came back
        self._losses = 0  # times that something may have been lost, and the others are to know
        self._owns_up = 0  # so often the last of them is still to be said
        self._channel = ""
        self._said: dict[str, Said] = {}  # by place
        self._waiting = 0
        self._wanted: set[str] = set()
        self._joined: set[str] = set()
        self._unsettled: dict[str, None] = {}  # places to be joined or left, in order
        self._awaited: dict[str, set[asyncio.Future[None]]] = {}
        self._wake = asyncio.Event()
        self._heard = 0.0
        self._is_sending = False
        self._tasks: list[asyncio.Task[None]] = []

    def start(self, *, hears: bool = True) -> None:
        """Begin to speak and, unless told otherwise, to listen and to hear oneself beat; the layer may be away."""
        loop = asyncio.get_running_loop()
        self._heard, self._is_numbered = loop.time(), hears
        runs = [("out", self._speak)]
        if hears:
            self.subscribe(self.beat_place)
            runs += [("in", self._listen), ("beat", self._beat), ("echo", self._echo)]
        self._tasks = [loop.create_task(run(), name=f"bus-{name}") for name, run in runs]

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

    def subscribe(self, place: str) -> None:
        """Hear the place from now on, or as soon as the layer answers."""
        self._wanted.add(place)
        self._unsettle(place)

    def unsubscribe(self, place: str) -> None:
        """Hear the place no longer."""
        self._wanted.discard(place)
        self.numbers.leave(place)
        self._unsettle(place)

    def _unsettle(self, place: str) -> None:
        self._unsettled[place] = None
        self._wake.set()

    async def subscribed(self, place: str) -> None:
        """Wait until the layer has taken the subscription, at most `SEND_SECONDS`: the place is joined before history is read."""
        if place in self._joined or self.down:
            return
        future = asyncio.get_running_loop().create_future()
        self._awaited.setdefault(place, set()).add(future)
        try:
            async with asyncio.timeout(SEND_SECONDS):
                await future
        except TimeoutError:
            pass  # the reader goes on without the doorbell; the next beat or ping finds what it missed
        finally:
            self._awaited.get(place, set()).discard(future)

    def say(self, place: str, group: str, item: Item) -> None:
        """Tell the other processes. Never waits, may be lost."""
        if self._waiting >= (2 * MAX_WAITING if item["k"] in WEIGHTY else MAX_WAITING):
            self.dropped += 1
            self._losses, self._owns_up = self._losses + 1, OWN_UP  # said with the next beats
            BUS_SAID.add("dropped")
            return
        self._said.setdefault(place, {}).setdefault(group, []).append(item)
        self._waiting += 1
        self._wake.set()

    def admit(self) -> None:
        """Tell the others that something which was said on this line may have reached nobody."""
        self._losses, self._owns_up = self._losses + 1, OWN_UP
        self._own_up()

    def _own_up(self) -> None:
        if self._owns_up:
            self._owns_up -= 1
            self.say(self.beat_place, self.beat_place, {"k": LOST, "n": self._losses})

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
        if "echo" in message:
            self._take_echo(message["echo"])
        elif message["process"] != self._process:
            self._hear(message["process"], message["said"])
            self._count(message)
        elif self.beat_place in message["said"]:
            self._heard = asyncio.get_running_loop().time()
            self._pass()

    def _count(self, message: dict[str, Any]) -> None:
        """A number that was left out is something lost: of that place, or of all where it was a beat."""
        place, number = message.get("place"), message.get("n")  # of a release before this one it has neither
        if place in self._wanted and number and self.numbers.is_hole(place, message["process"], number):
            self._miss("" if place == self.beat_place else place)

    def _miss(self, place: str = "") -> None:
        if not place:
            self.numbers.begin_anew()
        self._missed(self, place)

    def _take_echo(self, number: int) -> None:
        """What did not come back before it was lost with what the others said at that time."""
        before, self._echoed = self._echoed, number
        if before and number > before + 1:
            self._miss()

    async def _echo(self) -> None:
        for number in count(1):
            await asyncio.sleep(ECHO_SECONDS)
            if self._channel:
                with suppress(Exception):  # then it does not come back
                    async with asyncio.timeout(SEND_SECONDS):
                        await self._layer.send(self._channel, {"type": "porchlight", "process": self._process, "echo": number})

    async def _beat(self) -> None:
        """Tell the others that this process lives, and notice when the own beat does not come back."""
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            self.say(self.beat_place, self.beat_place, BEAT)
            self._own_up()
            silence = asyncio.get_running_loop().time() - self._heard
            if silence > SILENCE_SECONDS:
                self._fail(TimeoutError(f"no message came back for {silence:.0f} s"))

    async def _speak(self) -> None:
        while True:
            await self._wake.wait()  # until the next turn of the loop: what is said together travels together
            self._wake.clear()
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
        for place in list(islice(self._unsettled, SETTLE_MOST)):
            await self._settle_one(place)
        if self._unsettled:
            self._wake.set()

    async def _settle_one(self, place: str) -> None:
        """Join or leave the place at the layer. What fails is tried again with the next turn."""
        del self._unsettled[place]  # before the layer is asked: it may be wanted otherwise meanwhile
        try:
            async with asyncio.timeout(SEND_SECONDS):
                await self._join_or_leave(place)
        except BaseException:
            self._unsettled[place] = None
            raise
        for future in self._awaited.pop(place, ()):
            if not future.done():
                future.set_result(None)

    async def _join_or_leave(self, place: str) -> None:
        if place in self._wanted and place not in self._joined:
            await self._layer.group_add(place, self._channel)
            self._joined.add(place)
            if place == self.beat_place:  # not before: who hears it answers at once
                self.say(place, place, BEAT)
        elif place not in self._wanted and place in self._joined:
            self._joined.discard(place)  # first: who wants it again meanwhile must wait until it is joined again
            await self._layer.group_discard(place, self._channel)

    async def _send_all(self) -> None:
        said, self._said, self._waiting = self._said, {}, 0
        self._is_sending = True
        try:
            for place, groups in said.items():
                message: dict[str, Any] = {"type": "porchlight", "process": self._process, "said": groups}
                if self._is_numbered:
                    message |= {"place": place, "n": self.numbers.next(place)}
                async with asyncio.timeout(SEND_SECONDS):
                    await self._layer.group_send(place, message)
                self.numbers.said(place)  # what failed is owned up to, and takes none
                BUS_SAID.add("sent")
        except Exception:
            BUS_SAID.add("failed")
            self._order_again(said)
            raise
        finally:
            self._is_sending = False

    def _order_again(self, said: dict[str, Said]) -> None:
        """The rest is dropped: a late `typing` would be a lie, and messages are read from the database."""
        for place, groups in said.items():
            for group, items in groups.items():
                for item in items:
                    if item["k"] in ORDERS:
                        self.say(place, group, item)

    def _fail(self, error: Exception) -> None:
        if not self.down:
            log.warning("bus: the channel layer does not answer (%s: %s)", type(error).__name__, error)
            self.down = True
            self._changed(self)

    def _pass(self) -> None:
        if self.down:
            log.warning("bus: the channel layer answers again")
            self.down = False
            BUS_BACK.add()
            self._changed(self)
            self._miss()
            self.admit()
