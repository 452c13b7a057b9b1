"""What was used: the events, what was counted once, and what was sampled. Tenants write through `billing/metering.py` only."""

from typing import ClassVar

from django.db import models
from django.utils import timezone

from billing.models.base import Owned


class Meter(models.TextChoices):
    """What is counted. A meter never changes its meaning: another one gets another name."""

    MESSAGE = "message"
    VISITOR = "visitor"  # seen for the first time in a period
    STORAGE = "storage", "Storage"  # MB-days: a sample a day


class StripeMeter(models.Model):
    """A meter as Stripe knows it, made by `manage.py sync_plans`."""

    meter = models.CharField(primary_key=True, max_length=20, choices=Meter.choices)
    event_name = models.CharField(max_length=100, unique=True)
    stripe_meter_id = models.CharField(max_length=100, unique=True)
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.event_name


class UsageEvent(models.Model):
    """One thing used by one tenant, written in the transaction of its cause. Append-only, in a partition for each month.

    The source's id is a UUIDv7: its time says into which period it counts, and in which partition it lies. `occurred_at` is the
    true moment, where that is another.
    """

    pk = models.CompositePrimaryKey("tenant_id", "meter", "source_id")
    tenant_id = models.UUIDField()
    meter = models.CharField(max_length=20, choices=Meter.choices)
    source_id = models.UUIDField()
    quantity = models.BigIntegerField(default=1)
    occurred_at = models.DateTimeField()
    recorded_at = models.DateTimeField(default=timezone.now)

    class Meta:
        managed = False  # partitioned: made by SQL of a migration
        db_table = "billing_usageevent"

    def __str__(self) -> str:
        return f"{self.quantity} {self.meter} of {self.tenant_id}"


class ActiveVisitor(models.Model):
    """A visitor who was seen in a period. The hash is of the visitor's id under the tenant's: it tells nobody who it was."""

    pk = models.CompositePrimaryKey("account_id", "period_start", "visitor_hash")
    account = models.ForeignKey("billing.BillingAccount", on_delete=models.PROTECT, related_name="+")
    period_start = models.DateTimeField()
    visitor_hash = models.BinaryField(max_length=16)
    seen_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"a visitor of {self.account_id} since {self.period_start}"


class StorageSample(Owned):
    """What a tenant's tables and files held on a day, in MB (10^6 bytes)."""

    day = models.DateField()
    tables_bytes = models.BigIntegerField()
    files_bytes = models.BigIntegerField()
    megabytes = models.BigIntegerField()
    taken_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["account", "day"], name="one_storage_sample_a_day"),
        ]

    def __str__(self) -> str:
        return f"{self.megabytes} MB of {self.account_id} on {self.day}"


class UsageDay(models.Model):
    """The sum of a day in UTC, derived from the batches."""

    pk = models.CompositePrimaryKey("account_id", "meter", "day")
    account = models.ForeignKey("billing.BillingAccount", on_delete=models.PROTECT, related_name="+")
    meter = models.CharField(max_length=20, choices=Meter.choices)
    day = models.DateField()
    quantity = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.quantity} {self.meter} of {self.account_id} on {self.day}"
