"""Complaints about messages, as moderators see them. Inside the tenant, evaluated."""

from typing import Final
from uuid import UUID

import msgspec

from chat.models import Report
from chat.realtime.protocol.moments import stamp
from chat.selectors.pages import cursor_of, read_cursor
from saas.core.errors import BadFrame, NotFound

PAGE: Final = 50
STATUSES: Final = ("open", "settled", "all")


class Reported(msgspec.Struct, frozen=True):
    """The message that is complained about, as it is now; its text is empty when it was deleted."""

    id: UUID
    seq: int
    by: str
    by_id: UUID | None
    text: str
    deleted: bool


class ReportOut(msgspec.Struct, frozen=True, kw_only=True):
    """A complaint. Times are RFC 3339."""

    id: UUID
    room: dict[str, str]  # {"id", "title"}
    message: Reported
    reporter: dict[str, str]  # {"kind", "id", "name"}
    reason: str
    created_at: str
    settled_at: str | None
    settled_by: UUID | None


def reports(*, status: str = "open", cursor: str | None = None, limit: int = PAGE) -> tuple[list[ReportOut], str | None]:
    """The reports of all rooms, newest first, and the cursor of the next page or None.

    Raises BadFrame for an unknown status (field `status`) or a cursor that is not ours (field `cursor`).
    """
    if status not in STATUSES:
        raise BadFrame("A status is open, settled or all.", field="status")
    rows = Report.objects.select_related("message", "room").order_by("-created_at", "-id")
    if status != "all":
        rows = rows.filter(settled_at__isnull=status == "open")
    if cursor:
        moment, ident = read_cursor(cursor)
        rows = rows.filter(created_at__lte=moment).exclude(created_at=moment, id__gte=ident)
    found = list(rows[: limit + 1])
    last = found[limit - 1] if len(found) > limit else None
    return [_report(row) for row in found[:limit]], cursor_of(last.created_at, last.id) if last else None


def report_of(report_id: UUID) -> ReportOut:
    """One of them. Raises NotFound."""
    row = Report.objects.select_related("message", "room").filter(id=report_id).first()
    if row is None:
        raise NotFound("There is no such report.")
    return _report(row)


def _report(row: Report) -> ReportOut:
    message, gone = row.message, row.message.deleted_at is not None
    return ReportOut(
        id=row.id,
        room={"id": str(row.room_id), "title": row.room.title},
        message=Reported(
            id=message.id,
            seq=message.seq,
            by=message.author_name,
            by_id=message.author_id,
            text="" if gone else message.text,
            deleted=gone,
        ),
        reporter={"kind": row.reporter_kind, "id": str(row.reporter_id), "name": row.reporter_name},
        reason=row.reason,
        created_at=stamp(row.created_at),
        settled_at=stamp(row.settled_at) if row.settled_at else None,
        settled_by=row.settled_by,
    )
