"""What the other processes say over the bus, and what this one answers."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any, Final
from uuid import UUID

import msgspec

from chat.realtime.bus import BEAT_SECONDS, Bus, Item
from chat.realtime.groups import PROCESSES
from chat.realtime.here import Present
from chat.realtime.local import Local
from chat.realtime.protocol.outgoing import Person
from chat.realtime.room import LocalRoom
from chat.selectors.sites import forget_sites
from tenants import resolve

log = logging.getLogger(__name__)

LOST_SECONDS: Final = 9 * BEAT_SECONDS  # a process that was not heard for so long is gone, and its people with it
POLL_SECONDS: Final = 2.0  # between two looks at the database while the bus is down


class Others:
    """The other processes, as heard. Items are `m` frames with a seq, `f` a frame of state, `end` close sockets,
    `who` who is at your place, `on`/`off` people of a room, `here` people of a tenant,
    `forget` what you keep of a tenant, `beat` I live, `bye` I end."""

    def __init__(self, local: Local) -> None:
        self.local = local
        self.bus = Bus(self.hear, self._failed, self._restored)
        self._heard: dict[str, float] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._polling: asyncio.Task[None] | None = None

    def start(self) -> None:
        self.bus.start()
        self._run(self._watch())

    async def stop(self) -> None:
        self.bus.say(PROCESSES, {"k": "bye"})
        await self.bus.stop()
        for task in self._tasks:
            task.cancel()

    def hear(self, group: str, process: str, items: list[Item]) -> None:
        """One message of another process. A bad item is logged and costs nothing else."""
        self._heard[process] = self.local.loop.time()
        for item in items:
            try:
                self._hear_one(group, process, item)
            except Exception:
                log.exception("a message from another process could not be read")

    def _hear_one(self, group: str, process: str, item: Item) -> None:
        match item["k"]:
            case "m":
                self.local.offer(group, item["lines"])
            case "f":
                self.local.tell(group, item["f"], item["only"])
            case "end":
                self.local.end(group, item["code"], item["sid"])
            case "who":
                self._answer_who(group)
            case "on" | "off":
                self._hear_people(group, process, item)
            case "here":
                self._hear_here(group, process, item)
            case "bye" | "forget":
                self._hear_process(process, item)

    def _hear_process(self, process: str, item: Item) -> None:
        if item["k"] == "bye":
            self._heard[process] = self.local.loop.time() - LOST_SECONDS + BEAT_SECONDS  # its people had time to come back
        else:
            resolve.forget(UUID(item["tenant"]))
            forget_sites(UUID(item["tenant"]))

    def _answer_who(self, group: str) -> None:
        if (room := self.local.rooms.get(group)) and room.people.here:
            self.say_people(room, on=list(room.people.here.values()))
        if (local := self.local.tenants.get(group)) and local.roster.here:
            local.tell_others(list(local.roster.here.values()), [])

    def say_people(self, room: LocalRoom, *, on: list[Person]) -> None:
        """These people of ours are in the room."""
        self.bus.say(room.group, {"k": "on", "who": msgspec.json.encode(on)})

    def say_gone(self, room: LocalRoom, person_id: UUID) -> None:
        """None of our sockets of this person is in the room any more."""
        self.bus.say(room.group, {"k": "off", "who": msgspec.json.encode([person_id])})

    def say_here(self, group: str, on: list[Present], off: list[UUID]) -> None:
        """These people of the tenant are here with us, or are not any more."""
        self.bus.say(group, {"k": "here", "on": msgspec.json.encode(on), "off": msgspec.json.encode(off)})

    def _hear_people(self, group: str, process: str, item: Item) -> None:
        room = self.local.rooms.get(group)
        if room is None:
            return
        if item["k"] == "on":
            came, gone = room.people.heard(process, on=msgspec.json.decode(item["who"], type=list[Person]))
        else:
            came, gone = room.people.heard(process, off=msgspec.json.decode(item["who"], type=list[UUID]))
        self.local.tell_people(room, came, gone)

    def _hear_here(self, group: str, process: str, item: Item) -> None:
        on = msgspec.json.decode(item["on"], type=list[Present])
        off = msgspec.json.decode(item["off"], type=list[UUID])
        if local := self.local.tenants.get(group):
            local.heard(process, on, off)

    def _failed(self) -> None:
        if self._polling is None or self._polling.done():
            self._polling = self._run(self._poll())

    def _restored(self) -> None:
        self._run(self._compare())
        for group in [*self.local.rooms, *self.local.tenants]:
            self.bus.say(group, {"k": "who"})

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
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            now = self.local.loop.time()
            for process in [key for key, heard in self._heard.items() if now - heard > LOST_SECONDS]:
                del self._heard[process]
                for room in self.local.rooms.values():
                    self.local.tell_people(room, [], room.people.lost(process))
                for local in self.local.tenants.values():
                    local.lost(process)

    def _run(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = self.local.loop.create_task(work, name="others")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
