"""What becomes of a room as a whole. Every function is called outside of the tenant and publishes after its commit."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from billing.access import Act as Deed
from billing.standing import refuse
from chat.access import Act, RoomAccess, demand, room_for, room_to
from chat.models import Room, Site
from chat.realtime import groups
from chat.realtime.changes import put_out, room_changed
from chat.realtime.hub import Published, from_thread
from chat.realtime.protocol.outgoing import RoomOut, Summary
from chat.selectors import summary_of
from chat.services.lines import clean_line
from chat.services.order import hold_order, last_place
from chat.services.system_lines import say
from saas.core.errors import BadFrame, Conflict, Forbidden, NotFound, ReadOnly, RoomClosed
from saas.core.seen import refuse_if_changed
from tenants.audit import Thing, record
from tenants.context import TenantRef, in_tenant
from tenants.tokens import Principal

LONGEST_TITLE: Final = 120
SLOWEST: Final = 3_600  # seconds between two messages of one member
SAID: Final = {Room.Status.RESOLVED: "{name} resolved this", Room.Status.OPEN: "{name} reopened this"}
RULE_SAID: Final = {
    Room.JoinRule.OPEN: "Everyone may join now",
    Room.JoinRule.IDENTIFIED: "Only people who are signed in may join now",
    Room.JoinRule.INVITED: "Only people who are invited may join now",
}


@dataclass(frozen=True, slots=True)
class RoomChange:
    """What is to be changed about a room; None stays as it is."""

    title: str | None = None
    join_rule: str | None = None
    slow_seconds: int | None = None
    locked: bool | None = None

    @property
    def is_structural(self) -> bool:
        """Whether it says what the room is, and not only how loud it is."""
        return self.title is not None or self.join_rule is not None


def set_status(tenant: TenantRef, principal: Principal, *, room_id: UUID, status: Room.Status) -> Summary:
    """Resolve or reopen a support room; doing it twice changes nothing.

    The change takes a system line, which everyone in the room gets after the commit. Raises NotFound, Forbidden for a visitor,
    ReadOnly for a role that may not answer, Conflict for a room that is not a support room.
    """
    with in_tenant(tenant):
        stored = _change_status(principal, room_id, status)
        seen = summary_of(room_id, principal)
    if stored:
        from_thread(lambda hub: hub.published(tenant, [stored]))
    return seen


def create_room(
    tenant: TenantRef,
    principal: Principal,
    *,
    kind: str,
    title: str,
    site_id: UUID | None = None,
    join_rule: str = Room.JoinRule.OPEN,
    slow_seconds: int = 0,
) -> Summary:
    """Make a community room of a site (its first, if none is named) or a team room of the agents.

    Raises ReadOnly or Forbidden by role, PlanLimit while the tenant is restricted, NotFound for an unknown site, and what is
    wrong with a value, with its field.
    """
    demand(Act.CREATE, principal)
    refuse(tenant.id, Deed.OPEN_ROOM)
    title = clean_line(title, LONGEST_TITLE, field="title")
    if kind == Room.Kind.TEAM and (site_id or join_rule != Room.JoinRule.OPEN or slow_seconds):
        raise BadFrame("A team room is for all agents: it has no site, no join rule and no slow mode.", field="kind")
    with in_tenant(tenant), transaction.atomic():
        slow = _slow(slow_seconds)
        values = {"kind": kind, "title": title, "join_rule": join_rule, "slow_seconds": slow}
        room = Room.objects.create(**values, **(_at_the_end(_site(site_id)) if kind == Room.Kind.COMMUNITY else {}))
        line = say(room.id, f"{principal.name} opened this room")
        record(tenant, by=principal, act="room.created", on=thing_of(room), after=values)
        made = summary_of(room.id, None)
        seen = summary_of(room.id, principal)
    tell_change(tenant, made, line)
    return seen


def change_room(
    tenant: TenantRef, principal: Principal, *, room_id: UUID, change: RoomChange, seen: str | None = None
) -> Summary:
    """Change a community or team room; what is already so is left alone. Each change takes a system line.

    With another join rule, whoever may not stay is out at once. `seen` is the mark of `values_of` of what the change names, as it
    was shown. Raises NotFound, ReadOnly or Forbidden by role, Conflict for what this kind of room does not have, ChangedSince,
    RoomClosed for an archived one, and what is wrong with a value, with its field.
    """
    values = _values(change)
    with in_tenant(tenant):
        access = room_to(Act.CHANGE if change.is_structural else Act.CALM, principal, room_id)
        _refuse_kind(access, community_only=bool(values.keys() - {"title"}))
        with transaction.atomic():
            room = lock_open_room(room_id)
            refuse_if_changed(seen, {field: now for field, now in values_of(room).items() if field in values})
            lines = _change(room, values, principal.name)
            if lines:
                was = values_of(room)
                record(tenant, by=principal, act="room.changed", on=thing_of(room), before=was, after=was | values)
            told = summary_of(room_id, None)
        found = summary_of(room_id, principal)
    if lines:
        tell_change(tenant, told, *lines)
    if lines and "join_rule" in values:
        from_thread(lambda hub: put_out(hub, tenant, room_id))
    return found


def archive_room(tenant: TenantRef, principal: Principal, *, room_id: UUID, archived: bool) -> Summary:
    """Close a community or team room for new messages, or open it again; doing it twice changes nothing. Raises as above."""
    with in_tenant(tenant):
        _refuse_kind(room_to(Act.ARCHIVE, principal, room_id))
        with transaction.atomic():
            room = lock_room(room_id)
            line = _archive(room, principal.name, archived=archived)
            if line:
                record(tenant, by=principal, act="room.archived" if archived else "room.reopened", on=thing_of(room))
            told = summary_of(room_id, None)
        seen = summary_of(room_id, principal)
    if line:
        tell_change(tenant, told, line)
    return seen


def values_of(room: Room) -> dict[str, Any]:
    """What can be changed about a room, as it is."""
    return {"title": room.title, "join_rule": room.join_rule, "slow_seconds": room.slow_seconds, "locked": bool(room.locked_at)}


def thing_of(room: Room) -> Thing:
    """The room as the audit log names it."""
    return Thing("room", room.id, room.title)


def lock_room(room_id: UUID) -> Room:
    """The room's row, held until the end of the transaction: nobody appends to it, changes it or enters it meanwhile.

    Every service that also touches the room's people or invitations takes this lock first.
    """
    room = Room.objects.select_for_update(no_key=True).filter(id=room_id).first()
    if room is None:
        raise NotFound("There is no such room.")
    return room


def lock_open_room(room_id: UUID) -> Room:
    """The same for a room that may still be changed. Raises RoomClosed for an archived one."""
    room = lock_room(room_id)
    if room.closed_at:
        raise RoomClosed("This room is archived; open it again first.")
    return room


def touch(room_id: UUID, **values: Any) -> None:
    """Change the locked room's row; its summary becomes a newer one."""
    Room.objects.filter(id=room_id).update(rev=F("rev") + 1, **values)


def tell_change(tenant: TenantRef, room: Summary, *lines: Published) -> None:
    """After the commit: the lines to the room, the new summary to all who may see it."""
    from_thread(lambda hub: room_changed(hub, tenant, room, lines))


def tell_person(tenant: TenantRef, person_id: UUID, room: Summary) -> None:
    """After the commit: a summary that was made for one person, to their sockets."""
    from_thread(lambda hub: hub.tell(groups.person(tenant.id, person_id), RoomOut(room=room.id, summary=room)))


def _change_status(principal: Principal, room_id: UUID, status: Room.Status) -> Published | None:
    """The stored system line, or None if the room had this status already."""
    access = room_for(principal, room_id)
    if principal.kind != "agent":
        raise Forbidden("Only the team resolves and reopens.")
    if not access.may_write:
        raise ReadOnly("Your role may read here, but not answer or resolve.")
    if access.kind != Room.Kind.SUPPORT:
        raise Conflict("Only a room with a visitor is resolved.")
    with transaction.atomic():
        room = Room.objects.select_for_update(no_key=True).only("status").get(id=room_id)
        if room.status == status:
            return None
        Room.objects.filter(id=room_id).update(status=status)
        return say(room_id, SAID[status].format(name=principal.name))


def _change(room: Room, values: dict[str, Any], name: str) -> list[Published]:
    """Store the values that are new; the lines that say so."""
    now = values_of(room)
    news = {field: value for field, value in values.items() if now[field] != value}
    lines = []
    for field, value in news.items():
        stored = {"locked_at": timezone.now() if value else None} if field == "locked" else {field: value}
        touch(room.id, **stored)
        lines.append(say(room.id, _LINES[field](name, value)))
    return lines


def _archive(room: Room, name: str, *, archived: bool) -> Published | None:
    """The line stands in the room that still takes messages, or takes them again."""
    if archived == bool(room.closed_at):
        return None
    if not archived:
        touch(room.id, closed_at=None)
    line = say(room.id, f"{name} archived this room" if archived else f"{name} opened this room again")
    if archived:
        touch(room.id, closed_at=timezone.now())
    return line


def _values(change: RoomChange) -> dict[str, Any]:
    """What is asked for, checked."""
    cleaned: dict[str, Any] = {
        "title": change.title if change.title is None else clean_line(change.title, LONGEST_TITLE, field="title"),
        "join_rule": change.join_rule,
        "slow_seconds": change.slow_seconds if change.slow_seconds is None else _slow(change.slow_seconds),
        "locked": change.locked,
    }
    return {field: value for field, value in cleaned.items() if value is not None}


def _refuse_kind(access: RoomAccess, *, community_only: bool = False) -> None:
    if access.kind == Room.Kind.SUPPORT or access.notes_of:
        raise Conflict("A support room and its notes cannot be changed so.")
    if community_only and access.kind != Room.Kind.COMMUNITY:
        raise Conflict("Only a community room has this.")


def _slow(seconds: int) -> int:
    if not 0 <= seconds <= SLOWEST:
        raise BadFrame(f"Slow mode is 0 to {SLOWEST} seconds.", field="slow_seconds")
    return seconds


def _site(site_id: UUID | None) -> UUID:
    found: UUID | None = (
        (Site.objects.filter(id=site_id) if site_id else Site.objects.order_by("created_at")).values_list("id", flat=True).first()
    )
    if found is None:
        raise NotFound("There is no such site.", field="site")
    return found


def _at_the_end(site_id: UUID) -> dict[str, Any]:
    """A new room stands behind the others of its site, until somebody moves it."""
    hold_order(site_id)
    return {"site_id": site_id, "position": last_place(site_id)}


def _slow_line(_name: str, seconds: int) -> str:
    return f"Slow mode: one message in {seconds} second{'' if seconds == 1 else 's'}" if seconds else "Slow mode is off"


_LINES: Final[dict[str, Callable[[str, Any], str]]] = {
    "title": lambda name, title: f"{name} renamed this room to {title}",
    "join_rule": lambda _name, rule: RULE_SAID[rule],
    "slow_seconds": _slow_line,
    "locked": lambda name, on: f"{name} locked this room: only moderators write" if on else f"{name} unlocked this room",
}
