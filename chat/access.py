"""Who may see a room and write in it. The one door: services and selectors ask here, or put `VISIBLE` into their statement.

An agent sees every room of the tenant. A visitor sees their own support rooms and the community rooms of their site. Whatever
one may not see does not exist for them.
"""

from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.db import connection

from saas.core.errors import NotFound
from tenants.access import Do, may
from tenants.tokens import Principal

# The condition on `room` under which `reader(principal)` sees it. The branches that cannot hold are folded away by the planner.
VISIBLE: Final = """(
    %(reader)s = 'agent'
    OR (room.kind = 'support' AND room.visitor_id = %(me)s)
    OR (room.kind = 'community' AND room.site_id = %(site)s)
)"""

ROOM: Final = "SELECT room.kind, room.epoch, room.site_id, room.visitor_id FROM chat_room room WHERE room.id = %(room)s AND"


@dataclass(frozen=True, slots=True)
class RoomAccess:
    """What one person may do in one room."""

    room_id: UUID
    kind: str  # support, community, team
    epoch: UUID
    may_write: bool  # by their role; whether the room still takes messages is decided under its lock
    site_id: UUID | None
    visitor_id: UUID | None  # whose support room it is


def reader(principal: Principal) -> dict[str, Any]:
    """The parameters of `VISIBLE`: `reader`, `me` and `site`."""
    return {"reader": principal.kind, "me": principal.id, "site": principal.site_id}


def may_write(principal: Principal) -> bool:
    """True for visitors, and for agents whose role lets them answer."""
    return principal.kind == "visitor" or may(principal.role, Do.ANSWER)


def room_for(principal: Principal, room_id: UUID) -> RoomAccess:
    """What this person may do in the room. Inside the tenant. Raises NotFound for a room they may not see."""
    with connection.cursor() as cursor:
        cursor.execute(f"{ROOM} {VISIBLE}", {**reader(principal), "room": room_id})
        row = cursor.fetchone()
    if row is None:
        raise NotFound("There is no such room.")
    kind, epoch, site_id, visitor_id = row
    return RoomAccess(room_id, kind, epoch, may_write(principal), site_id, visitor_id)
