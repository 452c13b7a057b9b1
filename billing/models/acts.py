"""Who did what with money and access, for good: rows here are added, never changed."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone

from billing.models.base import Owned
from saas.core.ids import uuid7


class AccessTransition(Owned):
    """A step of a tenant between the states of access. Append-only."""

    before = models.CharField(max_length=10)
    after = models.CharField(max_length=10)
    reason = models.CharField(max_length=40)
    note = models.TextField(blank=True)  # in staff's words
    actor = models.CharField(max_length=254, blank=True)  # an e-mail address; empty: Stripe or the clock
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes: ClassVar[list[models.Index]] = [models.Index(fields=["account", "-at"], name="transitions_newest_first")]

    def __str__(self) -> str:
        return f"{self.account_id}: {self.before} to {self.after}"


class Adjustment(Owned):
    """Money that staff gave or took: asked by one person, above a limit approved by another, then done in Stripe once."""

    class Kind(models.TextChoices):
        CREDIT = "credit"  # on the customer's balance
        CREDIT_NOTE = "credit_note"  # on an invoice
        COMP = "comp"  # a plan for nothing, until a day
        WAIVE = "waive"  # usage that is not billed
        USAGE = "usage"  # a correction of what was counted
        COUNTED = "counted"  # a batch in doubt that Stripe has, as staff say: it is not sent any more

    class Status(models.TextChoices):
        WAITING = "waiting"  # for a second person
        APPROVED = "approved"
        DONE = "done"
        DECLINED = "declined"
        FAILED = "failed"

    kind = models.CharField(max_length=12, choices=Kind.choices)
    status = models.CharField(max_length=8, choices=Status.choices)
    form_key = models.UUIDField(unique=True)  # of the form that asked: sent twice it is one
    amount = models.BigIntegerField(default=0)  # minor units; of usage, units
    worth = models.BigIntegerField(default=0)  # minor units: what it costs us, which decides whether one person is enough
    currency = models.CharField(max_length=3, blank=True)
    meter = models.CharField(max_length=20, blank=True)
    subject = models.CharField(max_length=100, blank=True)  # an invoice, a batch, a plan's key
    until = models.DateTimeField(null=True, blank=True)  # of a comp
    reason = models.TextField()
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    requested_at = models.DateTimeField(default=timezone.now)
    approved_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    first_tried_at = models.DateTimeField(null=True, blank=True)  # from then on Stripe may have it
    settled_at = models.DateTimeField(null=True, blank=True)
    stripe_ref = models.CharField(max_length=100, blank=True)
    error = models.TextField(blank=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=models.Q(approved_by__isnull=True) | ~models.Q(approved_by=models.F("requested_by")),
                name="approved_by_somebody_else",
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [models.Index(fields=["status", "-requested_at"], name="adjustments_by_status")]

    def __str__(self) -> str:
        return f"{self.kind} of {self.amount} to {self.account_id}"


class BillingAudit(models.Model):
    """Every act on money or access, by whomever. Append-only; the platform's role may not change or delete a row."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant_id = models.UUIDField(null=True, blank=True, db_index=True)
    actor = models.CharField(max_length=254, blank=True)  # an e-mail address; empty: Stripe or a job
    is_staff = models.BooleanField(default=False)
    action = models.CharField(max_length=60)
    reason = models.TextField(blank=True)
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)
    address = models.CharField(max_length=45, blank=True)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes: ClassVar[list[models.Index]] = [models.Index(fields=["-at"], name="audit_newest_first")]

    def __str__(self) -> str:
        return f"{self.action} by {self.actor or 'the clock'}"


class FactorRemoval(models.Model):
    """A person's second factors that staff take away, since they are lost: asked by one person, done by another."""

    class Status(models.TextChoices):
        WAITING = "waiting"  # for a second person
        DONE = "done"
        DECLINED = "declined"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.WAITING)
    form_key = models.UUIDField(unique=True)  # of the form that asked: sent twice it is one
    reason = models.TextField()
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    requested_at = models.DateTimeField(default=timezone.now)
    settled_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    settled_at = models.DateTimeField(null=True, blank=True)
    removed = models.JSONField(default=list)  # what was taken away, in words
    answer = models.TextField(blank=True)  # why not

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=~models.Q(status="done")
                | (models.Q(settled_by__isnull=False) & ~models.Q(settled_by=models.F("requested_by"))),
                name="removed_by_somebody_else",
            ),
            models.CheckConstraint(
                condition=~models.Q(user=models.F("requested_by"))
                & (models.Q(settled_by__isnull=True) | ~models.Q(settled_by=models.F("user")) | models.Q(status="declined")),
                name="not_by_oneself",
            ),
            models.UniqueConstraint(
                fields=["user"], condition=models.Q(status="waiting"), name="one_removal_waits_for_each_person"
            ),
        ]

    def __str__(self) -> str:
        return f"second factors of {self.user_id}"


class SupportVisit(Owned):
    """A member of staff looked into a tenant whose owner had agreed: from when to when, and why."""

    staff = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    reason = models.TextField()
    began_at = models.DateTimeField(default=timezone.now)
    ends_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.staff_id} in {self.account_id}"


class PlanMove(Owned):
    """A change of what a tenant pays each month without usage: what MRR's new, expansion, contraction and churn are made of."""

    class Kind(models.TextChoices):
        NEW = "new"
        EXPANSION = "expansion"
        CONTRACTION = "contraction"
        CHURN = "churn"

    kind = models.CharField(max_length=11, choices=Kind.choices)
    currency = models.CharField(max_length=3)
    before = models.BigIntegerField()  # minor units a month; annual prices by twelve, discounts taken off
    after = models.BigIntegerField()
    at = models.DateTimeField()

    class Meta:
        indexes: ClassVar[list[models.Index]] = [models.Index(fields=["-at"], name="plan_moves_newest_first")]

    def __str__(self) -> str:
        return f"{self.kind} of {self.account_id}: {self.before} to {self.after}"
