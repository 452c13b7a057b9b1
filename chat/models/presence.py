"""What agents say of themselves."""

from typing import ClassVar

from django.db import models


class AgentState(models.Model):
    """Whether an agent answers at present, as they said last on any of their tabs. Without a row: online."""

    class State(models.TextChoices):
        ONLINE = "online"
        AWAY = "away"
        BUSY = "busy"

    person_id = models.UUIDField(primary_key=True)
    state = models.CharField(max_length=6, choices=State.choices)
    rev = models.BigIntegerField(default=1)  # of two words the one with the higher number counts, whoever heard them first

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(  # no `__in`: PostgreSQL writes that one way and, dumped and read again, another
                condition=models.Q(state="online") | models.Q(state="away") | models.Q(state="busy"), name="state_is_known"
            ),
        ]

    def __str__(self) -> str:
        return self.state
