"""What the kernel keeps in the `public` schema."""

from django.db import models
from django.db.models.functions import Now


class Process(models.Model):
    """A process of ours, as it last told of itself. One that has not told for `LEASE_SECONDS` is gone."""

    id = models.UUIDField(primary_key=True)
    kind = models.TextField()  # what it serves: all, web or ws; or worker
    host = models.TextField()  # the machine's name
    pid = models.IntegerField()
    began_at = models.DateTimeField(db_default=Now())
    seen_at = models.DateTimeField(db_default=Now())  # by the database's clock, which is everybody's
    figures = models.JSONField(default=dict)  # numbers by name, of `saas/core/watch.py` and the hook `figures`

    class Meta:
        app_label = "core"

    def __str__(self) -> str:
        return f"{self.kind} {self.host} {self.pid}"
