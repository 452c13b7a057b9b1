"""What a tenant's state follows from, read from the rows of billing."""

from datetime import datetime
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db.models import Q

from billing.access import Days, Facts, State
from billing.clock import now
from billing.models import BillingAccount, Invoice, Subscription, UsageAlert
from billing.selectors.limits import Limits, newest_of

CLOSING: Final = "closing"  # what a UsageAlert has for a meter that says that data will be deleted
LATE: Final = "late"  # or that a payment is late


def facts_of(account: BillingAccount, limits: Limits) -> Facts:
    """All of it at this moment. To act upon it, hold the account's lock."""
    moment, newest = now(), newest_of(account.pk)
    return Facts(
        now=moment,
        owed_since=_owed_since(account, newest, moment),
        status=newest.status if newest else "",
        is_trial_over=newest is not None and _is_trial_over(newest, moment),
        has_spent_cap=limits.is_spent,
        is_over_plan=bool(limits.over),
        lacks_seats=limits.lacks_seats,
        limit_ends=limits.period.end if limits.over or limits.is_spent else None,
        exempt_until=account.exempt_until,
        by_staff=account.suspended_by_staff,
        by_owner=account.access_state == State.CLOSED,
        warned_at=warned_at(account),
        days=days(),
    )


def days() -> Days:
    """As the settings have them."""
    return Days(settings.BILLING_GRACE_DAYS, settings.BILLING_RESTRICTED_DAYS, settings.BILLING_CLOSED_DAYS)


def owed(account_id: UUID) -> Q:
    """The invoices of a tenant that a card did not pay. What never became a subscription is not owed."""
    failed = Q(account_id=account_id, status__in=("open", "uncollectible"), attempt_count__gt=0, amount_remaining__gt=0)
    return failed & ~Q(subscription__status__in=("incomplete", "incomplete_expired"))


def warned_at(account: BillingAccount) -> datetime | None:
    """When a tenant was told for the last time that its data will be deleted."""
    if account.failing_since is None:
        return None
    told = UsageAlert.for_tenant(account.pk).filter(meter=CLOSING, period_start=account.failing_since)
    return told.order_by("-at").values_list("at", flat=True).first()


def _owed_since(account: BillingAccount, newest: Subscription | None, moment: datetime) -> datetime | None:
    """Since we learned of it: the days that a tenant is given begin with the mail that says so."""
    is_late = newest is not None and newest.status in {"past_due", "unpaid"}
    if not is_late and not Invoice.objects.filter(owed(account.pk)).exists():
        return None
    return account.failing_since or moment


def _is_trial_over(subscription: Subscription, moment: datetime) -> bool:
    """Whether its trial has ended, and it was never paid for."""
    if subscription.trial_end is None or subscription.trial_end > moment:
        return False
    return not Invoice.objects.filter(subscription=subscription, amount_paid__gt=0).exists()
