"""Something that one recipient must hear of."""

from typing import ClassVar

from django.db import models
from django.utils import timezone

from saas.core.ids import uuid7


class Notification(models.Model):
    """Something one recipient must hear of. Stored first, then pushed."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    recipient_id = models.UUIDField()
    category = models.CharField(max_length=20, default="rooms", db_default="rooms")  # one of notifications.CATEGORIES
    kind = models.CharField(max_length=20)
    title = models.CharField(max_length=120)
    body = models.CharField(max_length=300, blank=True)
    room_id = models.UUIDField(null=True)
    url = models.CharField(max_length=300)
    actions = models.JSONField(default=list)  # [{"label", "url"}]
    # the same cause tells a recipient once; NULL: as often as it is sent
    key = models.CharField(max_length=100, null=True)  # noqa: DJ001
    created_at = models.DateTimeField(default=timezone.now)
    seen_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["recipient_id", "key"], name="told_once_per_key"),
            # One stands for all lines that came since it was made.
            models.UniqueConstraint(
                fields=["recipient_id", "room_id"],
                condition=models.Q(category="messages", seen_at__isnull=True),
                name="one_unseen_for_messages",
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(
                fields=["recipient_id", "-created_at"], condition=models.Q(seen_at__isnull=True), name="unseen_newest_first"
            ),
            models.Index(fields=["recipient_id", "-created_at", "-id"], name="told_newest_first"),
            models.Index(fields=["key"], condition=models.Q(key__isnull=False), name="told_by_key"),  # a cause that is deleted
        ]

    def __str__(self) -> str:
        return self.title


class NotificationSetting(models.Model):
    """Whether a person hears of a category. Without a row: as the category says."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    recipient_id = models.UUIDField()
    category = models.CharField(max_length=20)
    wanted = models.BooleanField()

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["recipient_id", "category"], name="one_setting_per_category"),
        ]

    def __str__(self) -> str:
        return f"{self.category}: {self.wanted}"
