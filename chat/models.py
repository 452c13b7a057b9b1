"""Sites, visitors, rooms and messages: one set of tables in each tenant's schema.

No foreign key leaves the schema: users and tenants are plain ids. Where a foreign key has no index of its own, a constraint that
begins with it is named beside it.
"""

from typing import ClassVar

from django.db import models
from django.db.models.functions import Now
from django.utils import timezone

from saas.core.ids import uuid7


class Site(models.Model):
    """One embed: who may load it, how it looks, what it says."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(max_length=80)
    allowed_origins = models.JSONField(default=list)  # ["https://shop.example", "https://*.shop.example"]
    look = models.JSONField(default=dict)  # {"color": "#B45309", "position": "right"}; both may be absent
    texts = models.JSONField(default=dict)  # {"greeting": "...", "title": "..."}
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.name


class Visitor(models.Model):
    """A person on a site. The handle that proves it is kept as a hash only."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    site = models.ForeignKey(Site, on_delete=models.CASCADE, related_name="visitors")
    name = models.CharField(max_length=80)
    handle_hash = models.BinaryField(max_length=32, unique=True)
    old_handle_hash = models.BinaryField(max_length=32, null=True, unique=True)  # honoured until `handle_grace`
    handle_grace = models.DateTimeField(null=True)
    locale = models.CharField(max_length=35, blank=True)
    page = models.JSONField(default=dict)  # {"url", "title", "referrer"}: where they were last
    created_at = models.DateTimeField(default=timezone.now)
    seen_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.name


class Room(models.Model):
    """A place with messages. `last_seq` moves only under this row's lock, in `append`."""

    class Kind(models.TextChoices):
        SUPPORT = "support"
        COMMUNITY = "community"
        TEAM = "team"

    class Status(models.TextChoices):
        OPEN = "open"
        RESOLVED = "resolved"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    kind = models.CharField(max_length=9, choices=Kind.choices)
    site = models.ForeignKey(Site, on_delete=models.CASCADE, null=True, related_name="rooms")
    # db_index=False: one_room_per_open
    visitor = models.ForeignKey(Visitor, on_delete=models.CASCADE, null=True, related_name="rooms", db_index=False)
    open_cid = models.UUIDField(null=True)  # the `cid` of the `open` that made it
    open_hash = models.BinaryField(max_length=32, null=True)  # of that frame's content: the same cid with other words is refused
    title = models.CharField(max_length=120)
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.OPEN)
    assignee_id = models.UUIDField(null=True)
    labels = models.JSONField(default=list)
    closed_at = models.DateTimeField(null=True)  # archived: no more messages
    epoch = models.UUIDField(default=uuid7)  # changes when history is restored or imported
    people = models.IntegerField(default=0, db_default=0)  # rows of Participant
    last_seq = models.BigIntegerField(default=0, db_default=0)
    rev = models.BigIntegerField(default=0, db_default=0)  # of the summary
    last_text = models.CharField(max_length=200, blank=True, db_default="")
    last_by = models.CharField(max_length=80, blank=True, db_default="")
    last_at = models.DateTimeField(default=timezone.now, db_default=Now())
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["visitor", "open_cid"], name="one_room_per_open"),
            models.CheckConstraint(
                condition=~models.Q(kind="support") | models.Q(visitor__isnull=False),
                name="support_room_has_visitor",
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [models.Index(fields=["-last_at", "-id"], name="room_newest_first")]

    def __str__(self) -> str:
        return self.title


class Participant(models.Model):
    """A person's place in a room: how far they have read."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    room = models.ForeignKey(Room, on_delete=models.CASCADE, related_name="participants", db_index=False)  # one_place_per_person
    kind = models.CharField(max_length=7)  # agent, visitor
    person_id = models.UUIDField()
    name = models.CharField(max_length=80)
    read_seq = models.BigIntegerField(default=0)
    joined_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["room", "person_id"], name="one_place_per_person"),
        ]

    def __str__(self) -> str:
        return f"{self.name} in {self.room_id}"


class Message(models.Model):
    """What was said. `seq` is that of its birth, `changed` that of its last change."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    room = models.ForeignKey(Room, on_delete=models.CASCADE, related_name="messages", db_index=False)  # one_message_per_seq
    seq = models.BigIntegerField()
    changed = models.BigIntegerField()
    cid = models.UUIDField(null=True)
    content_hash = models.BinaryField(max_length=32, null=True)
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
            models.UniqueConstraint(fields=["room", "author_id", "cid"], name="stored_once_per_cid"),
        ]
        indexes: ClassVar[list[models.Index]] = [models.Index(fields=["room", "changed"], name="catch_up")]

    def __str__(self) -> str:
        return f"{self.seq}: {self.text[:40]}"


class Notification(models.Model):
    """Something one recipient must hear of. Stored first, then pushed."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    recipient_id = models.UUIDField()
    kind = models.CharField(max_length=20)
    title = models.CharField(max_length=120)
    body = models.CharField(max_length=300, blank=True)
    room_id = models.UUIDField(null=True)
    url = models.CharField(max_length=300)
    actions = models.JSONField(default=list)  # [{"label", "url"}]
    created_at = models.DateTimeField(default=timezone.now)
    seen_at = models.DateTimeField(null=True)

    class Meta:
        indexes: ClassVar[list[models.Index]] = [
            models.Index(
                fields=["recipient_id", "-created_at"], condition=models.Q(seen_at__isnull=True), name="unseen_newest_first"
            )
        ]

    def __str__(self) -> str:
        return self.title
