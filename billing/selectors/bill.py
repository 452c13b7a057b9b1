"""What a tenant has, what it used, and what it owes, read together for a page."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.conf import settings

from billing.access import Step, next_state
from billing.models import BillingAccount, Invoice, Meter, Subscription
from billing.periods import Period, period_of
from billing.plans import FREE, Plan
from billing.selectors.facts import facts_of
from billing.selectors.gauges import Gauge, gauges
from billing.selectors.invoices import unpaid
from billing.selectors.limits import Limits, limits_from
from billing.selectors.plans import Seats, live_subscription, seats
from billing.selectors.usage import used
from billing.terms import terms

TRIALING: Final = "trialing"


@dataclass(frozen=True, slots=True)
class Bill:
    """A tenant's billing at this moment."""

    account: BillingAccount
    subscription: Subscription | None
    plan: Plan
    seats: Seats
    period: Period
    gauges: list[Gauge]
    unpaid: list[Invoice]
    limits: Limits
    next_step: Step | None  # what becomes of its access by itself, and when

    @property
    def used(self) -> Mapping[Meter, int]:
        return {gauge.meter: gauge.used for gauge in self.gauges}

    @property
    def is_stripes(self) -> bool:
        """Whether Stripe has the subscription: else there is nothing to change or cancel there."""
        return self.subscription is not None and self.subscription.source == Subscription.Source.STRIPE

    @property
    def is_trial(self) -> bool:
        return self.subscription is not None and self.subscription.status == TRIALING

    @property
    def is_resting(self) -> bool:
        """Whether it is paused, or was tried and not paid for: then it has what Free includes, and pays nothing."""
        return self.limits.is_resting

    @property
    def can_pay(self) -> bool:
        """Whether this installation can take money."""
        return bool(settings.STRIPE_SECRET_KEY)


def bill_of(account: BillingAccount) -> Bill:
    """Read it all: a few statements, whatever the tenant's size."""
    tenant_id: UUID = account.pk
    live, period = live_subscription(tenant_id), period_of(tenant_id)
    plan, counted = terms(live.plan) if live else FREE, used(tenant_id, period)
    held = seats(tenant_id)
    limits = limits_from(account, live, plan, period, counted, seats_held=held.used)
    return Bill(
        account=account,
        subscription=live,
        plan=plan,
        seats=held,
        period=period,
        gauges=gauges(limits.plan, counted, is_trial=live is not None and live.status == TRIALING),
        unpaid=unpaid(tenant_id),
        limits=limits,
        next_step=next_state(account.access_state, facts_of(account, limits)).next_step,
    )
