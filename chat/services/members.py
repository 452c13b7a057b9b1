"""Who is in a community room: entering and leaving, members and moderators, mutes and bans.

Every change is made under the room's lock, so that `people` is the number of places however many come and go at once, and so
that no message slips in between a ban and its effect.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec
from django.db import connection, transaction
from django.db.models import F

from chat.access import VISIBLE, Act, RoomAccess, demand, reader, room_for, room_to
from chat.models import Participant, Room, Visitor
from chat.realtime.changes import put_out
from chat.realtime.hub import Published, from_thread
from chat.realtime.protocol.outgoing import Summary
from chat.selectors import summary_of
from chat.selectors.members import Member, member_of
from chat.selectors.messages import JoinedSnapshot, snapshot
from chat.services.rooms import lock_room, tell_change, tell_person, touch
from chat.services.system_lines import say
from saas.core.clock import database_time
from saas.core.errors import Conflict, Forbidden, Muted, NotFound
from saas.core.ids import uuid7
from saas.core.seen import refuse_if_changed
from tenants.audit import Thing, record
from tenants.context import TenantRef, in_tenant
from tenants.tokens import Principal

MOMENTS: Final = ("muted_until", "banned_until")
ACTS_OF: Final = {
    "role": ("participant.appointed", "participant.dismissed"),
    "muted_until": ("participant.muted", "participant.unmuted"),
    "banned_until": ("participant.banned", "participant.unbanned"),
}  # what a change is called when it is made, and when it is taken back

# A place for one who sees the room and has none. The room's lock is taken first, as by everybody who changes its people.
ENTER: Final = f"""
    WITH room AS MATERIALIZED (SELECT * FROM chat_room WHERE id = %(room)s FOR NO KEY UPDATE), entered AS (
        INSERT INTO chat_participant (id, room_id, kind, person_id, name, read_seq, joined_at)
        SELECT %(id)s, room.id, 'visitor', %(me)s, %(name)s, 0, now() FROM room WHERE room.kind = 'community' AND {VISIBLE}
        ON CONFLICT (room_id, person_id) DO NOTHING
        RETURNING room_id
    )
    UPDATE chat_room SET people = people + 1, rev = rev + 1 WHERE id IN (SELECT room_id FROM entered)
"""  # noqa: S608  # put together from constants


@dataclass(frozen=True, slots=True)
class MemberChange:
    """What is to be changed about a member. UNSET stays as it is; a moment of None, or one that is over, ends it."""

    role: str | msgspec.UnsetType = msgspec.UNSET
    muted_until: datetime | msgspec.UnsetType | None = msgspec.UNSET
    banned_until: datetime | msgspec.UnsetType | None = msgspec.UNSET
    seen: str | None = None  # the mark of `restraints_of` as whoever decides saw it; None asks nothing
    takes_in: bool = True  # a visitor who is not in the room gets a place by it; if not, nothing is done to one who is not in

    @property
    def restrains(self) -> bool:
        """Whether it is about a mute or a ban."""
        return self.muted_until is not msgspec.UNSET or self.banned_until is not msgspec.UNSET


@dataclass(frozen=True, slots=True)
class ChangedMember:
    """A member after a change, and what is to be told of it."""

    visitor: Visitor
    room: Summary
    line: Published | None  # what the room itself hears


def joined_snapshot(
    principal: Principal, room_id: UUID, *, epoch: UUID | None = None, after: int | None = None
) -> JoinedSnapshot:
    """The room for one who joins it: with their first `join` a visitor becomes a member of a community room.

    Inside the tenant, outside of a transaction. Raises NotFound.
    """
    found = snapshot(principal, room_id, epoch=epoch, after=after)
    if needs_place(principal, found):
        enter(principal, room_id)
        found = snapshot(principal, room_id, epoch=epoch, after=after)
    return found


def needs_place(principal: Principal, found: JoinedSnapshot) -> bool:
    """Whether who joins becomes a member by it."""
    return principal.kind == "visitor" and found.summary.kind == Room.Kind.COMMUNITY and not found.is_member


def enter(principal: Principal, room_id: UUID) -> bool:
    """Make the visitor a member of a community room that they see; whether they were none. Inside the tenant."""
    with connection.cursor() as cursor:
        cursor.execute(ENTER, {**reader(principal), "room": room_id, "id": uuid7(), "name": principal.name})
        return bool(cursor.rowcount)


def enter_locked(principal: Principal, room_id: UUID) -> None:
    """A place for a visitor who has none, whatever the join rule. The caller holds the room's lock."""
    Participant.objects.create(room_id=room_id, kind="visitor", person_id=principal.id, name=principal.name)
    touch(room_id, people=F("people") + 1)


def leave_room(tenant: TenantRef, principal: Principal, *, room_id: UUID) -> None:
    """A visitor gives up their place, on all their sockets; without one nothing happens. Call it outside of the tenant.

    Raises NotFound, Conflict for a room that is no community, and Muted while they are: a mute does not end by going and coming.
    """
    with in_tenant(tenant):
        _community(room_for(principal, room_id))
        with transaction.atomic():
            lock_room(room_id)
            place = Participant.objects.filter(room=room_id, person_id=principal.id).first()
            wait = (place.muted_until - database_time()).total_seconds() if place and place.muted_until else 0.0
            if wait > 0:
                raise Muted("You can leave for good when your mute is over.", retry_after=wait)
            gone = _take_place(room_id, principal.id)
            told = summary_of(room_id, None)
    if gone:
        _tell_gone(tenant, told, principal.id)


def set_member(tenant: TenantRef, principal: Principal, *, room_id: UUID, person_id: UUID, change: MemberChange) -> Member:
    """Change a member of a community room, or make a visitor of its site one. Call it outside of the tenant.

    A ban ends the person's place in the room on every socket at once. Raises NotFound for a person or room that is not there,
    ReadOnly or Forbidden for what the asker may not do, Conflict for another kind of room and for one who is not in and is not to
    be taken in, ChangedSince for a mute or a ban that is not as it was seen, BadFrame for a wrong value.
    """
    with in_tenant(tenant):
        with transaction.atomic():
            changed = change_member(tenant, principal, room_id=room_id, person_id=person_id, change=change)
        member = member_of(room_id, person_id)
    tell_changed(tenant, changed)
    return member


def change_member(
    tenant: TenantRef, principal: Principal, *, room_id: UUID, person_id: UUID, change: MemberChange
) -> ChangedMember:
    """What `set_member` does, in the caller's transaction inside the tenant; after its commit comes `tell_changed`."""
    visitor = _visitor(_may_change(principal, room_id, change), person_id)
    room = lock_room(room_id)
    _refuse_equals(principal, room_id, person_id)
    there = Participant.objects.filter(room=room, person_id=visitor.id).first()
    if there is not None:  # what was seen of a place that is gone is in the way of nothing
        refuse_if_changed(change.seen, restraints_of(there))
    before = there or _new_place(tenant, room, visitor, principal, change)
    values = _news(before, change)
    Participant.objects.filter(id=before.id).update(**values)
    touch(room_id)
    _write_down(tenant, principal, room, before, values)
    line = _appointed(room, principal, before, values)
    return ChangedMember(visitor, summary_of(room_id, None), line)


def tell_changed(tenant: TenantRef, changed: ChangedMember) -> None:
    """After the commit, outside of the tenant: everybody hears of the room, and the member of what they may see of it now."""
    room, visitor = changed.room, changed.visitor
    with in_tenant(tenant):
        personal = _personal(tenant, room.id, visitor)
    tell_change(tenant, room, *([changed.line] if changed.line else []))
    if personal is None:
        from_thread(lambda hub: put_out(hub, tenant, room.id, visitor.id))
    else:
        tell_person(tenant, visitor.id, personal)


def restraints_of(place: Participant | None) -> dict[str, datetime | None]:
    """Until when somebody is muted and banned, as it is kept: what is over already is in it, too."""
    return {name: getattr(place, name, None) for name in MOMENTS}


def remove_member(tenant: TenantRef, principal: Principal, *, room_id: UUID, person_id: UUID, seen: str | None = None) -> None:
    """End a person's place in a community room, on every socket at once; without one nothing happens.

    They may come back if the room lets them: a ban keeps people out. Mutes and bans go with the place; `seen` is the mark of
    `restraints_of` as whoever decides saw it. Raises like `set_member`.
    """
    with in_tenant(tenant):
        _community(room_to(Act.RESTRAIN, principal, room_id))
        with transaction.atomic():
            room = lock_room(room_id)
            _refuse_equals(principal, room_id, person_id)
            place = Participant.objects.filter(room=room_id, person_id=person_id, kind="visitor").first()
            if place is not None:
                refuse_if_changed(seen, restraints_of(place))
            gone = _take_place(room_id, person_id)
            if place is not None:
                on = Thing("participant", person_id, place.name)
                record(tenant, by=principal, act="participant.removed", on=on, before={"room": room.title})
            told = summary_of(room_id, None)
    if gone:
        _tell_gone(tenant, told, person_id)


def _may_change(principal: Principal, room_id: UUID, change: MemberChange) -> RoomAccess:
    access = room_to(Act.RESTRAIN, principal, room_id)
    if change.role is not msgspec.UNSET:
        demand(Act.APPOINT, principal, moderates=access.may_moderate)
    return _community(access)


def _community(access: RoomAccess) -> RoomAccess:
    if access.kind != Room.Kind.COMMUNITY:
        raise Conflict("Only a community room has members.")
    return access


def _visitor(access: RoomAccess, person_id: UUID) -> Visitor:
    visitor = Visitor.objects.filter(id=person_id, site=access.site_id).first()
    if visitor is None:
        raise NotFound("There is no such person on this room's site.")
    return visitor


def _refuse_equals(principal: Principal, room_id: UUID, person_id: UUID) -> None:
    """A moderator has no power over moderators, themselves among them; the team has."""
    if principal.kind == "visitor":
        place = Participant.objects.filter(room=room_id, person_id=person_id).first()
        if place and place.role == Participant.Role.MODERATOR:
            raise Forbidden("Only the team may do this to a moderator.")


def _new_place(tenant: TenantRef, room: Room, visitor: Visitor, principal: Principal, change: MemberChange) -> Participant:
    """A place in the locked room for one who has none.

    Nobody comes into a room of invited people by a mute or a ban, which would end one day, nor by a moderator's word.
    """
    if not change.takes_in:
        raise Conflict(f"{visitor.name} is not in {room.title} any more.")
    if room.join_rule == Room.JoinRule.INVITED and (change.restrains or principal.kind == "visitor"):
        raise NotFound("They are not in this room.")
    touch(room.id, people=F("people") + 1)
    if not change.banned_until:  # else they are kept out from the first moment
        on = Thing("participant", visitor.id, visitor.name)
        record(tenant, by=principal, act="participant.joined", on=on, after={"room": room.title})
    return Participant.objects.create(room=room, kind="visitor", person_id=visitor.id, name=visitor.name)


def _take_place(room_id: UUID, person_id: UUID) -> bool:
    gone = Participant.objects.filter(room=room_id, person_id=person_id, kind="visitor").delete()[0]
    if gone:
        touch(room_id, people=F("people") - 1)
    return bool(gone)


def _news(before: Participant, change: MemberChange) -> dict[str, object]:
    values = {field: getattr(change, field) for field in ("role", *MOMENTS)}
    return {field: value for field, value in values.items() if value is not msgspec.UNSET and value != getattr(before, field)}


def _write_down(tenant: TenantRef, principal: Principal, room: Room, before: Participant, values: Mapping[str, object]) -> None:
    """Each change of a member is an act of its own in the audit log, which says in which room."""
    for field, value in values.items():
        was = {field: getattr(before, field)}
        on = Thing("participant", before.person_id, before.name)
        act = ACTS_OF[field][0 if value and value != Participant.Role.MEMBER else 1]
        record(tenant, by=principal, act=act, on=on, before=was, after={"room": room.title, field: value})


def _appointed(room: Room, principal: Principal, before: Participant, values: dict[str, object]) -> Published | None:
    """The room hears who keeps order in it. (An archived one hears nothing more.)"""
    if "role" not in values or room.closed_at:
        return None
    made = values["role"] == Participant.Role.MODERATOR
    return say(room.id, f"{principal.name} made {before.name} a moderator" if made else f"{before.name} is no moderator any more")


def _personal(tenant: TenantRef, room_id: UUID, visitor: Visitor) -> Summary | None:
    """The room as this visitor sees it now; None if they do not."""
    who = Principal(tenant.id, "visitor", visitor.id, visitor.name, None, visitor.site_id, None, "", 0.0)
    try:
        return summary_of(room_id, who)
    except NotFound:
        return None


def _tell_gone(tenant: TenantRef, room: Summary, person_id: UUID) -> None:
    from_thread(lambda hub: put_out(hub, tenant, room.id, person_id))
    tell_change(tenant, room)
