"""The order in which a site's visitors find its community rooms. Called outside of the tenant."""

from enum import StrEnum
from typing import Final
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Max

from chat.access import Act, room_to
from chat.models import Room, Site
from saas.core.errors import BadFrame, Conflict, NotFound
from tenants.audit import Thing, record
from tenants.context import TenantRef, in_tenant
from tenants.tokens import Principal

# Rooms are locked in the order of their ids, as everybody locks several of them.
RENUMBER: Final = """
    WITH wanted AS (
        SELECT id, place::int FROM unnest(%(rooms)s::uuid[]) WITH ORDINALITY AS asked (id, place)
    ), held AS (
        SELECT room.id, wanted.place FROM chat_room room JOIN wanted USING (id)
        WHERE room.position <> wanted.place ORDER BY room.id FOR NO KEY UPDATE OF room
    )
    UPDATE chat_room room SET position = held.place FROM held WHERE room.id = held.id
"""


class Step(StrEnum):
    """Where a room goes from where it is."""

    FIRST = "first"
    UP = "up"
    DOWN = "down"
    LAST = "last"


def goal_of(text: str) -> Step | UUID:
    """Where a room is to go, as people and programs say it. Raises BadFrame, field `to`."""
    if text in set(Step):
        return Step(text)
    try:
        return UUID(text)
    except ValueError:
        raise BadFrame(f"A room goes {', '.join(Step)}, or to the place of a room by its id.", field="to") from None


def move_room(tenant: TenantRef, principal: Principal, *, room_id: UUID, to: Step | UUID) -> int:
    """Move a community room among those of its site that are open: a step, to an end, or to where another room stands.

    Its place from now on, counted from 1. A step beyond an end changes nothing. Raises NotFound for a room that is not there,
    also for the one whose place it should take, ReadOnly or Forbidden by role, and Conflict for a room that has no order.
    """
    with in_tenant(tenant):
        access = room_to(Act.ORDER, principal, room_id)
        if access.kind != Room.Kind.COMMUNITY or access.site_id is None:
            raise Conflict("Only community rooms have an order.")
        with transaction.atomic():
            hold_order(access.site_id)
            before = _in_order(access.site_id)
            after = _moved(before, room_id, to)
            if before != after:
                _write(tenant, principal, room_id, before, after)
            return after.index(room_id) + 1


def hold_order(site_id: UUID) -> None:
    """Nobody else changes the order of the site's rooms, or adds one to it, until the end of the transaction."""
    Site.objects.select_for_update(no_key=True).filter(id=site_id).values_list("id").first()


def last_place(site_id: UUID) -> int:
    """The place behind all of the site's rooms, for a new one. The caller holds the order."""
    found = Room.objects.filter(site=site_id, kind=Room.Kind.COMMUNITY).aggregate(last=Max("position"))["last"]
    return (found or 0) + 1


def _in_order(site_id: UUID) -> list[UUID]:
    rooms = Room.objects.filter(site=site_id, kind=Room.Kind.COMMUNITY, closed_at=None)
    return list(rooms.order_by("position", "id").values_list("id", flat=True))


def _moved(rooms: list[UUID], room_id: UUID, to: Step | UUID) -> list[UUID]:
    if room_id not in rooms:
        raise Conflict("An archived room has no place; open it again first.")
    place = _place(rooms.index(room_id), len(rooms), to) if isinstance(to, Step) else _place_of(rooms, to)
    others = [one for one in rooms if one != room_id]
    return [*others[:place], room_id, *others[place:]]


def _place(now: int, count: int, to: Step) -> int:
    places = {Step.FIRST: 0, Step.UP: max(now - 1, 0), Step.DOWN: now + 1, Step.LAST: count - 1}
    return places[to]


def _place_of(rooms: list[UUID], other: UUID) -> int:
    if other not in rooms:
        raise NotFound("There is no such room among those of the site.", field="to")
    return rooms.index(other)


def _write(tenant: TenantRef, principal: Principal, room_id: UUID, before: list[UUID], after: list[UUID]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(RENUMBER, {"rooms": after})
    title = Room.objects.values_list("title", flat=True).get(id=room_id)
    places = {"place": before.index(room_id) + 1}, {"place": after.index(room_id) + 1}
    record(tenant, by=principal, act="room.moved", on=Thing("room", room_id, title), before=places[0], after=places[1])
