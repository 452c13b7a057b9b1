"""What was used. All of it lives in the `public` schema; tenants write through `billing/metering.py` only."""

from typing import ClassVar

from django.db import models
from django.utils import timezone

from saas.core.ids import uuid7


class Meter(models.TextChoices):
    """What is counted."""

    MESSAGE = "message"


class UsageEvent(models.Model):
    """One thing used by one tenant, written in the transaction of its cause. Append-only."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant_id = models.UUIDField()
    meter = models.CharField(max_length=20, choices=Meter.choices)
    source_id = models.UUIDField()
    quantity = models.BigIntegerField(default=1)
    occurred_at = models.DateTimeField()
    recorded_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["tenant_id", "meter", "source_id"], name="usage_counted_once"),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} {self.meter} of {self.tenant_id}"
