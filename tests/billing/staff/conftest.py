"""Members of staff in their groups, and tenants that pay, in rows."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.contrib.auth.models import Group

from billing.clock import now
from billing.models import Invoice, PlanMove, PlanVersion, Subscription
from billing.periods import period_from
from billing.services.plans import version_of, write_plans
from tenants.models import User
from tests.support.cast import make_user

MakeStaff = Callable[..., User]


@pytest.fixture(autouse=True)
def _plans() -> None:
    write_plans()


@pytest.fixture
def make_staff() -> MakeStaff:
    """A member of staff of a group; of none, a superuser."""

    def make(group: str = "") -> User:
        user = make_user(f"{uuid4().hex[:8]}@staff.example", "Sam")
        User.objects.filter(id=user.id).update(is_staff=True, is_superuser=not group)
        if group:
            user.groups.add(Group.objects.get(name=group))
        return User.objects.get(id=user.id)

    return make


@pytest.fixture
def staff_group() -> str:
    """Which Sam and Lea are in."""
    return "billing"


@pytest.fixture
def sam(make_staff: MakeStaff, staff_group: str) -> User:
    return make_staff(staff_group)


@pytest.fixture
def lea(make_staff: MakeStaff, staff_group: str) -> User:
    return make_staff(staff_group)


def subscribe(account_id: UUID, *, plan: str = "team", seats: int = 5, **values: Any) -> Subscription:
    """A subscription as Stripe's mirror would have it."""
    version: PlanVersion = version_of(plan)
    begun = now() - timedelta(days=3)
    period = period_from(begun, begun)
    given: dict[str, Any] = {
        "stripe_id": f"sub_{uuid4().hex}",
        "status": "active",
        "plan": version,
        "interval": "month",
        "seats": seats,
        "anchor": begun,
        "period_start": period.start,
        "period_end": period.end,
        "seat_period_start": period.start,
        "seat_period_end": period.end,
        "created_at": begun,
        "fetched_at": begun,
    }
    made: Subscription = Subscription.objects.create(account_id=account_id, **given | values)
    return made


def invoice(account_id: UUID, **values: Any) -> Invoice:
    """An invoice as Stripe's mirror would have it: paid, of 75.00."""
    moment = now() - timedelta(days=3)
    given: dict[str, Any] = {
        "stripe_id": f"in_{uuid4().hex}",
        "number": f"P-{uuid4().hex[:6]}",
        "status": "paid",
        "currency": "usd",
        "subtotal": 75_00,
        "total": 75_00,
        "amount_due": 75_00,
        "amount_paid": 75_00,
        "amount_remaining": 0,
        "period_start": moment,
        "period_end": moment,
        "created_at": moment,
        "paid_at": moment,
        "fetched_at": moment,
    }
    made: Invoice = Invoice.objects.create(account_id=account_id, **given | values)
    return made


def move(account_id: UUID, kind: str, before: int, after: int, **values: Any) -> PlanMove:
    """What moved MRR."""
    made: PlanMove = PlanMove.objects.create(
        account_id=account_id, kind=kind, currency="usd", before=before, after=after, at=now(), **values
    )
    return made
