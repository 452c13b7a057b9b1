"""Plans as they were sold. The table that people read and edit is `billing/plans.py`; these rows are its frozen copies."""

from typing import ClassVar

from django.db import models
from django.utils import timezone

from billing.models.usage import Meter
from saas.core.ids import uuid7


class PlanVersion(models.Model):
    """A plan at one of its versions. Once a tenant has it, its terms never change: another price is another version."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    key = models.CharField(max_length=20)
    version = models.PositiveIntegerField()
    terms = models.JSONField()  # `billing.plans.Plan` as JSON: what `sync_plans` compares
    used_since = models.DateTimeField(null=True, blank=True)
    is_current = models.BooleanField(default=True)  # what is sold now
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["key", "version"], name="one_row_per_plan_version"),
            models.UniqueConstraint(fields=["key"], condition=models.Q(is_current=True), name="one_current_version"),
        ]

    def __str__(self) -> str:
        return f"{self.key} {self.version}"


class PlanPrice(models.Model):
    """A price of a plan's version in Stripe: of a seat, by the month or the year, or of what a meter counts, by the month."""

    class Kind(models.TextChoices):
        SEAT = "seat"
        METER = "meter"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    plan = models.ForeignKey(PlanVersion, on_delete=models.PROTECT, related_name="prices")
    kind = models.CharField(max_length=5, choices=Kind.choices)
    interval = models.CharField(max_length=5)  # month or year
    meter = models.CharField(max_length=20, choices=Meter.choices, blank=True)
    currency = models.CharField(max_length=3)
    unit_amount = models.DecimalField(max_digits=20, decimal_places=12)  # minor units: of a seat, or of a unit beyond `included`
    included = models.BigIntegerField(default=0)  # units of a meter that cost nothing, each month
    lookup_key = models.CharField(max_length=100, unique=True)
    stripe_price_id = models.CharField(max_length=100, null=True, blank=True, unique=True)
    stripe_product_id = models.CharField(max_length=100, blank=True)

    def __str__(self) -> str:
        return self.lookup_key
