"""Lists that may lack something: whoever has them open is told to read them again.

A room that was opened, or a notification, is told once, to those who have not joined it. While the bus was away nobody heard of
it, and no number shows the hole. So when a line is back, when another process says that it could not be heard, and when this one
did not run for a while, each agent on it hears `resync`, then the newest of their unseen notifications once more, and how many
there are. Visitors have no list that others change: theirs comes with the next welcome.

Each agent who hears it asks for some lists, and what the bus lost concerns all processes at once. So all of them together tell no
more than `MOST_PER_SECOND`, the tenants in turn, and a line that comes and goes is told of less and less often.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, Final
from uuid import UUID

from chat.realtime import groups
from chat.realtime.local import Local
from chat.realtime.protocol.outgoing import Notice, Resync, SeenOut, encode
from chat.realtime.session import Session
from saas.core.logs import apart
from saas.core.registry import Hook
from tenants.context import TenantRef
from tenants.reading import read_in_tenant

log = logging.getLogger(__name__)

GATHER_SECONDS: Final = 1.0  # processes are back one after the other
SPREAD_SECONDS: Final = 1.0  # over which a few are told; each asks for some lists then
MOST_PER_SECOND: Final = 50  # on all processes together; more take longer
PAUSE_SECONDS: Final = 10.0  # before all are told again: a line may come and go
LONGEST_PAUSE_SECONDS: Final = 120.0  # from the third time on twice as long while something is due again when it ends
PEOPLE: Final = 50  # whose notifications are asked for in one go
RESYNC: Final = encode(Resync())

unseen = Hook("unseen")  # recipients: [UUID] -> [([Notice], how many)], newest first, each in their order; inside the tenant

People = dict[UUID, list[Session]]  # each with all their sockets


class Resyncs:
    """Those of one process. Lives in one event loop."""

    def __init__(self, local: Local, others: Callable[[], int] = lambda: 0) -> None:
        """`others` says how many more processes may have agents to tell."""
        self._local, self._others = local, others
        self._due: set[str] = set()  # tenants, by the group of who is here
        self._round: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def due(self, lies: Callable[[str], bool]) -> None:
        """Something may not have been heard of the tenants whose groups lie there. Their agents are told soon."""
        self._due |= {group for group, local in self._local.tenants.items() if local.hearing["agent"] and lies(group)}
        if self._due and (self._round is None or self._round.done()):
            self._round = self._run(self._tell_all())

    def stop(self) -> None:
        """Tell nobody any more."""
        for task in self._tasks:
            task.cancel()

    async def _tell_all(self) -> None:
        pause = after_that = PAUSE_SECONDS  # one failure is told of twice: what others lost by it they say a little later
        while self._due:
            await asyncio.sleep(GATHER_SECONDS)
            due, self._due = self._due, set()
            await self._tell({group: self._people(group) for group in due})
            await asyncio.sleep(pause)
            pause, after_that = after_that, min(2 * after_that, LONGEST_PAUSE_SECONDS)

    async def _tell(self, due: dict[str, People]) -> None:
        """A person's sockets one after another, so that what is for all of them comes behind."""
        many = sum(len(sockets) for people in due.values() for sockets in people.values())
        told: dict[str, list[UUID]] = {group: [] for group in due}
        for group, person, sockets in _in_turn(due):
            for session in filter(self._local.hears_as_agent, sockets):  # who left meanwhile reads all when they come back
                session.send_text(RESYNC)
                await asyncio.sleep(max(SPREAD_SECONDS / many, (1 + self._others()) / MOST_PER_SECOND))
            told[group].append(person)
            if len(told[group]) >= PEOPLE or not due[group]:
                some, told[group] = told[group], []
                self._begin_notices(group, some)

    def _people(self, group: str) -> People:
        local, people = self._local.tenants.get(group), People()
        for session in local.hearing["agent"] if local else ():
            people.setdefault(session.principal.id, []).append(session)
        return people

    def _begin_notices(self, group: str, people: list[UUID]) -> None:
        if local := self._local.tenants.get(group):
            self._run(self._tell_notices(local.tenant, people))

    async def _tell_notices(self, tenant: TenantRef, people: list[UUID]) -> None:
        """The oldest first; who knows one of them knows its id. Then how many there are: some may not be known, nor be new."""
        try:
            found = await read_in_tenant(tenant, _unseen, people)
        except Exception as error:
            log.warning("notifications of tenant %s are not told again: %s: %s", tenant.id, type(error).__name__, error)
            return
        for person, (notices, many) in found.items():
            for told in (*map(encode, reversed(notices)), encode(SeenOut(unread=many))):
                self._local.tell(groups.person(tenant.id, person), told)

    def _run(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = self._local.loop.create_task(work, name="resync", context=apart())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


def _in_turn(due: dict[str, People]) -> Iterator[tuple[str, UUID, list[Session]]]:
    """One of each tenant, again and again: each is taken out."""
    while due := {group: people for group, people in due.items() if people}:
        for group, people in due.items():
            person = next(iter(people))
            yield group, person, people.pop(person)


def _unseen(people: list[UUID]) -> dict[UUID, tuple[list[Notice], int]]:
    return {
        person: (list(notices), many)
        for answer in unseen(recipients=people)
        for person, (notices, many) in zip(people, answer, strict=True)
    }
