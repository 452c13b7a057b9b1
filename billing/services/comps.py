"""A plan for nothing: what staff give, what a demo begins with."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from billing.clock import now
from billing.models import PlanVersion, SeatEntry, Subscription
from billing.periods import period_from
from billing.services import access
from billing.services.plans import use, version_of, write_plans


def give(account_id: UUID, version: PlanVersion, *, seats: int, until: datetime | None = None) -> UUID:
    """The plan from now on, without a price; None: for good. The subscription's id.

    Raises IntegrityError for a tenant whose subscription lives, BadFrame for a day that is over or more than two years ahead.
    """
    if until is not None:
        access.must_end(until, "A comp")
    begun = now()
    period = period_from(begun, begun)
    with transaction.atomic():
        made = Subscription.objects.create(
            account_id=account_id,
            source=Subscription.Source.COMP,
            status="active",
            plan=version,
            interval="month",
            seats=seats,
            anchor=begun,
            period_start=period.start,
            period_end=period.end,
            seat_period_start=begun,
            seat_period_end=until or period.end,
            cancel_at=until,
            created_at=begun,
            fetched_at=begun,
        )
        SeatEntry.objects.create(account_id=account_id, seats=seats, seats_next=seats, reason="comp", at=begun)
        use(version)
        access.settle(account_id)
    return UUID(str(made.id))


def give_key(account_id: UUID, key: str, *, seats: int) -> UUID:
    """The same for good, by the plan's key, where nobody has written the plans yet: for demos, benches and tests."""
    if not PlanVersion.objects.filter(key=key, is_current=True).exists():
        write_plans()
    return give(account_id, version_of(key), seats=seats)
