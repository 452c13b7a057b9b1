"""Who sees a community room, and what is decided about those in it."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from django.db import connections

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


def at_once(works: list[Callable[[], Any]]) -> list[Any]:
    """What each gives, or the refusal it ends in; all begin together."""

    def run(work: Callable[[], Any]) -> Any:
        try:
            return work()
        except AppError as error:
            return error
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run, works))


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
