"""The list of all processes, in the database: each tells of itself every few seconds, so that any of them can show all.

Not over the bus: a worker has no place there, and one looks at the list most when the bus is down.
"""

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db.models.functions import Now

from saas.core.ids import uuid7
from saas.core.models import Process

LEASE_SECONDS: Final = 20.0  # without a word, and a process is not shown any more
FORGET: Final = timedelta(hours=1)  # after which its row goes

Figures = Mapping[str, Any]


@dataclass(slots=True)
class Myself:
    """This process's row."""

    kind: str
    id: UUID = field(default_factory=uuid7)

    def tell(self, figures: Figures) -> None:
        """Write it down, or write it anew: one statement."""
        row = Process(
            id=self.id, kind=self.kind, host=socket.gethostname(), pid=os.getpid(), seen_at=Now(), figures=dict(figures)
        )
        Process.objects.bulk_create([row], update_conflicts=True, unique_fields=["id"], update_fields=["seen_at", "figures"])

    def leave(self) -> None:
        """It ends as it was told to. Rows of those that were killed go, too, once they are old."""
        Process.objects.filter(id=self.id).delete()
        Process.objects.filter(seen_at__lt=Now() - FORGET).delete()


@dataclass(frozen=True, slots=True)
class Seen:
    """A process that lives."""

    id: UUID
    kind: str
    host: str
    pid: int
    began_at: datetime
    seen_at: datetime
    figures: Figures


def all_processes() -> list[Seen]:
    """Those that told of themselves lately: web before worker, then by machine. One query."""
    alive = Process.objects.filter(seen_at__gt=Now() - timedelta(seconds=LEASE_SECONDS))
    return [Seen(*row) for row in alive.order_by("kind", "host", "pid").values_list(*Seen.__slots__)]
