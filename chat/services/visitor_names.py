"""A support room bears its visitor's name. One whom the site's backend names anew is called so in all their rooms."""

from uuid import UUID

from django.db import transaction
from django.db.models import Q

from chat.models import Participant, Room
from chat.realtime.protocol.outgoing import Summary
from chat.selectors import summary_of
from chat.services.rooms import tell_change, touch
from tenants.context import TenantRef, in_tenant


def spread_name(tenant: TenantRef, visitor_id: UUID, name: str) -> None:
    """Call the visitor so in their rooms, and tell the team; where they are called so already, nothing happens.

    Call it outside of the tenant, and after the commit of what named them: it takes the locks of their rooms.
    """
    with in_tenant(tenant), transaction.atomic():
        changed = _rename(visitor_id, name)
    for summary in changed:
        tell_change(tenant, summary)


def _rename(visitor_id: UUID, name: str) -> list[Summary]:
    """The new summaries. Whoever spoke last in a room and was called as it was is the visitor, and still is."""
    own = Q(visitor_id=visitor_id) | Q(notes_of__visitor_id=visitor_id)
    rooms = list(Room.objects.select_for_update(no_key=True, of=("self",)).filter(own).exclude(title=name).order_by("id"))
    for room in rooms:
        touch(room.id, title=name, last_by=name if room.last_by == room.title else room.last_by)
    Participant.objects.filter(room__in=rooms, kind="visitor", person_id=visitor_id).update(name=name)
    return [summary_of(room.id, None) for room in rooms]
