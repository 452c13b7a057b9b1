"""Who pays, for which plan, for how many seats."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone

from billing.models.base import Owned


class Currency(models.TextChoices):
    """Three letters as in ISO 4217, in lower case as Stripe writes them."""

    USD = "usd"
    EUR = "eur"


class BillingAccount(models.Model):
    """A tenant as somebody who pays. There is one from the tenant's first moment; its key is the tenant's id."""

    class Access(models.TextChoices):
        """What the tenant may do; the table of it is in `billing/access.py`."""

        OK = "ok"
        GRACE = "grace"
        RESTRICTED = "restricted"
        SUSPENDED = "suspended"
        CLOSED = "closed"

    tenant = models.OneToOneField("tenants.Tenant", primary_key=True, on_delete=models.PROTECT, related_name="billing")
    stripe_customer_id = models.CharField(max_length=100, null=True, blank=True, unique=True)
    billing_name = models.CharField(max_length=120, blank=True)
    billing_email = models.EmailField(blank=True)  # empty: the owner's
    tax_id = models.CharField(max_length=40, blank=True)
    tax_id_type = models.CharField(max_length=20, blank=True)
    country = models.CharField(max_length=2, blank=True)
    time_zone = models.CharField(max_length=64, default="UTC")  # for what people see; periods are UTC
    currency = models.CharField(max_length=3, choices=Currency.choices, default=Currency.USD)  # fixed by the first invoice
    collects_tax = models.BooleanField(default=False)
    anchor = models.DateTimeField(default=timezone.now)  # periods of those who have no subscription count from here
    trial_used_at = models.DateTimeField(null=True, blank=True)
    ordering_until = models.DateTimeField(null=True, blank=True)  # a lease: somebody is getting a page of Checkout
    spend_cap = models.BigIntegerField(null=True, blank=True)  # of one period's overage, in the currency's minor unit
    alerts_by_mail = models.BooleanField(default=True)
    support_until = models.DateTimeField(null=True, blank=True)  # staff may look into the tenant until then: its owner said so
    support_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")

    access_state = models.CharField(max_length=10, choices=Access.choices, default=Access.OK)
    access_reason = models.CharField(max_length=40, blank=True)
    state_since = models.DateTimeField(default=timezone.now)
    state_version = models.BigIntegerField(default=0)  # counts transitions: compare and set
    failing_since = models.DateTimeField(null=True, blank=True)  # the first failed payment of those that are open
    exempt_until = models.DateTimeField(null=True, blank=True)  # staff hold: no step down before then
    suspended_by_staff = models.BooleanField(default=False)  # no payment lifts it
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=models.Q(spend_cap__isnull=True) | models.Q(spend_cap__gte=0), name="spend_cap_not_negative"
            ),
        ]

    def __str__(self) -> str:
        return str(self.tenant_id)


class BillingContact(Owned):
    """Somebody beside the owner who gets what is written about money."""

    email = models.EmailField()
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["account", "email"], name="billing_contact_once"),
        ]

    def __str__(self) -> str:
        return self.email


class Subscription(Owned):
    """What a tenant pays for: a mirror of Stripe's, or one that staff gave (`source` comp or manual)."""

    class Source(models.TextChoices):
        STRIPE = "stripe"
        COMP = "comp"
        MANUAL = "manual"

    ENDED: ClassVar[tuple[str, ...]] = ("canceled", "incomplete", "incomplete_expired")

    stripe_id = models.CharField(max_length=100, null=True, blank=True, unique=True)
    source = models.CharField(max_length=8, choices=Source.choices, default=Source.STRIPE)
    status = models.CharField(max_length=20)  # Stripe's word
    plan = models.ForeignKey("billing.PlanVersion", on_delete=models.PROTECT, related_name="+")
    interval = models.CharField(max_length=5)  # month or year, of the seats; meters are always by the month
    seats = models.PositiveIntegerField()
    anchor = models.DateTimeField()  # from which periods are counted: the 31st stays the 31st where a month has one
    period_start = models.DateTimeField()  # the usage's: by the month
    period_end = models.DateTimeField()
    seat_period_start = models.DateTimeField()
    seat_period_end = models.DateTimeField()
    trial_end = models.DateTimeField(null=True, blank=True)
    cancel_at = models.DateTimeField(null=True, blank=True)
    canceled_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    next_plan = models.ForeignKey("billing.PlanVersion", on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    schedule_id = models.CharField(max_length=100, blank=True)
    coupon = models.CharField(max_length=100, blank=True)  # what it is called, for people
    percent_off = models.DecimalField(max_digits=5, decimal_places=2, default=0)
    amount_off = models.BigIntegerField(default=0)  # of each invoice, minor units
    created_at = models.DateTimeField()
    fetched_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["account"],
                condition=~models.Q(status__in=("canceled", "incomplete", "incomplete_expired")),
                name="one_live_subscription",
            ),
            models.CheckConstraint(condition=models.Q(period_start__lt=models.F("period_end")), name="period_not_empty"),
        ]

    def __str__(self) -> str:
        return f"{self.plan_id} of {self.account_id}: {self.status}"


class SubscriptionItem(models.Model):
    """A line of a subscription in Stripe: the seats, or a meter."""

    stripe_id = models.CharField(primary_key=True, max_length=100)
    subscription = models.ForeignKey(Subscription, on_delete=models.CASCADE, related_name="items")
    price = models.ForeignKey("billing.PlanPrice", on_delete=models.PROTECT, related_name="+")
    quantity = models.PositiveIntegerField(null=True, blank=True)  # none of a meter
    period_start = models.DateTimeField()
    period_end = models.DateTimeField()

    def __str__(self) -> str:
        return self.stripe_id


class SeatEntry(Owned):
    """A line of the ledger of seats: what was bought from then on, and what will be at the next renewal. Append-only."""

    seats = models.PositiveIntegerField()
    seats_next = models.PositiveIntegerField()
    reason = models.CharField(max_length=120)
    actor = models.CharField(max_length=254, blank=True)  # an e-mail address; empty: Stripe or a job
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes: ClassVar[list[models.Index]] = [models.Index(fields=["account", "-at"], name="seats_newest_first")]

    def __str__(self) -> str:
        return f"{self.seats} seats of {self.account_id}, then {self.seats_next}"


class UsageAlert(Owned):
    """That somebody was told of a threshold: at most once in each period."""

    meter = models.CharField(max_length=20)  # a Meter, or `spend`
    period_start = models.DateTimeField()
    threshold = models.PositiveIntegerField()  # percent
    used = models.BigIntegerField()
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["account", "meter", "period_start", "threshold"], name="one_alert_per_threshold"),
        ]

    def __str__(self) -> str:
        return f"{self.threshold} % of {self.meter} of {self.account_id}"
