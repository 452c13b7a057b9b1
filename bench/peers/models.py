"""What the storing consumer keeps."""

from typing import ClassVar

from django.db import models


class Room(models.Model):
    """A room, and the number of its last message."""

    name = models.SlugField(unique=True)
    last_seq = models.BigIntegerField(default=0)

    objects: ClassVar["models.Manager[Room]"] = models.Manager()

    def __str__(self) -> str:
        return self.name


class Message(models.Model):
    """What was said; `seq` has no holes in a room."""

    room = models.ForeignKey(Room, on_delete=models.CASCADE, related_name="messages")
    seq = models.BigIntegerField()
    text = models.TextField()
    timestamp = models.DateTimeField(auto_now_add=True)

    objects: ClassVar["models.Manager[Message]"] = models.Manager()

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["room", "seq"], name="one_message_per_seq"),
        ]

    def __str__(self) -> str:
        return f"{self.seq}: {self.text[:40]}"
