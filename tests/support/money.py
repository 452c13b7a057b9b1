"""A tenant with a paid subscription, as rows alone: for tests that ask nothing of Stripe."""

from datetime import datetime
from uuid import uuid4

from billing.clock import now
from billing.models import SeatEntry, Subscription
from billing.periods import period_from
from billing.services.plans import use, version_of, write_plans
from tenants.context import TenantRef


def paying(
    tenant: TenantRef, *, plan: str = "team", seats: int = 5, status: str = "active", anchor: datetime | None = None
) -> Subscription:
    """The tenant's subscription by the month, as the mirror would have it, counted from the anchor (now by default)."""
    write_plans()
    version, begun = version_of(plan), anchor or now().replace(microsecond=0)
    period = period_from(begun, now())
    use(version)
    SeatEntry.objects.create(account_id=tenant.id, seats=seats, seats_next=seats, reason="as Stripe says", at=begun)
    made: Subscription = Subscription.objects.create(
        account_id=tenant.id,
        stripe_id=f"sub_{uuid4().hex[:14]}",
        status=status,
        plan=version,
        interval="month",
        seats=seats,
        anchor=begun,
        period_start=period.start,
        period_end=period.end,
        seat_period_start=period.start,
        seat_period_end=period.end,
        created_at=begun,
        fetched_at=now(),
    )
    return made
