"""What somebody was told, what they have seen of it, and what they want to hear of. Inside the tenant."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from django.db.models import Q
from django.utils import timezone

from chat.models import Notification, NotificationSetting
from chat.notifications.categories import CATEGORIES
from chat.notifications.storing import Sent
from chat.realtime.protocol.codes import MAX_NOTICES, MAX_UNREAD
from chat.realtime.protocol.moments import stamp
from chat.realtime.protocol.outgoing import Notice
from chat.selectors.pages import cursor_of, read_cursor
from chat.selectors.rows import json_column, rows_for_each
from saas.core.errors import BadFrame, NotFound

PAGE: Final = 50  # notifications in one answer over HTTP
COLUMNS: Final = ("id", "kind", "title", "body", "url", "created_at", "room_id", "actions")
CREATED: Final = COLUMNS.index("created_at")
UNSEEN: Final = f"""
    SELECT {", ".join(COLUMNS)} FROM chat_notification WHERE recipient_id = %(me)s AND seen_at IS NULL
    ORDER BY created_at DESC, id DESC LIMIT {MAX_NOTICES}
"""  # noqa: S608  # put together from constants
COUNT: Final = f"""
    SELECT count(*) FROM (
        SELECT FROM chat_notification WHERE recipient_id = %(me)s AND seen_at IS NULL LIMIT {MAX_UNREAD}
    ) counted
"""  # noqa: S608
KEPT: Final = timedelta(days=90)  # how long one that was seen is kept


@dataclass(frozen=True, slots=True)
class Told:
    """A notification in its recipient's list."""

    notice: Notice
    category: str
    seen_at: str | None


def unseen_of(recipients: Sequence[UUID]) -> list[tuple[list[Notice], int]]:
    """The newest unseen notifications of each of these and how many there are, counted to 99. In two statements at most."""
    found = rows_for_each(UNSEEN, {"me": "uuid"}, [{"me": who} for who in recipients], {})
    counts = _counts([who for who, rows in zip(recipients, found, strict=True) if len(rows) == MAX_NOTICES])
    return [(_newest(rows), counts.get(who, len(rows))) for who, rows in zip(recipients, found, strict=True)]


def _newest(found: Sequence[tuple[Any, ...]]) -> list[Notice]:
    newest = sorted(found, key=lambda row: (row[CREATED], row[0]), reverse=True)
    return [_notice(Notification(**dict(zip(COLUMNS, row, strict=True)))) for row in newest]


def _counts(recipients: Sequence[UUID]) -> dict[UUID, int]:
    if not recipients:
        return {}
    found = rows_for_each(COUNT, {"me": "uuid"}, [{"me": who} for who in recipients], {})
    return {who: many for who, ((many,),) in zip(recipients, found, strict=True)}


def unread(recipient_id: UUID) -> int:
    """How many are unseen, counted to 99."""
    return len(_unseen(recipient_id).values_list("id")[:MAX_UNREAD])


def told(
    recipient_id: UUID, cursor: str | None, *, category: str | None = None, only_unseen: bool = False, limit: int = PAGE
) -> tuple[list[Told], str | None]:
    """The notifications of somebody, newest first, and the cursor of the next page or None.

    Raises BadFrame for a cursor that is not ours and for a category that does not exist, each with its field.
    """
    mine = Notification.objects.filter(recipient_id=recipient_id).order_by("-created_at", "-id")
    if category is not None:
        mine = mine.filter(category=_known(category))
    if only_unseen:
        mine = mine.filter(seen_at=None)
    if cursor:
        moment, ident = read_cursor(cursor)
        mine = mine.filter(Q(created_at__lt=moment) | Q(created_at=moment, id__lt=ident), created_at__lte=moment)
    found = list(mine[: limit + 1])
    page, last = found[:limit], found[limit - 1 : limit]
    onward = cursor_of(last[0].created_at, last[0].id) if len(found) > limit else None
    return [Told(_notice(row), row.category, stamp(row.seen_at) if row.seen_at else None) for row in page], onward


def url_of(recipient_id: UUID, notification_id: UUID) -> str:
    """Where a notification of somebody leads. Raises NotFound for one that is not theirs."""
    mine = Notification.objects.filter(recipient_id=recipient_id, id=notification_id)
    found: str | None = mine.values_list("url", flat=True).first()
    if found is None:
        raise NotFound("There is no such notification.")
    return found


def unseen_under(key: str) -> Sent | None:
    """What was stored under this key, with the copies that are unseen; None where there is none."""
    copies = list(Notification.objects.filter(key=key, seen_at=None).order_by("id"))
    return Sent(_notice(copies[0]), [(copy.recipient_id, copy.id) for copy in copies]) if copies else None


def mark_seen(recipient_id: UUID, notification_id: UUID | None) -> int | None:
    """One notification of somebody, or all of them, are seen; how many are unseen now, or None if that changed nothing.

    What is not theirs is left alone.
    """
    unseen_rows = _unseen(recipient_id)
    changed = (unseen_rows.filter(id=notification_id) if notification_id else unseen_rows).update(seen_at=timezone.now())
    return unread(recipient_id) if changed else None


def settings_of(recipient_id: UUID, role: str) -> dict[str, bool]:
    """What they hear of, by category: what they said, or what holds for their role."""
    said = dict(NotificationSetting.objects.filter(recipient_id=recipient_id).values_list("category", "wanted"))
    return {name: said.get(name, role in category.wanted_by) for name, category in CATEGORIES.items()}


def change_settings(recipient_id: UUID, wanted: Mapping[str, bool]) -> None:
    """From now on they hear of these categories, or do not. Raises BadFrame for one that does not exist."""
    for name in sorted(wanted):
        _known(name, field="settings")
    NotificationSetting.objects.bulk_create(
        [NotificationSetting(recipient_id=recipient_id, category=name, wanted=want) for name, want in sorted(wanted.items())],
        update_conflicts=True,
        unique_fields=["recipient_id", "category"],
        update_fields=["wanted"],
    )


def prune() -> int:
    """Drop what was seen long ago; how many."""
    return Notification.objects.filter(seen_at__lt=timezone.now() - KEPT).delete()[0]


def _known(category: str, *, field: str = "category") -> str:
    if category not in CATEGORIES:
        raise BadFrame(f"There is no category {category!r}; there are {', '.join(CATEGORIES)}.", field=field)
    return category


def _unseen(recipient_id: UUID):  # type: ignore[no-untyped-def]
    return Notification.objects.filter(recipient_id=recipient_id, seen_at=None)


def _notice(row: Notification) -> Notice:
    return Notice(
        id=row.id,
        kind=row.kind,
        title=row.title,
        body=row.body,
        url=row.url,
        ts=stamp(row.created_at),
        room=row.room_id,
        actions=json_column(row.actions),
    )
