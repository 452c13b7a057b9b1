"""What was used before a change of plan or a pause is on the invoice of that moment, at the prices of then."""

from datetime import timedelta
from uuid import UUID

import pytest
from django.utils import timezone

from billing.models import Meter, MeterReport, UsageEvent
from billing.reporting.freeze import freeze_period
from billing.services.stripe.plan_change import change, pause, preview_change
from saas.core.errors import Conflict
from tests.billing.buyer import ADA, Buyer
from tests.support.cast import MakeTenant
from tests.support.stripe import Sandbox
from tests.support.usage import id_at

BEYOND = 2_000 * 4 // 10  # of 3,000 messages with 1,000 included, at 0.4 cent


@pytest.fixture
def buyer(sandbox: Sandbox, make_tenant: MakeTenant) -> Buyer:
    """Has Team with 5 seats, by the month, since a minute."""
    found = Buyer(sandbox, make_tenant())
    found.buy()
    sandbox.advance(60)
    return found


def use(buyer: Buyer, messages: int) -> None:
    """In the first millisecond of the subscription, whose hour is not over."""
    moment = buyer.live.created_at + timedelta(milliseconds=1)
    said = {"tenant_id": buyer.id, "meter": Meter.MESSAGE, "quantity": messages}
    UsageEvent.objects.create(**said, source_id=id_at(moment), occurred_at=moment, recorded_at=moment)


def told(buyer: Buyer) -> int:
    """What Stripe counted of messages."""
    events = [row for row in buyer.sandbox.state("_meter_event") if row["customer"] == buyer.account.stripe_customer_id]
    return sum(int(row["value"]) for row in events)


def batches(account_id: UUID) -> list[tuple[int, str, bool]]:
    """Quantity, state, and whether it counts in a later period."""
    rows = MeterReport.for_tenant(account_id).order_by("window_start", "seq")
    return list(rows.values_list("quantity", "status", "is_late"))


def test_usage_of_the_running_hour_is_shown_and_charged(buyer: Buyer) -> None:
    without = preview_change(buyer.id, plan_key="business", interval="month").amount_now
    use(buyer, 3_000)
    preview = preview_change(buyer.id, plan_key="business", interval="month")
    assert abs(preview.amount_now - without - BEYOND) < 5  # the seconds between the two
    change(buyer.id, preview, actor=ADA)
    assert buyer.invoices()[-1]["amount_paid"] == preview.amount_now
    assert (told(buyer), batches(buyer.id)) == (3_000, [(3_000, "sent", False)])


def test_usage_since_the_look_is_shown_anew(buyer: Buyer) -> None:
    preview = preview_change(buyer.id, plan_key="business", interval="month")
    use(buyer, 3_000)
    with pytest.raises(Conflict, match="Look at it anew"):
        change(buyer.id, preview, actor=ADA)
    assert buyer.live.plan.key == "team"
    change(buyer.id, preview_change(buyer.id, plan_key="business", interval="month"), actor=ADA)
    assert buyer.live.plan.key == "business"


def test_what_comes_late_counts_in_the_new_period(buyer: Buyer) -> None:
    """The old one is invoiced, though nobody told us of the invoice yet: Stripe would count it nowhere."""
    change(buyer.id, preview_change(buyer.id, plan_key="business", interval="month"), actor=ADA)
    use(buyer, 7)
    freeze_period(buyer.id, timezone.now())
    assert batches(buyer.id) == [(7, "pending", True)]
    assert MeterReport.for_tenant(buyer.id).get().event_time >= buyer.live.period_start


def test_usage_is_told_before_a_pause(buyer: Buyer) -> None:
    use(buyer, 3_000)
    pause(buyer.id, actor=ADA)
    assert (buyer.live.status, told(buyer)) == ("paused", 3_000)
    assert any(line["amount"] == BEYOND for line in buyer.invoices()[-1]["lines"]["data"])


def test_nothing_changes_while_stripe_takes_no_usage(buyer: Buyer) -> None:
    use(buyer, 3_000)
    buyer.sandbox.fail("error", on="POST /v1/billing/meter_events", times=None, status=429)
    with pytest.raises(Conflict, match="not told of all usage yet"):
        preview_change(buyer.id, plan_key="business", interval="month")
    with pytest.raises(Conflict, match="not told of all usage yet"):
        pause(buyer.id, actor=ADA)
    assert (buyer.live.plan.key, buyer.live.status) == ("team", "active")
    buyer.sandbox.mend()
    MeterReport.for_tenant(buyer.id).update(next_attempt_at=timezone.now())
    pause(buyer.id, actor=ADA)
    assert told(buyer) == 3_000
