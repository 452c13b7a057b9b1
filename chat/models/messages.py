"""What was said, and what became of it."""

from typing import ClassVar

from django.db import models
from django.utils import timezone

from chat.models.rooms import Room
from saas.core.ids import uuid7


class Message(models.Model):
    """What was said. `seq` is that of its birth, `changed` that of its last change."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    room = models.ForeignKey(Room, on_delete=models.CASCADE, related_name="messages", db_index=False)  # one_message_per_seq
    seq = models.BigIntegerField()
    changed = models.BigIntegerField()
    cid = models.UUIDField(null=True)
    content_hash = models.BinaryField(max_length=32, null=True)  # NULL: it was deleted, and anything counts as a repeat
    author_kind = models.CharField(max_length=7)  # agent, visitor, system
    author_id = models.UUIDField(null=True)
    author_name = models.CharField(max_length=80)
    kind = models.CharField(max_length=6, default="text")  # text, system, form
    text = models.TextField()
    attachments = models.JSONField(default=list, db_default=[])
    reply_to = models.UUIDField(null=True)
    reactions = models.JSONField(default=dict, db_default={})
    edited_at = models.DateTimeField(null=True)
    deleted_at = models.DateTimeField(null=True)
    ts = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["room", "seq"], name="one_message_per_seq"),
            # Not the room first, as all other indexes have it: while nothing is known of a young table, they would seem as good
            # for the search by `cid`, and each new message would cost a look at all earlier ones of its room.
            models.UniqueConstraint(fields=["author_id", "cid", "room"], name="stored_once_per_cid"),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["room", "changed"], name="catch_up"),
            models.Index(fields=["room", "author_id", "seq"], name="of_one_author"),
        ]

    def __str__(self) -> str:
        return f"{self.seq}: {self.text[:40]}"


class Change(models.Model):
    """An edit, a deletion or a reaction as it was asked for: the same `cid` again gives the same answer."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    room = models.ForeignKey(Room, on_delete=models.CASCADE, related_name="changes", db_index=False)  # changed_once_per_cid
    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="changes")
    author_id = models.UUIDField()
    cid = models.UUIDField()
    content_hash = models.BinaryField(max_length=32, null=True)  # NULL: its message was deleted, and anything counts as a repeat
    seq = models.BigIntegerField()  # what it took; of a change that changed nothing, what the message had
    ts = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["room", "author_id", "cid"], name="changed_once_per_cid"),
        ]

    def __str__(self) -> str:
        return f"{self.seq}: a change of {self.message_id}"


class Reaction(models.Model):
    """One person's emoji under one message. `Message.reactions` holds their sum."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="+", db_index=False)  # one_emoji_once
    person_id = models.UUIDField()
    emoji = models.CharField(max_length=32)
    ts = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["message", "emoji", "person_id"], name="one_emoji_once"),
        ]

    def __str__(self) -> str:
        return f"{self.emoji} under {self.message_id}"


class Report(models.Model):
    """A member's complaint about a message, for the moderators."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    room = models.ForeignKey(Room, on_delete=models.CASCADE, related_name="reports")
    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="reports", db_index=False)  # reported_once
    reporter_kind = models.CharField(max_length=7)  # agent, visitor
    reporter_id = models.UUIDField()
    reporter_name = models.CharField(max_length=80)
    reason = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    settled_at = models.DateTimeField(null=True)
    settled_by = models.UUIDField(null=True)
    done = models.JSONField(default=list, db_default=[])  # what was done about it: "deleted", "muted", "banned"

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["message", "reporter_id"], name="reported_once"),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["-created_at", "-id"], condition=models.Q(settled_at__isnull=True), name="open_reports"),
            models.Index(fields=["-created_at", "-id"], name="all_reports"),
        ]

    def __str__(self) -> str:
        return f"report of {self.message_id}"
