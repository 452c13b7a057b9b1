"""What one recipient must hear of: stored first, then pushed to their open sockets; what was missed comes with `welcome`."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.utils import timezone

from chat.models import Notification
from chat.realtime.protocol.codes import MAX_NOTICES, MAX_UNREAD
from chat.realtime.protocol.outgoing import Notice, stamp


@dataclass(frozen=True, slots=True)
class Addressed:
    """A stored notification and whose it is."""

    recipient_id: UUID
    notice: Notice


def store(
    recipients: Sequence[UUID], *, kind: str, title: str, body: str, url: str, room_id: UUID | None = None
) -> list[Addressed]:
    """Store one notification for each recipient, in one statement, inside the tenant. Push them after the commit."""
    made = Notification.objects.bulk_create(
        Notification(recipient_id=who, kind=kind, title=title[:120], body=body[:300], url=url, room_id=room_id)
        for who in recipients
    )
    return [Addressed(row.recipient_id, _notice(row)) for row in made]


def unseen(recipient_id: UUID) -> tuple[list[Notice], int]:
    """The newest unseen notifications and how many there are, counted to 99. Inside the tenant."""
    rows = Notification.objects.filter(recipient_id=recipient_id, seen_at=None).order_by("-created_at")
    newest = [_notice(row) for row in rows[:MAX_NOTICES]]
    return newest, len(newest) if len(newest) < MAX_NOTICES else rows[:MAX_UNREAD].count()


def mark_seen(recipient_id: UUID, notification_id: UUID | None) -> None:
    """One notification of the recipient, or all of them. What is not theirs is left alone. Inside the tenant."""
    rows = Notification.objects.filter(recipient_id=recipient_id, seen_at=None)
    (rows.filter(id=notification_id) if notification_id else rows).update(seen_at=timezone.now())


def _notice(row: Notification) -> Notice:
    return Notice(
        id=row.id,
        kind=row.kind,
        title=row.title,
        body=row.body,
        url=row.url,
        ts=stamp(row.created_at),
        room=row.room_id,
        actions=row.actions,
    )
