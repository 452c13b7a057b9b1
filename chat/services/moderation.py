"""What is held up in a room, and what is complained about: pins and reports. Called outside of the tenant."""

import logging
from typing import Final
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from chat.access import Act, demand, room_for, room_to
from chat.models import Message, Report, Room
from chat.notifications import send_to_members
from chat.realtime.hub import Published
from chat.realtime.protocol.outgoing import Summary
from chat.selectors import summary_of
from chat.selectors.reports import ReportOut, report_of
from chat.services.lines import clean_line
from chat.services.rooms import lock_open_room, tell_change, thing_of, touch
from chat.services.system_lines import say
from saas.core.errors import Conflict, NotFound, RateLimited
from tenants.access import Do
from tenants.audit import Thing, record
from tenants.context import TenantRef, in_tenant
from tenants.tokens import Principal

log = logging.getLogger(__name__)

MOST_PINS: Final = 20
LONGEST_REASON: Final = 300


def pin(tenant: TenantRef, principal: Principal, *, room_id: UUID, message_id: UUID, on: bool) -> Summary:
    """Pin a message of a community or team room above all others, or take it down; twice is once.

    Raises NotFound for a room or message that is not there, ReadOnly or Forbidden by role, Conflict in a support room and above
    20 pins, RoomClosed in an archived room.
    """
    with in_tenant(tenant):
        access = room_to(Act.PIN, principal, room_id)
        if access.kind == Room.Kind.SUPPORT or access.notes_of:
            raise Conflict("In a support room nothing is pinned.")
        with transaction.atomic():
            room = lock_open_room(room_id)
            line = _pin(room, message_id, principal.name, on=on)
            if line:
                act, change = ("message.pinned", "after") if on else ("message.unpinned", "before")
                record(tenant, by=principal, act=act, on=thing_of(room), **{change: {"message": message_id}})
            told = summary_of(room_id, None)
        seen = summary_of(room_id, principal)
    if line:
        tell_change(tenant, told, line)
    return seen


def report_message(tenant: TenantRef, principal: Principal, *, room_id: UUID, message_id: UUID, reason: str) -> ReportOut:
    """Complain about a message of a room that one sees; once for each person and message, the first time counts.

    Raises NotFound, TooLong or BadFrame for the reason, Conflict for what cannot be reported: a system line, or one's own words.
    """
    reason = clean_line(reason, LONGEST_REASON, field="reason", optional=True)
    with in_tenant(tenant), transaction.atomic():
        room_for(principal, room_id)
        message = _message(room_id, message_id)
        if message.author_kind == "system" or message.author_id == principal.id:
            raise Conflict("Only what others said can be reported.", field="message")
        report, is_new = Report.objects.get_or_create(
            message=message,
            reporter_id=principal.id,
            defaults={
                "room_id": room_id,
                "reporter_kind": principal.kind,
                "reporter_name": principal.name,
                "reason": reason,
            },
        )
        made = report_of(report.id)
        if is_new:
            try:
                _tell_moderators(tenant, made)
            except RateLimited:  # it is stored, and stands in the list
                log.warning("nobody was told of report %s: too many notifications of tenant %s", made.id, tenant.id)
    return made


def settle_report(tenant: TenantRef, principal: Principal, *, report_id: UUID) -> ReportOut:
    """Close a report; who settled it first counts. Raises NotFound, and ReadOnly or Forbidden by role."""
    demand(Act.SETTLE, principal)
    with in_tenant(tenant), transaction.atomic():
        open_one = Report.objects.filter(id=report_id, settled_at=None)
        is_first = open_one.update(settled_at=timezone.now(), settled_by=principal.id)
        settled = report_of(report_id)
        if is_first:
            _write_down(tenant, principal, settled)
        return settled


def _write_down(tenant: TenantRef, principal: Principal, settled: ReportOut) -> None:
    """Which message it was about, by its number in its room: the log outlives what people wrote, so it repeats nothing of it."""
    on = Thing("report", settled.id, settled.message.by or "a message")
    about = {"room": settled.room["title"], "message": settled.message.seq}
    record(tenant, by=principal, act="report.settled", on=on, after=about)


def _tell_moderators(tenant: TenantRef, report: ReportOut) -> None:
    """The team hears of a message once, however many complain about it."""
    send_to_members(
        tenant,
        Do.MODERATE,
        category="moderation",
        kind="reported",
        title=f"{report.reporter['name']} reported a message",
        body=report.message.text[:300],
        url=f"/moderation/?room={report.room['id']}",
        room=UUID(report.room["id"]),
        key=f"report:{report.message.id}",
    )


def _pin(room: Room, message_id: UUID, name: str, *, on: bool) -> Published | None:
    pins = [str(found) for found in room.pinned]
    if on == (str(message_id) in pins):
        return None
    if on:
        _message(room.id, message_id)
        if len(pins) >= MOST_PINS:
            raise Conflict(f"{MOST_PINS} messages are pinned here; take one down first.")
    touch(room.id, pinned=[str(message_id), *pins] if on else [found for found in pins if found != str(message_id)])
    return say(room.id, f"{name} pinned a message" if on else f"{name} took a pinned message down")


def _message(room_id: UUID, message_id: UUID) -> Message:
    """A message of the room that says something still. Locked: who deletes it comes before, or finds what quotes it."""
    message = Message.objects.select_for_update(no_key=True).filter(id=message_id, room=room_id, deleted_at=None).first()
    if message is None:
        raise NotFound("There is no such message in this room.", field="message")
    return message
