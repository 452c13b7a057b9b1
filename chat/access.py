"""Who may see a room, write in it and keep order there. The one door: services and selectors ask here, or put `VISIBLE` into
their statement.

An agent sees every room of the tenant. A visitor sees their own support rooms, and of the community rooms of their site those
that they may join: an open one, an identified one once the site has signed them in, an invited one once they are a member; none
from which they are banned. Whatever one may not see does not exist for them.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from django.db import connection

from saas.core.errors import Forbidden, NotFound, ReadOnly
from tenants.access import Do, may
from tenants.tokens import Principal

# Whether a visitor may be in the community room `room`. A member's place decides, unless the rule asks for more.
_WELCOME: Final = """coalesce(
    (SELECT CASE WHEN place.banned_until > now() THEN false WHEN room.join_rule <> 'identified' THEN true END
     FROM chat_participant place WHERE place.room_id = room.id AND place.person_id = {who}),
    room.join_rule = 'open' OR (room.join_rule = 'identified' AND EXISTS (
        SELECT FROM chat_visitor me WHERE me.id = {who} AND me.external_id IS NOT NULL
    ))
)"""

# The condition on `room` under which `reader(principal)` sees it. The branches that cannot hold are folded away by the planner;
# what a community room asks of its visitor costs a support room nothing.
VISIBLE: Final = f"""(
    %(reader)s = 'agent'
    OR (room.kind = 'support' AND room.visitor_id = %(me)s)
    OR (room.kind = 'community' AND room.site_id = %(site)s AND {_WELCOME.format(who="%(me)s")})
)"""

STAYING: Final = f"""
    SELECT someone.id FROM chat_room room, unnest(%(people)s::uuid[]) AS someone (id)
    WHERE room.id = %(room)s AND room.kind = 'community' AND {_WELCOME.format(who="someone.id")}
"""  # noqa: S608  # put together from constants

# Of these people in these rooms, those whose place is gone: it was taken, or does not let them stay.
LOST: Final = f"""
    SELECT asked.room_id, asked.person_id FROM unnest(%(rooms)s::uuid[], %(people)s::uuid[]) AS asked (room_id, person_id)
    JOIN chat_room room ON room.id = asked.room_id AND room.kind = 'community'
    LEFT JOIN chat_participant place ON place.room_id = room.id AND place.person_id = asked.person_id
    WHERE place.id IS NULL OR NOT {_WELCOME.format(who="asked.person_id")}
"""  # noqa: S608  # put together from constants

ROOM: Final = """
    SELECT room.kind, room.epoch, room.site_id, room.visitor_id, room.notes_of_id, mine.role FROM chat_room room
    LEFT JOIN chat_participant mine ON mine.room_id = room.id AND mine.person_id = %(me)s
    WHERE room.id = %(room)s AND
"""


class Act(StrEnum):
    """Something that is done to a room as a whole, or to somebody in it."""

    CREATE = "create"
    CHANGE = "change"  # its title, who may join
    ARCHIVE = "archive"
    DELETE = "delete"  # for good, with all that was said
    ORDER = "order"  # its place among its site's rooms
    APPOINT = "appoint"  # moderators
    INVITE = "invite"
    SETTLE = "settle"  # see reports and close them
    CALM = "calm"  # lock, slow mode
    PIN = "pin"
    RESTRAIN = "restrain"  # mute, ban, remove, and take it back


# What an agent's role must allow, and whether a visitor who moderates the room may do it, too.
ACTS: Final[dict[Act, tuple[Do, bool]]] = {
    Act.CREATE: (Do.MANAGE_ROOMS, False),
    Act.CHANGE: (Do.MANAGE_ROOMS, False),
    Act.ARCHIVE: (Do.MANAGE_ROOMS, False),
    Act.DELETE: (Do.MANAGE_ROOMS, False),
    Act.ORDER: (Do.MANAGE_ROOMS, False),
    Act.APPOINT: (Do.MANAGE_ROOMS, False),
    Act.INVITE: (Do.MODERATE, False),
    Act.SETTLE: (Do.MODERATE, False),
    Act.CALM: (Do.MODERATE, True),
    Act.PIN: (Do.MODERATE, True),
    Act.RESTRAIN: (Do.MODERATE, True),
}


@dataclass(frozen=True, slots=True)
class RoomAccess:
    """What one person may do in one room."""

    room_id: UUID
    kind: str  # support, community, team
    epoch: UUID
    may_write: bool  # by their role; whether the room still takes messages is decided under its lock
    site_id: UUID | None
    visitor_id: UUID | None  # whose support room it is
    may_moderate: bool = False  # a community or team room: agents who answer, and in a community the visitors appointed
    notes_of: UUID | None = None  # the support room whose notes these are


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
    kind, epoch, site_id, visitor_id, notes_of, role = row
    return RoomAccess(
        room_id,
        kind,
        epoch,
        may_write(principal),
        site_id,
        visitor_id,
        may_moderate=_moderates(principal, kind, role) and notes_of is None,
        notes_of=notes_of,
    )


def who_may_stay(room_id: UUID, visitors: Sequence[UUID]) -> set[UUID]:
    """Those of its visitors who may still be in a community room. Inside the tenant."""
    with connection.cursor() as cursor:
        cursor.execute(STAYING, {"room": room_id, "people": list(visitors)})
        return {row[0] for row in cursor.fetchall()}


def lost_places(seats: Collection[tuple[UUID, UUID]]) -> set[tuple[UUID, UUID]]:
    """Of these rooms and visitors in them, those who may not be there any more, in community rooms. Inside the tenant."""
    if not seats:
        return set()
    with connection.cursor() as cursor:
        cursor.execute(LOST, {"rooms": [room for room, _ in seats], "people": [who for _, who in seats]})
        return {(room, who) for room, who in cursor.fetchall()}


def room_to(act: Act, principal: Principal, room_id: UUID) -> RoomAccess:
    """The same for a room to which they want to do this. Raises NotFound, and what `demand` raises."""
    access = room_for(principal, room_id)
    demand(act, principal, moderates=access.may_moderate)
    return access


def demand(act: Act, principal: Principal, *, moderates: bool = False) -> None:
    """Raise Forbidden unless they may do this; ReadOnly for an agent who may only read. `moderates`: in the room in question."""
    needed, moderators_too = ACTS[act]
    if principal.kind == "visitor":
        if not (moderators_too and moderates):
            raise Forbidden("Only those who moderate this room may do this.")
    elif not may_write(principal):
        raise ReadOnly("Your role may read here, but not change anything.")
    elif not may(principal.role, needed):
        raise Forbidden("Your role may not do this.")


def _moderates(principal: Principal, kind: str, role: str | None) -> bool:
    if kind == "support":
        return False
    return may(principal.role, Do.MODERATE) if principal.kind == "agent" else role == "moderator"
