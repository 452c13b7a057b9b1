"""Lists that may lack something: whoever has them open is told to read them again.

A room that was opened, or a notification, is told once, to those who have not joined it. While the bus was away nobody heard of
it, and no number shows the hole. So when a line is back, when another process says that it could not be heard, and when this one
did not run for a while, each agent on it hears `resync`, and then the newest of their unseen notifications once more.
Visitors have no list that others change: theirs comes with the next welcome.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any, Final
from uuid import UUID

from chat.realtime import groups
from chat.realtime.local import Local
from chat.realtime.protocol.outgoing import Notice, Resync, encode
from chat.realtime.session import Session
from saas.core.logs import apart
from saas.core.registry import Hook
from tenants.context import TenantRef
from tenants.reading import read_in_tenant

log = logging.getLogger(__name__)

GATHER_SECONDS: Final = 1.0  # processes are back one after the other
SPREAD_SECONDS: Final = 1.0  # over which a few are told; each asks for some lists then
MOST_PER_SECOND: Final = 50  # more take longer
PAUSE_SECONDS: Final = 10.0  # before all are told again: a line may come and go
RESYNC: Final = encode(Resync())

unseen = Hook("unseen")  # recipients: [UUID] -> [([Notice], how many)], newest first, each in their order; inside the tenant


class Resyncs:
    """Those of one process. Lives in one event loop."""

    def __init__(self, local: Local) -> None:
        self._local = local
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
        while self._due:
            await asyncio.sleep(GATHER_SECONDS)
            due, self._due = self._due, set()
            await self._tell(due)
            await asyncio.sleep(PAUSE_SECONDS)

    async def _tell(self, due: set[str]) -> None:
        many = sum(len(self._agents(group)) for group in due)
        pause = max(SPREAD_SECONDS / max(many, 1), 1 / MOST_PER_SECOND)
        for group in due:
            for session in self._agents(group):
                session.send_text(RESYNC)
                await asyncio.sleep(pause)
            if local := self._local.tenants.get(group):
                self._run(self._tell_notices(local.tenant, list({one.principal.id for one in self._agents(group)})))

    def _agents(self, group: str) -> list[Session]:
        local = self._local.tenants.get(group)
        return list(local.hearing["agent"]) if local else []

    async def _tell_notices(self, tenant: TenantRef, people: list[UUID]) -> None:
        """The oldest first; who knows one of them knows its id."""
        try:
            found = await read_in_tenant(tenant, _unseen, people)
        except Exception as error:
            log.warning("notifications of tenant %s are not told again: %s: %s", tenant.id, type(error).__name__, error)
            return
        for person, notices in found.items():
            for notice in reversed(notices):
                self._local.tell(groups.person(tenant.id, person), encode(notice))

    def _run(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = self._local.loop.create_task(work, name="resync", context=apart())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


def _unseen(people: list[UUID]) -> dict[UUID, list[Notice]]:
    return {
        person: list(notices)
        for answer in unseen(recipients=people)
        for person, (notices, _many) in zip(people, answer, strict=True)
    }
