"""Rooms and who is in them."""

from typing import ClassVar

from django.db import models
from django.db.models.functions import Now
from django.utils import timezone

from chat.models.sites import Site, Visitor
from saas.core.ids import uuid7


class Room(models.Model):
    """A place with messages. `last_seq` moves only under this row's lock, in `append`."""

    class Kind(models.TextChoices):
        SUPPORT = "support"
        COMMUNITY = "community"
        TEAM = "team"

    class Status(models.TextChoices):
        OPEN = "open"
        RESOLVED = "resolved"

    class JoinRule(models.TextChoices):
        OPEN = "open"  # every visitor of the site
        IDENTIFIED = "identified"  # those whom the site has signed in
        INVITED = "invited"  # those who were invited

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    kind = models.CharField(max_length=9, choices=Kind.choices)
    site = models.ForeignKey(Site, on_delete=models.CASCADE, null=True, related_name="rooms")
    # db_index=False: one_room_per_open
    visitor = models.ForeignKey(Visitor, on_delete=models.CASCADE, null=True, related_name="rooms", db_index=False)
    open_cid = models.UUIDField(null=True)  # the `cid` of the `open` that made it
    # of its content: the same cid with other words is refused; NULL once a line of it is deleted
    open_hash = models.BinaryField(max_length=32, null=True)
    title = models.CharField(max_length=120)
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.OPEN)
    assignee_id = models.UUIDField(null=True)
    labels = models.JSONField(default=list)
    # The companion of a support room, in which only agents write: its notes have a seq of their own.
    notes_of = models.OneToOneField("self", on_delete=models.CASCADE, null=True, related_name="notes")
    join_rule = models.CharField(max_length=10, choices=JoinRule.choices, default=JoinRule.OPEN, db_default="open")
    slow_seconds = models.IntegerField(default=0, db_default=0)  # between two messages of one member
    position = models.IntegerField(default=0, db_default=0)  # among its site's community rooms; of equal ones the older is first
    pinned = models.JSONField(default=list, db_default=[])  # ids of messages, newest pin first
    locked_at = models.DateTimeField(null=True)  # only moderators and agents write
    closed_at = models.DateTimeField(null=True)  # archived: no more messages
    epoch = models.UUIDField(default=uuid7)  # changes when history is restored or imported
    people = models.IntegerField(default=0, db_default=0)  # rows of Participant
    last_seq = models.BigIntegerField(default=0, db_default=0)
    rev = models.BigIntegerField(default=0, db_default=0)  # of the summary
    last_text = models.CharField(max_length=200, blank=True, db_default="")
    last_by = models.CharField(max_length=80, blank=True, db_default="")
    last_at = models.DateTimeField(default=timezone.now, db_default=Now())
    # Lists are in its order, and within a minute in that of `last_at`: no index of a busy room moves with each of its lines.
    last_minute = models.GeneratedField(
        expression=models.Func(
            models.F("last_at"), template="date_trunc('minute', %(expressions)s AT TIME ZONE 'UTC') AT TIME ZONE 'UTC'"
        ),
        output_field=models.DateTimeField(),
        db_persist=True,
    )
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["visitor", "open_cid"], name="one_room_per_open"),
            models.CheckConstraint(
                condition=~models.Q(kind="support") | models.Q(visitor__isnull=False),
                name="support_room_has_visitor",
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["-last_minute"], name="room_newest_first"),
            models.Index(fields=["site", "position", "id"], condition=models.Q(kind="community"), name="rooms_in_order"),
        ]

    def __str__(self) -> str:
        return self.title


class Participant(models.Model):
    """A person's place in a room: how far they have read, what they may do there."""

    class Role(models.TextChoices):
        MEMBER = "member"
        MODERATOR = "moderator"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    room = models.ForeignKey(Room, on_delete=models.CASCADE, related_name="participants", db_index=False)  # one_place_per_person
    kind = models.CharField(max_length=7)  # agent, visitor
    person_id = models.UUIDField()
    name = models.CharField(max_length=80)
    read_seq = models.BigIntegerField(default=0)
    role = models.CharField(max_length=9, choices=Role.choices, default=Role.MEMBER, db_default="member")
    muted_until = models.DateTimeField(null=True)
    banned_until = models.DateTimeField(null=True)
    joined_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["room", "person_id"], name="one_place_per_person"),
        ]
        # Of visitors only: an agent may have places in all rooms, and is looked up in one of them.
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["person_id"], condition=models.Q(kind="visitor"), name="places_of_visitor")
        ]

    def __str__(self) -> str:
        return f"{self.name} in {self.room_id}"


class Invitation(models.Model):
    """A link into a room that is joined by invitation. Its code is kept as a hash only."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    room = models.ForeignKey(Room, on_delete=models.CASCADE, related_name="invitations")
    code_hash = models.BinaryField(max_length=32, unique=True)
    uses_left = models.IntegerField()
    expires_at = models.DateTimeField()
    made_by = models.UUIDField()
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"invitation to {self.room_id}"
