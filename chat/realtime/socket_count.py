"""A visitor holds at most five sockets, over all processes; the oldest goes.

Those of this process are counted when one opens. A moment later, when processes know who is where, this one asks the others if
the visitor is with them, too; each tells when its sockets of that visitor opened, and ends those that are too many. Nothing of it
is kept. While the bus is down each process counts alone.
"""

import asyncio
from typing import Any, Final

from chat.realtime import groups
from chat.realtime.bus import Bus
from chat.realtime.local import Local
from chat.realtime.protocol.codes import MAX_SOCKETS, Close
from chat.realtime.session import Session

ASK_SECONDS: Final = 0.5  # after a socket opened: by then its process knows who is elsewhere
HEAR_SECONDS: Final = 0.3  # in which the others have answered


class SocketCount:
    """The counting of one process."""

    def __init__(self, local: Local, bus: Bus) -> None:
        self._local = local
        self._bus = bus
        self._heard: dict[str, dict[str, list[float]]] = {}  # by person and process: when sockets opened; while it is counted
        self._opened: list[Session] = []  # those about whose owners the others are to be asked

    def opened(self, session: Session) -> None:
        """A socket has said hello."""
        if session.principal.kind == "visitor" and session.counts:
            self._end_oldest(_group(session), [])
            if not self._opened:
                asyncio.get_running_loop().call_later(ASK_SECONDS, self._ask_all)
            self._opened.append(session)

    def hear(self, group: str, process: str, item: dict[str, Any]) -> None:
        """Another process tells when its sockets of a person opened, and perhaps asks when ours did."""
        self._begin(group)[process] = item["opened"]
        if item["asks"]:
            self._say(group, asks=False)

    def _ask_all(self) -> None:
        opened, self._opened = self._opened, []
        for session in opened:
            self._ask(session)

    def _ask(self, session: Session) -> None:
        place = self._local.tenant(session.tenant.id)
        if place is not None and place.roster.is_elsewhere(session.principal.id):
            self._say(_group(session), asks=True)

    def _say(self, group: str, *, asks: bool) -> None:
        self._begin(group)
        self._bus.say(group, {"k": "sockets", "opened": [one.opened for one in self._mine(group)], "asks": asks})

    def _begin(self, group: str) -> dict[str, list[float]]:
        if group not in self._heard:
            self._heard[group] = {}
            asyncio.get_running_loop().call_later(HEAR_SECONDS, self._count, group)
        return self._heard[group]

    def _count(self, group: str) -> None:
        self._end_oldest(group, [opened for theirs in self._heard.pop(group).values() for opened in theirs])

    def _end_oldest(self, group: str, theirs: list[float]) -> None:
        mine = self._mine(group)
        if len(mine) + len(theirs) <= MAX_SOCKETS:
            return
        newest = sorted([*theirs, *(one.opened for one in mine)], reverse=True)[:MAX_SOCKETS]
        for one in mine:
            if one.opened < newest[-1]:
                one.end(Close.TOO_MANY_SOCKETS)

    def _mine(self, group: str) -> list[Session]:
        return [one for one in self._local.groups.get(group, ()) if one.counts]


def _group(session: Session) -> str:
    return groups.person(session.tenant.id, session.principal.id)
