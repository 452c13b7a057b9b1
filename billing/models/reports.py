"""What was told to Stripe of what was used, and whether both sides agree."""

from typing import ClassVar

from django.db import models
from django.utils import timezone

from billing.models.base import Owned
from billing.models.usage import Meter
from saas.core.ids import uuid7


class MeterPosition(Owned):
    """How far the events of a tenant's meter are frozen, and who sends its batches just now."""

    meter = models.CharField(max_length=20, choices=Meter.choices)
    frozen_until = models.DateTimeField()
    leased_until = models.DateTimeField(null=True, blank=True)
    lease = models.UUIDField(null=True, blank=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["account", "meter"], name="one_position_per_meter"),
        ]

    def __str__(self) -> str:
        return f"{self.meter} of {self.account_id} until {self.frozen_until}"


class MeterReport(Owned):
    """A usage batch: what one tenant used of one meter in a window, or the difference that came late. Its numbers never change.

    A window is an hour, or the part of it that lies in one period. `identifier` is Stripe's and the request's idempotency key.
    """

    class Status(models.TextChoices):
        PENDING = "pending"  # to be sent
        HELD = "held", "Held"  # the tenant has no subscription in Stripe: kept, in case it gets one
        SENDING = "sending"
        SENT = "sent"
        VERIFY = "verify"  # its fate is unknown for too long to send it again blindly
        REJECTED = "rejected"  # Stripe took it and could not use it
        WAIVED = "waived"  # staff let it go

    meter = models.CharField(max_length=20, choices=Meter.choices)
    window_start = models.DateTimeField()
    window_end = models.DateTimeField()
    seq = models.PositiveIntegerField(default=0)
    quantity = models.BigIntegerField()
    event_time = models.DateTimeField()  # under which Stripe counts it
    identifier = models.CharField(max_length=100, unique=True)
    is_correction = models.BooleanField(default=False)  # by staff: not of a window, and no difference is taken from it
    is_late = models.BooleanField(default=False)  # its own period was finalised: it counts in a later one
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.PENDING)
    attempts = models.PositiveIntegerField(default=0)
    first_sent_at = models.DateTimeField(null=True, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    next_attempt_at = models.DateTimeField(default=timezone.now)
    error = models.TextField(blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["account", "meter", "window_start", "seq"], name="one_batch_per_window_and_seq"),
            models.CheckConstraint(condition=~models.Q(quantity=0), name="batch_not_empty"),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(
                fields=["account", "meter", "window_start"],
                condition=models.Q(status__in=("pending", "sending")),
                name="batches_to_send",
            ),
            models.Index(
                fields=["status", "created_at"],
                condition=models.Q(status__in=("pending", "sending", "verify", "rejected", "held")),
                name="batches_open",
            ),
        ]

    def __str__(self) -> str:
        return self.identifier


class ReportingRun(models.Model):
    """The last time that a job of reporting ran. `error` is empty when it went well; `did` counts what it counts."""

    name = models.CharField(primary_key=True, max_length=20)
    began_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True, blank=True)
    did = models.BigIntegerField(default=0)
    error = models.TextField(blank=True)

    def __str__(self) -> str:
        return f"{self.name} at {self.began_at}"


class ReconciliationRun(models.Model):
    """One comparison of our numbers with Stripe's."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    started_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True, blank=True)
    tenants = models.PositiveIntegerField(default=0)
    compared = models.PositiveIntegerField(default=0)
    differences = models.PositiveIntegerField(default=0)
    error = models.TextField(blank=True)

    def __str__(self) -> str:
        return f"{self.started_at}: {self.differences} differences"


class Difference(Owned):
    """Where Stripe says something else than we do. Never mended by itself."""

    class Kind(models.TextChoices):
        USAGE = "usage"  # of a day
        PREVIEW = "preview"  # the next invoice
        INVOICE = "invoice"
        PRICE = "price"  # a price's tiers
        SUBSCRIPTION = "subscription"  # one that lives at Stripe and has no row here: the tenant may pay twice

    class State(models.TextChoices):
        OPEN = "open"
        GONE = "gone"  # a later run found both equal
        ACCEPTED = "accepted"  # staff said why

    run = models.ForeignKey(ReconciliationRun, on_delete=models.PROTECT, related_name="found")
    kind = models.CharField(max_length=12, choices=Kind.choices)
    meter = models.CharField(max_length=20, blank=True)
    day = models.DateField(null=True, blank=True)
    subject = models.CharField(max_length=120, blank=True)  # an invoice's number, a price's key
    ours = models.BigIntegerField()
    stripe = models.BigIntegerField()
    delta = models.BigIntegerField()  # Stripe's less ours
    state = models.CharField(max_length=8, choices=State.choices, default=State.OPEN)
    note = models.TextField(blank=True)
    settled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["account", "kind", "meter", "day", "subject"],
                condition=models.Q(state="open"),
                nulls_distinct=False,
                name="one_open_difference",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.account_id}: {self.delta}"
