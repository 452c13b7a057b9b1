"""Rooms as lists show them. Every function runs inside the tenant and comes back evaluated."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

import msgspec

from chat.access import VISIBLE, reader
from chat.realtime.protocol.codes import MAX_SUMMARIES
from chat.realtime.protocol.outgoing import Summary
from chat.selectors.pages import cursor_of, cursor_of_place, read_cursor, read_place
from chat.selectors.rows import (
    FROM_ROOMS,
    FROM_SHARED,
    OWN,
    SHARED,
    SUMMARY,
    SummaryRow,
    array,
    own_of,
    rows,
    rows_for_each,
    shared_by_agents,
    summary_for,
)
from saas.core.errors import BadFrame, NotFound
from tenants.tokens import Principal

STATUSES: Final = ("open", "resolved")
KINDS: Final = ("support", "community", "team")

NEWEST_FIRST: Final = f"""
    SELECT {SUMMARY} {FROM_ROOMS}
    WHERE {VISIBLE} AND room.notes_of_id IS NULL
      AND (%(reader)s = 'agent' OR room.kind = 'support' OR mine.id IS NOT NULL)
      AND (%(status)s::text IS NULL OR room.status = %(status)s)
      AND (%(kinds)s::text[] IS NULL OR room.kind = ANY(%(kinds)s::text[]))
      AND (%(rooms)s::uuid[] IS NULL OR room.id = ANY(%(rooms)s::uuid[]))
      AND (%(last_at)s::timestamptz IS NULL OR (room.last_at, room.id) < (%(last_at)s::timestamptz, %(last_id)s::uuid))
    ORDER BY room.last_minute DESC, room.last_at DESC, room.id DESC
    LIMIT %(limit)s
"""
# The same for visitors. It begins with the few rooms that can be theirs: whatever the tables hold, and were last counted to hold,
# no other room is looked at.
OF_VISITOR: Final = NEWEST_FIRST.replace(
    "room.notes_of_id IS NULL",
    """room.notes_of_id IS NULL AND room.id = ANY(ARRAY(
        SELECT own.id FROM chat_room own WHERE own.visitor_id = %(me)s
        UNION ALL SELECT place.room_id FROM chat_participant place WHERE place.person_id = %(me)s AND place.kind = 'visitor'
    ))""",
)
# The newest rooms for agents, of whom each sees all: read once for many.
OF_AGENTS: Final = f"""
    SELECT {SHARED}, {OWN} {FROM_SHARED} WHERE {VISIBLE} AND room.notes_of_id IS NULL
    ORDER BY room.last_minute DESC, room.last_at DESC, room.id DESC LIMIT %(limit)s
"""
EVERYTHING: Final = {"status": None, "kinds": None, "rooms": None, "last_at": None, "last_id": None}
COMMUNITY: Final = f"""
    SELECT {SUMMARY}, room.position {FROM_ROOMS}
    WHERE room.kind = 'community' AND room.site_id = %(site)s AND {VISIBLE} AND (room.closed_at IS NULL OR mine.id IS NOT NULL)
      AND (%(position)s::int IS NULL OR (room.position, room.id) > (%(position)s::int, %(last_id)s::uuid))
    ORDER BY room.position, room.id
    LIMIT %(limit)s
"""
ONE: Final = f"SELECT {SUMMARY} {FROM_ROOMS} WHERE room.id = %(room)s"


def summaries(
    principal: Principal,
    *,
    limit: int = MAX_SUMMARIES,
    cursor: str | None = None,
    status: str | None = None,
    kinds: Sequence[str] | None = None,
    room_ids: Sequence[UUID] | None = None,
) -> tuple[list[Summary], str | None]:
    """The rooms this person is in, newest first, and the cursor of the next page or None.

    An agent is in all of them, a visitor in their own and in the community rooms where they have a place.

    Raises BadFrame for a cursor that is not ours (field `cursor`) or an unknown status or kind (field `status`,
    `kind`).
    """
    if status is not None and status not in STATUSES:
        raise BadFrame("A status is open or resolved.", field="status")
    if unknown := set(kinds or ()) - set(KINDS):
        raise BadFrame(f"A kind is support, community or team, not {min(unknown)!r}.", field="kind")
    last_at, last_id = read_cursor(cursor) if cursor else (None, None)
    values = {
        **reader(principal),
        "status": status,
        "kinds": None if kinds is None else list(kinds),
        "rooms": None if room_ids is None else list(room_ids),
        "last_at": last_at,
        "last_id": last_id,
        "limit": limit + 1,
    }
    page, onward = _page(_rooms_of(principal.kind), values, limit)
    return [summary_for(row, principal.kind) for row in page], onward


def visitors_first(people: Sequence[Principal], *, limit: int = MAX_SUMMARIES) -> list[tuple[list[Summary], str | None]]:
    """`summaries` for each of these visitors, in one statement."""
    values = {**EVERYTHING, "reader": "visitor", "limit": limit + 1}
    found = rows_for_each(OF_VISITOR, {"me": "uuid", "site": "uuid"}, [reader(who) for who in people], values)
    pages = (_cut([SummaryRow(*row) for row in each], limit) for each in found)
    return [([summary_for(row, "visitor") for row in page], onward) for page, onward in pages]


def agents_first(people: Sequence[Principal], *, limit: int = MAX_SUMMARIES) -> list[tuple[msgspec.Raw, str | None]]:
    """`summaries` for each of these agents as JSON, in one statement: they see the same rooms, but for what is unread."""
    values = {"reader": "agent", "me": None, "site": None, "people": array(who.id for who in people), "limit": limit + 1}
    found = rows(OF_AGENTS, values)
    last = SummaryRow(*found[limit - 1][:-1]) if len(found) > limit else None
    onward = cursor_of(last.last_at, last.id) if last else None
    shared = [shared_by_agents(row[:-1]) for row in found[:limit]]
    owns = zip(*(msgspec.json.decode(row[-1]) for row in found[:limit]), strict=True) if found else ([] for _ in people)
    return [
        (msgspec.Raw(b"[%b]" % b",".join([line + own_of(*counts) for line, counts in zip(shared, own, strict=True)])), onward)
        for own in owns
    ]


def _rooms_of(kind: str) -> str:
    return OF_VISITOR if kind == "visitor" else NEWEST_FIRST


def community_rooms(
    visitor: Principal, *, limit: int = MAX_SUMMARIES, cursor: str | None = None
) -> tuple[list[tuple[Summary, bool]], str | None]:
    """The community rooms that a visitor may join, in the team's order, each with whether they are a member; archived ones only
    then.

    And the cursor of the next page or None. Raises BadFrame for a cursor that is not ours (field `cursor`).
    """
    position, last_id = read_place(cursor) if cursor else (None, None)
    found = rows(COMMUNITY, {**reader(visitor), "position": position, "last_id": last_id, "limit": limit + 1})
    page = [(SummaryRow(*columns), place) for *columns, place in found[:limit]]
    onward = cursor_of_place(page[-1][1], page[-1][0].id) if len(found) > limit else None
    return [(summary_for(row, visitor.kind), row.my_role is not None) for row, _ in page], onward


def summary_of(room_id: UUID, principal: Principal | None) -> Summary:
    """One room as this person sees it; with None as the hub tells it. Raises NotFound.

    With None nobody's access is checked, nothing is one reader's own, and it holds what is the team's: `Hub.tell_summary` takes
    that off for visitors.
    """
    if principal is None:
        found = rows(ONE, {"room": room_id, "me": None})
    else:
        found = rows(f"{ONE} AND {VISIBLE}", {"room": room_id, **reader(principal)})
    if not found:
        raise NotFound("There is no such room.")
    return summary_for(SummaryRow(*found[0]), principal.kind if principal else None)


def _page(statement: str, values: dict[str, Any], limit: int) -> tuple[list[SummaryRow], str | None]:
    """What the statement finds, of which one too many is asked for, and where it goes on."""
    return _cut([SummaryRow(*row) for row in rows(statement, values)], limit)


def _cut(found: list[SummaryRow], limit: int) -> tuple[list[SummaryRow], str | None]:
    found.sort(key=lambda row: (row.last_at, row.id), reverse=True)
    last = found[limit - 1] if len(found) > limit else None
    return found[:limit], cursor_of(last.last_at, last.id) if last else None
