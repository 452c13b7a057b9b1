"""Two of the staff give something at the very same moment."""

from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import pytest

from billing.clock import now
from billing.models import Adjustment, BillingAccount, Subscription
from billing.services import adjustments
from billing.services.asked import Asked
from saas.core.errors import Conflict
from tenants.models import User
from tests.support.cast import MakeTenant
from tests.support.order import at_once_behind


@pytest.fixture
def usual_plan() -> str:
    """None that would stand in the way of a comp."""
    return "free"


def comp(account_id: UUID, key: UUID | None = None) -> Asked:
    """For so long that a second person must see it."""
    until = now() + timedelta(days=700)
    return Asked("comp", account_id, "A charity.", key or uuid4(), amount=3, subject="business", until=until)


def test_one_key_for_two_tenants_is_refused_to_the_second(sam: User, make_tenant: MakeTenant) -> None:
    """Who asks is held, whom both rows need at their commit."""
    key, tenants = uuid4(), [make_tenant(), make_tenant()]
    held = User.objects.select_for_update().filter(id=sam.id)
    answers = at_once_behind(held.get, [partial(adjustments.ask, comp(tenant.id, key), by=sam) for tenant in tenants])
    (refusal,) = [answer for answer in answers if isinstance(answer, Conflict)]
    assert "This form was sent before with something else in it" in refusal.message
    assert Adjustment.objects.filter(form_key=key).count() == 1


OTHER = {"amount": 4, "until": now() + timedelta(days=699), "subject": "team"}


@pytest.mark.parametrize("part", OTHER)
def test_one_key_for_something_else_is_refused(sam: User, make_tenant: MakeTenant, part: str) -> None:
    asked = comp(make_tenant().id)
    made = adjustments.ask(asked, by=sam)
    assert adjustments.ask(asked, by=sam) == made
    other: dict[str, Any] = {part: OTHER[part]}
    with pytest.raises(Conflict, match="sent before with something else"):
        adjustments.ask(replace(asked, **other), by=sam)


def test_of_two_comps_the_second_is_told_of_the_first(sam: User, lea: User, make_tenant: MakeTenant) -> None:
    account_id = make_tenant().id
    waiting = [adjustments.ask(comp(account_id), by=sam) for _ in range(2)]
    held = BillingAccount.objects.select_for_update().filter(pk=account_id)
    done = at_once_behind(held.get, [partial(adjustments.approve, one.id, by=lea) for one in waiting])
    assert sorted((one.status, one.error) for one in done) == [
        ("done", ""),
        ("failed", "This tenant has a subscription. Cancel that first, or give a credit."),
    ]
    assert Subscription.for_tenant(account_id).count() == 1
