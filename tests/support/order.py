"""Who sees a community room, and what is decided about those in it."""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from django.db import connection, connections, transaction

from chat.access import room_for
from chat.models import Participant, Room, Visitor
from chat.services.members import (
    MemberChange,
)
from saas.core.errors import AppError, NotFound
from tenants.context import TenantRef, in_tenant
from tenants.tokens import Principal
from tests.support.talk import visitor

SOON = timedelta(minutes=5)


# Who waits for a lock of this connection, or for one of those who wait.
WAITING = """
    WITH RECURSIVE behind (pid) AS (
        SELECT pg_backend_pid()
        UNION SELECT wanted.pid FROM behind JOIN pg_locks wanted ON NOT granted AND behind.pid = ANY(pg_blocking_pids(wanted.pid))
    )
    SELECT count(*) - 1 FROM behind
"""


def at_once(works: list[Callable[[], Any]]) -> list[Any]:
    """What each gives, or the refusal it ends in; all begin together."""
    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(_run, works))


def at_once_behind(lock: Callable[[], Any], works: list[Callable[[], Any]]) -> list[Any]:
    """The same, but none goes on before all of them wait for what `lock` has locked."""
    with ThreadPoolExecutor(len(works)) as pool:
        with transaction.atomic():
            lock()
            running = [pool.submit(_run, work) for work in works]
            until(lambda: waiting() == len(works), f"not all {len(works)} wait")
        return [one.result() for one in running]


def _run(work: Callable[[], Any]) -> Any:
    try:
        return work()
    except AppError as error:
        return error
    finally:
        connections.close_all()


def waiting() -> int:
    """How many wait for what this connection holds, or for one of those who wait."""
    with connection.cursor() as cursor:
        cursor.execute(WAITING)
        return int(cursor.fetchone()[0])


def until_waiting(work: Future[Any]) -> None:
    """Until this work waits for what this connection holds, or is done."""
    until(lambda: work.done() or waiting() > 0, "the work neither waits nor ends")


def until(is_so: Callable[[], bool], otherwise: str, *, seconds: float = 8) -> None:
    """Until it is so; else the test fails with these words. (A statement waits ten seconds for a lock.)"""
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, otherwise
        time.sleep(0.01)


def sees(tenant: TenantRef, who: Principal, room_id: UUID) -> bool:
    with in_tenant(tenant):
        try:
            room_for(who, room_id)
        except NotFound:
            return False
        return True


def identified(tenant: TenantRef, who: Principal) -> Principal:
    with in_tenant(tenant):
        Visitor.objects.filter(id=who.id).update(external_id=uuid4().hex)
    return who


def moderator_of_invited(tenant: TenantRef, room_id: UUID) -> Principal:
    """A moderator of a room that nobody just enters."""
    who = visitor(tenant)
    with in_tenant(tenant):
        Participant.objects.create(room_id=room_id, kind="visitor", person_id=who.id, name=who.name, role="moderator")
        Room.objects.filter(id=room_id).update(people=1)
    return who


def decision(field: str, moment: datetime | None) -> MemberChange:
    """A mute or a ban until then; None ends it."""
    return MemberChange(muted_until=moment) if field == "muted_until" else MemberChange(banned_until=moment)
