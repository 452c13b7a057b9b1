"""What the other processes say over the bus, and what this one answers."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any, Final
from uuid import UUID

from django.conf import settings

from billing.standing import forget_standing
from chat.metrics import BUS, BUS_HEARD
from chat.realtime.attendance import KINDS, Attendance
from chat.realtime.bus import Bus
from chat.realtime.groups import PROCESSES
from chat.realtime.line import BEAT_SECONDS, Item
from chat.realtime.local import Local
from chat.realtime.resyncs import Resyncs
from chat.realtime.socket_count import SocketCount
from chat.selectors.sites import forget_sites
from tenants import resolve
from tenants.plans import forget_plan

log = logging.getLogger(__name__)

LOST_SECONDS: Final = 9 * BEAT_SECONDS  # a process that was not heard for so long is gone, and its people with it
TALLY_SECONDS: Final = 3 * BEAT_SECONDS  # between two tallies: what was lost without a trace is found by them
POLL_SECONDS: Final = 2.0  # between two looks at the database while the bus is down


class Others:
    """The other processes, as heard. Items are `m` frames with a seq, `head` a seq that is taken, `f` a frame of state,
    `end` close sockets, `notices` notifications, those of `attendance.py` and `socket_count.py`, `forget` what you keep of a
    tenant, `beat` I live, `met` I did not know you, `lost` some of what I said may have reached nobody, `bye` I end.

    To a process that is not known nothing is said, so that one alone has no trouble with it. Two that meet tell each other so,
    and each compares its rooms with the database after the other has begun to tell it everything. Rooms are repaired from the
    database; that lists may lack something is told to those who have them (`resyncs.py`).
    """

    def __init__(self, local: Local, obey_out: Callable[[str, Item], None]) -> None:
        self.local = local
        self.obey_out = obey_out
        self.resyncs = Resyncs(local, lambda: len(self._take_sockets))
        local.lists_lack = lambda group: self.resyncs.due(group.__eq__)
        self.bus = Bus(self.hear, self._failed, self._restored, self.resyncs.due)
        self.attendance = Attendance(local, self.bus)
        self.socket_count = SocketCount(local, self.bus)
        self._heard: dict[str, float] = {}
        self._met: set[str] = set()  # those of them that listen: who only rings the bell has no beat
        self._take_sockets: set[str] = set()  # and those of them to which sockets may go
        self._admitted: dict[tuple[str, str], int] = {}  # by line and process: the last loss that it told of
        self._fell_silent = False  # the last of the others was lost, and whoever came back unheard was told nothing
        self._tasks: set[asyncio.Task[None]] = set()
        self._polling: asyncio.Task[None] | None = None

    def start(self) -> None:
        self.bus.heeded = False  # until somebody is heard
        self.bus.start()
        self._run(self._watch())

    async def stop(self) -> None:
        self.bus.say(PROCESSES, {"k": "bye"})
        await self.bus.stop()
        self.resyncs.stop()
        for task in self._tasks:
            task.cancel()

    @property
    def many(self) -> int:
        """How many other processes are heard."""
        return len(self._met)

    @property
    def take_sockets(self) -> bool:
        """Whether somebody else is known to serve sockets."""
        return bool(self._take_sockets)

    def hear(self, group: str, process: str, items: list[Item]) -> None:
        """One message of another process. A bad item is logged and costs nothing else."""
        for item in items:
            if item["k"] in {"beat", "met"}:
                self._meet(process, item)
        self._heard[process] = self.local.loop.time()
        BUS_HEARD.add()
        for item in items:
            try:
                self._hear_one(group, process, item)
            except Exception:
                log.exception("a message from another process could not be read")

    def _hear_one(self, group: str, process: str, item: Item) -> None:  # noqa: C901 - one line for each kind
        match item["k"]:
            case "m":
                self.local.offer(group, item["lines"], item.get("at", 0.0), BUS)
            case "head":
                self.local.reaches(group, item["seq"])
            case "f":
                self.local.tell(group, item["f"], item["only"])
            case "end":
                self.local.end(group, item["code"], item["sid"])
            case "out":
                self.obey_out(group, item)
            case "notices":
                self.local.notify(group, item["notice"], item["to"])
            case "sockets":
                self.socket_count.hear(group, process, item)
            case "lost":
                self._hear_lost(group, process, item["n"])
            case "bye" | "forget" | "met":
                self._hear_process(process, item)
            case kind if kind in KINDS:
                self.attendance.hear(group, process, item)

    def _meet(self, process: str, item: Item) -> None:
        if item.get("serves") != "web":
            self._take_sockets.add(process)
        if process not in self._met:
            self._met.add(process)
            self.bus.heeded = True
            self.bus.say(PROCESSES, {"k": "met", "process": process, "serves": settings.SERVES})
            self._restored()
            if self._fell_silent:
                self._fell_silent = False
                self.bus.admit()

    def _hear_lost(self, beat: str, process: str, number: int) -> None:
        """Said twice, for those who did not hear it the first time."""
        if self._admitted.get((beat, process)) != number:
            self._admitted[beat, process] = number
            self.resyncs.due(self.bus.lie_with(beat))

    def _hear_process(self, process: str, item: Item) -> None:
        if item["k"] == "met":
            if item["process"] == self.bus.process:  # it had said nothing to us before
                self._restored()
        elif item["k"] == "bye":
            self._take_sockets.discard(process)
            self._heard[process] = self.local.loop.time() - LOST_SECONDS + BEAT_SECONDS  # its people had time to come back
        else:
            resolve.forget(UUID(item["tenant"]))
            forget_plan(tenant_id=UUID(item["tenant"]))
            forget_standing(tenant_id=UUID(item["tenant"]))
            forget_sites(UUID(item["tenant"]))

    def _failed(self) -> None:
        if self._polling is None or self._polling.done():
            self._polling = self._run(self._poll())

    def _restored(self) -> None:
        self._run(self._compare())
        self.attendance.exchange()

    async def _poll(self) -> None:
        while self.bus.down:
            await self._compare()
            await asyncio.sleep(POLL_SECONDS)

    async def _compare(self) -> None:
        try:
            await self.local.compare_all()
        except Exception as error:
            log.warning("rooms are not compared with the database: %s: %s", type(error).__name__, error)

    async def _watch(self) -> None:
        clock = self.local.loop.time
        told = clock()
        while True:
            before = clock()
            await asyncio.sleep(BEAT_SECONDS)
            if (asleep := clock() - before - BEAT_SECONDS) > BEAT_SECONDS:
                self._slept(asleep)
            for process in [key for key, heard in self._heard.items() if clock() - heard > LOST_SECONDS]:
                self._lose_all(process)
            if clock() - told >= TALLY_SECONDS:
                told = clock()
                self.attendance.say_tally()

    def _slept(self, seconds: float) -> None:
        """This process did not run for a while, and heard nobody: that is no sign that the others are gone."""
        now = self.local.loop.time()
        self._heard = {process: min(now, heard + seconds) for process, heard in self._heard.items()}
        self.attendance.exchange()
        if not self.bus.alone:
            self.resyncs.due(lambda _group: True)

    def _lose_all(self, process: str) -> None:
        del self._heard[process]
        if process in self._met:  # not who only rang the bell
            self._met.discard(process)
            self._fell_silent = not self._met
        self._take_sockets.discard(process)
        self.bus.heeded = bool(self._met)
        self._admitted = {key: number for key, number in self._admitted.items() if key[1] != process}
        self.bus.forget(process)
        self.attendance.lost(process)

    def _run(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = self.local.loop.create_task(work, name="others")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
