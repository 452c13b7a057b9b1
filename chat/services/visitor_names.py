"""A support room bears its visitor's name. One whom the site's backend names anew is called so in all their rooms."""

import logging
from uuid import UUID

from django.db import DatabaseError, transaction

from chat.models import Participant, Room
from chat.realtime.protocol.outgoing import Summary
from chat.selectors import summary_of
from chat.services.rooms import tell_change, touch
from tenants.context import TenantRef, in_tenant

log = logging.getLogger(__name__)


def spread_name(tenant: TenantRef, visitor_id: UUID, name: str) -> None:
    """Call the visitor so in their rooms, and tell the team; where they are called so already, one short look is all.

    Call it outside of the tenant, and after the commit of what named them: it takes the locks of their rooms. Where the database
    fails it, that is logged and left to the next session: nobody is kept out because of what a room is called.
    """
    try:
        changed = _renamed(tenant, visitor_id, name)
    except DatabaseError:
        log.exception("the rooms of visitor %s of tenant %s keep their old name", visitor_id, tenant.id)
        return
    for summary in changed:
        tell_change(tenant, summary)


def _renamed(tenant: TenantRef, visitor_id: UUID, name: str) -> list[Summary]:
    """The new summaries of what was called otherwise: their rooms, and the notes of those."""
    with in_tenant(tenant):
        found = list(Room.objects.filter(visitor_id=visitor_id).exclude(title=name).values_list("id", flat=True))
        if not found:
            return []
        notes = Room.objects.filter(notes_of_id__in=found).values_list("id", flat=True)
        with transaction.atomic():
            return _rename([*found, *notes], visitor_id, name)


def _rename(ids: list[UUID], visitor_id: UUID, name: str) -> list[Summary]:
    """The new summaries. Whoever spoke last in a room and was called as it was is the visitor, and still is."""
    rooms = list(Room.objects.select_for_update(no_key=True).filter(id__in=ids).exclude(title=name).order_by("id"))
    for room in rooms:
        touch(room.id, title=name, last_by=name if room.last_by == room.title else room.last_by)
    Participant.objects.filter(room__in=rooms, kind="visitor", person_id=visitor_id).update(name=name)
    return [summary_of(room.id, None) for room in rooms]
