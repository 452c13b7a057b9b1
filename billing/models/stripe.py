"""What Stripe told us, what we asked of it, and its invoices as a mirror."""

from typing import ClassVar

from django.db import models
from django.utils import timezone

from billing.models.base import Owned


class StripeEvent(models.Model):
    """A webhook as it came: stored once, worked off later."""

    class Status(models.TextChoices):
        RECEIVED = "received"
        DONE = "done"
        IGNORED = "ignored"  # of a type that means nothing to us
        UNKNOWN = "unknown"  # of an object that is none of ours
        FAILED = "failed"

    id = models.CharField(primary_key=True, max_length=100)
    kind = models.CharField(max_length=8)  # snapshot or thin
    type = models.CharField(max_length=100)
    object_id = models.CharField(max_length=100, blank=True)
    customer_id = models.CharField(max_length=100, blank=True)
    api_version = models.CharField(max_length=40, blank=True)
    livemode = models.BooleanField()
    payload = models.JSONField()
    created_at = models.DateTimeField()  # at Stripe
    received_at = models.DateTimeField(default=timezone.now)
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.RECEIVED)
    attempts = models.PositiveIntegerField(default=0)
    error = models.TextField(blank=True)
    done_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes: ClassVar[list[models.Index]] = [
            models.Index(
                fields=["received_at"], condition=models.Q(status__in=("received", "failed", "unknown")), name="events_open"
            ),
            models.Index(fields=["customer_id", "-created_at"], name="events_of_customer"),
            models.Index(fields=["-received_at"], name="events_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.id}"


class StripeCommand(Owned):
    """What we asked of Stripe: written before the call, and answered after it. `key` is the request's idempotency key."""

    class Status(models.TextChoices):
        ASKED = "asked"
        DONE = "done"
        REFUSED = "refused"  # by Stripe, for a reason that stays
        FAILED = "failed"  # nobody knows: tried again under the same key

    key = models.CharField(max_length=100, unique=True)
    operation = models.CharField(max_length=60)
    actor = models.CharField(max_length=254, blank=True)
    params = models.JSONField(default=dict)
    params_hash = models.CharField(max_length=64)
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.ASKED)
    result_id = models.CharField(max_length=100, blank=True)
    error = models.TextField(blank=True)
    asked_at = models.DateTimeField(default=timezone.now)
    answered_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes: ClassVar[list[models.Index]] = [models.Index(fields=["account", "-asked_at"], name="commands_newest_first")]

    def __str__(self) -> str:
        return f"{self.operation} of {self.account_id}: {self.status}"


class Invoice(Owned):
    """An invoice as Stripe has it. Minor units."""

    stripe_id = models.CharField(max_length=100, unique=True)
    number = models.CharField(max_length=60, blank=True)
    status = models.CharField(max_length=14)  # draft, open, paid, uncollectible, void
    reason = models.CharField(max_length=40, blank=True)  # Stripe's billing_reason
    subscription = models.ForeignKey("billing.Subscription", on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    currency = models.CharField(max_length=3)
    subtotal = models.BigIntegerField()
    tax = models.BigIntegerField(default=0)
    discount = models.BigIntegerField(default=0)
    total = models.BigIntegerField()
    amount_due = models.BigIntegerField()
    amount_paid = models.BigIntegerField()
    amount_remaining = models.BigIntegerField()
    credited = models.BigIntegerField(default=0)  # by credit notes
    period_start = models.DateTimeField()
    period_end = models.DateTimeField()
    created_at = models.DateTimeField()
    finalized_at = models.DateTimeField(null=True, blank=True)
    due_at = models.DateTimeField(null=True, blank=True)
    paid_at = models.DateTimeField(null=True, blank=True)
    hosted_url = models.URLField(max_length=600, blank=True)
    pdf_url = models.URLField(max_length=600, blank=True)
    attempt_count = models.PositiveIntegerField(default=0)
    next_attempt = models.DateTimeField(null=True, blank=True)
    decline_reason = models.CharField(max_length=120, blank=True)
    fetched_at = models.DateTimeField()

    class Meta:
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["account", "-created_at"], name="invoices_newest_first"),
            models.Index(fields=["status"], condition=models.Q(status="open"), name="invoices_open"),
        ]

    def __str__(self) -> str:
        return self.number or self.stripe_id


class InvoiceLine(models.Model):
    """A line of an invoice. `amount` in minor units; `kind` is a price's, or empty for what is neither seats nor a meter."""

    stripe_id = models.CharField(primary_key=True, max_length=100)
    invoice = models.ForeignKey(Invoice, on_delete=models.CASCADE, related_name="lines")
    place = models.PositiveIntegerField()
    description = models.CharField(max_length=300)
    kind = models.CharField(max_length=5, blank=True)
    meter = models.CharField(max_length=20, blank=True)
    quantity = models.BigIntegerField(null=True, blank=True)
    amount = models.BigIntegerField()
    is_proration = models.BooleanField(default=False)
    period_start = models.DateTimeField()
    period_end = models.DateTimeField()

    def __str__(self) -> str:
        return self.description
