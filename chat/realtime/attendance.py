"""Who is where, merged over all processes: in each room, and in each tenant.

What a process says of the people in a place is numbered, and from time to time it tells how far it has come in each. Who missed
something asks that process for the whole. So whatever the bus loses, each process soon knows what the others hold.
"""

from collections.abc import Iterable, Iterator
from itertools import count
from typing import Any, Final
from uuid import UUID

import msgspec

from chat.realtime.bus import Bus
from chat.realtime.groups import PROCESSES
from chat.realtime.here import LocalTenant, Present
from chat.realtime.line import Item
from chat.realtime.local import Local
from chat.realtime.protocol.outgoing import Person
from chat.realtime.room import LocalRoom
from chat.realtime.roster import Roster

KINDS: Final = {"who", "people", "here", "tally", "tally?"}
ASK_SECONDS: Final = 1.0  # one process is asked about one place at most so often
WHOLE_SECONDS: Final = 0.02  # after which it answers: many ask at once


class Attendance:
    """Items are `who` who is with you, `people` of a room, `here` people of a tenant, `tally` how far I have come in each place,
    and `tally?` how far have you.
    """

    def __init__(self, local: Local, bus: Bus) -> None:
        self.local, self.bus = local, bus
        self._numbers = count(1)
        self._last = 0  # the number of our last statement anywhere
        self._asked: dict[tuple[str, str], float] = {}  # group and process: when
        self._answering: set[str] = set()

    def hear(self, group: str, process: str, item: Item) -> None:
        """One item of another process."""
        match item["k"]:
            case "who":
                self._answer_who(group, item.get("of"))
            case "people":
                self._hear_people(group, process, item)
            case "here":
                self._hear_here(group, process, item)
            case "tally":
                self._hear_tally(process, item)
            case _:
                self.say_tally()

    def exchange(self) -> None:
        """After a time in which anything may have been missed, on both sides."""
        self.say_tally()
        self.bus.say(PROCESSES, {"k": "tally?"})

    def lost(self, process: str) -> None:
        """A process is no more, and nobody is there through it."""
        for group, roster in list(self._rosters()):
            if process in roster.upto:
                self._lose(group, process)

    def say_people(self, room: LocalRoom, *, on: Iterable[Person] = (), off: Iterable[UUID] = (), whole: bool = False) -> None:
        """These people of ours are in the room, or none of their sockets is any more; `whole`: these are all."""
        self._state("people", room.group, room.people, on=list(on), off=list(off), whole=whole)

    def say_here(self, local: LocalTenant, on: Iterable[Present], off: Iterable[UUID] = (), *, whole: bool = False) -> None:
        """These people of the tenant are here with us, or are not any more; `whole`: these are all."""
        self._state("here", local.group, local.roster, on=list(on), off=list(off), whole=whole)

    def _state(self, kind: str, group: str, roster: Roster[Any], *, on: list[Any], off: list[UUID], whole: bool) -> None:
        """A numbered statement; the first about a place is the whole. Numbered also if nobody listens: they will ask."""
        if self.bus.alone:
            return
        after = 0 if whole else roster.said
        self._last = roster.said = next(self._numbers)
        if not self.bus.is_silent:
            people = {"on": msgspec.json.encode(on), "off": msgspec.json.encode(off)}
            self.bus.say(group, {"k": kind, "n": roster.said, "after": after, **people})

    def _hear_people(self, group: str, process: str, item: Item) -> None:
        room = self.local.rooms.get(group)
        if room is None or not self._follow(group, room.people, process, item):
            return
        on, off = msgspec.json.decode(item["on"], type=list[Person]), msgspec.json.decode(item["off"], type=list[UUID])
        self.local.tell_people(room, *room.people.heard(process, on=on, off=off, whole=item["after"] == 0))

    def _hear_here(self, group: str, process: str, item: Item) -> None:
        local = self.local.tenants.get(group)
        if local is None or not self._follow(group, local.roster, process, item):
            return
        on, off = msgspec.json.decode(item["on"], type=list[Present]), msgspec.json.decode(item["off"], type=list[UUID])
        local.heard(process, on, off, whole=item["after"] == 0)

    def _follow(self, group: str, roster: Roster[Any], process: str, item: Item) -> bool:
        """Whether the statement is news. If one before it is missing, the process is asked for the whole."""
        if item["n"] <= roster.upto.get(process, 0):
            return False
        if not roster.follow(process, n=item["n"], after=item["after"]):
            self._ask(group, process)
        return True

    def _ask(self, group: str, process: str) -> None:
        now = self.local.loop.time()
        if now - self._asked.get((group, process), -ASK_SECONDS) >= ASK_SECONDS:
            self._asked[group, process] = now
            self.bus.say(group, {"k": "who", "of": process})

    def _answer_who(self, group: str, of: str | None) -> None:
        if of in {None, self.bus.process} and group not in self._answering:
            self._answering.add(group)
            self.local.loop.call_later(WHOLE_SECONDS, self._say_whole, group)

    def _say_whole(self, group: str) -> None:
        self._answering.discard(group)
        if (room := self.local.rooms.get(group)) and room.people.said:
            self.say_people(room, on=room.people.here.values(), whole=True)
        if (local := self.local.tenants.get(group)) and local.roster.said:
            self.say_here(local, local.roster.here.values(), whole=True)

    def say_tally(self) -> None:
        """Tell the others how far we have come in each place: soon, and once for all who ask."""
        self._asked.clear()
        if PROCESSES not in self._answering:
            self._answering.add(PROCESSES)
            self.local.loop.call_later(WHOLE_SECONDS, self._tally_now)

    def _tally_now(self) -> None:
        self._answering.discard(PROCESSES)
        if not self.bus.is_silent:
            of = {group: roster.said for group, roster in self._rosters() if roster.said}
            self.bus.say(PROCESSES, {"k": "tally", "last": self._last, "of": of})

    def _hear_tally(self, process: str, item: Item) -> None:
        for group, roster in list(self._rosters()):
            told, known = item["of"].get(group), roster.upto.get(process)
            if told is None and known is not None and known <= item["last"]:
                self._lose(group, process)  # it has nobody there any more, and that was not heard
            elif told is not None and told > (known or 0):
                self._ask(group, process)

    def _rosters(self) -> Iterator[tuple[str, Roster[Any]]]:
        yield from ((group, room.people) for group, room in self.local.rooms.items())
        yield from ((group, local.roster) for group, local in self.local.tenants.items())

    def _lose(self, group: str, process: str) -> None:
        """Nobody of this process is in this place."""
        if room := self.local.rooms.get(group):
            self.local.tell_people(room, [], room.people.lost(process))
        if local := self.local.tenants.get(group):
            local.lost(process)
