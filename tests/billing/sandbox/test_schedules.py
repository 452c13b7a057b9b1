"""Schedules of the stand-in: a plan that changes at the end of a period."""

from typing import Any

import pytest
import stripe

from tests.billing.sandbox.desk import BUSINESS, DAY, HOUR, TEAM, Desk, end


def schedule(desk: Desk, sub: stripe.Subscription, later: list[dict[str, Any]], **more: Any) -> stripe.SubscriptionSchedule:
    """What runs now until the end of the period, then other items."""
    made = desk.stripe.v1.subscription_schedules.create({"from_subscription": sub.id})
    now = made.phases[0]
    first = {
        "items": [{"price": str(item.price), **({"quantity": item.quantity} if item.quantity else {})} for item in now["items"]],
        "start_date": now.start_date,
        "end_date": now.end_date,
    }
    asked: Any = {"phases": [first, {"items": later, "proration_behavior": "none", **more}], "end_behavior": "release"}
    return desk.stripe.v1.subscription_schedules.update(made.id, asked)


def business(desk: Desk, seats: int = 3) -> stripe.Subscription:
    return desk.subscribe(items=[{"price": desk.business, "quantity": seats}, {"price": desk.messages}])


def test_a_downgrade_waits_for_the_end_of_the_period(paying: Desk) -> None:
    sub = business(paying)
    made = schedule(paying, sub, [{"price": paying.team, "quantity": 2}, {"price": paying.messages}])
    assert (made.status, made.subscription, len(made.phases)) == ("active", sub.id, 2)
    assert paying.fetch(sub).schedule == made.id
    paying.use(1_300)
    assert paying.preview(sub).total == 2 * TEAM + 120
    paying.sandbox.advance_to(end(sub) - 600)  # its clock goes on by itself, and soon shows the next second
    assert paying.fetch(sub)["items"].data[0].price.id == paying.business

    paying.sandbox.advance(600 + HOUR)

    items = {item.price.id: item for item in paying.fetch(sub)["items"].data}
    assert items.keys() == {paying.team, paying.messages}
    assert items[paying.messages].id == sub["items"].data[1].id  # an item that keeps its price stays
    assert items[paying.team].current_period_start == end(sub)
    assert paying.invoices()[-1].amount_paid == 2 * TEAM + 120
    phase = paying.stripe.v1.subscription_schedules.retrieve(made.id).current_phase
    assert phase is not None
    assert phase.start_date == end(sub)


def test_a_schedule_lets_go_after_its_last_phase(paying: Desk) -> None:
    sub = business(paying)
    made = schedule(paying, sub, [{"price": paying.team, "quantity": 2}, {"price": paying.messages}])
    paying.sandbox.advance(65 * DAY)
    released = paying.stripe.v1.subscription_schedules.retrieve(made.id)
    assert (released.status, released.released_subscription, released.subscription) == ("released", sub.id, None)
    assert (paying.fetch(sub).status, paying.fetch(sub).schedule) == ("active", None)
    assert [invoice.total for invoice in paying.invoices()] == [3 * BUSINESS, 2 * TEAM, 2 * TEAM]


def test_a_released_schedule_changes_nothing_any_more(paying: Desk) -> None:
    sub = business(paying)
    made = schedule(paying, sub, [{"price": paying.team, "quantity": 2}, {"price": paying.messages}])
    paying.stripe.v1.subscription_schedules.release(made.id)
    paying.sandbox.advance_to(end(sub) + HOUR)
    assert paying.invoices()[-1].total == 3 * BUSINESS
    assert paying.events("subscription_schedule.released") == ["subscription_schedule.released"]
    with pytest.raises(stripe.InvalidRequestError, match="This schedule is released"):
        paying.stripe.v1.subscription_schedules.release(made.id)


def test_fewer_seats_at_the_end_of_the_period(paying: Desk) -> None:
    sub = paying.subscribe(seats=5)
    schedule(paying, sub, [{"price": paying.team, "quantity": 2}, {"price": paying.messages}])
    assert paying.fetch(sub)["items"].data[0].quantity == 5
    paying.sandbox.advance_to(end(sub) + HOUR)
    renewed = paying.fetch(sub)["items"].data[0]
    assert (renewed.quantity, renewed.id) == (2, sub["items"].data[0].id)
    assert paying.invoices()[-1].amount_paid == 2 * TEAM


def test_a_cancelled_schedule_ends_the_subscription(paying: Desk) -> None:
    sub = business(paying)
    made = schedule(paying, sub, [{"price": paying.team, "quantity": 2}])
    assert paying.stripe.v1.subscription_schedules.cancel(made.id).status == "canceled"
    assert paying.fetch(sub).status == "canceled"


def test_a_cancelled_subscription_ends_its_schedule(paying: Desk) -> None:
    sub = business(paying)
    made = schedule(paying, sub, [{"price": paying.team, "quantity": 2}])
    paying.stripe.v1.subscriptions.cancel(sub.id)
    assert paying.stripe.v1.subscription_schedules.retrieve(made.id).status == "canceled"


def test_the_end_of_a_scheduled_subscription_is_the_schedules_matter(paying: Desk) -> None:
    sub = business(paying)
    schedule(paying, sub, [{"price": paying.team, "quantity": 2}])
    with pytest.raises(stripe.InvalidRequestError, match="Please update the schedule instead"):
        paying.update(sub, cancel_at_period_end=True)


def test_a_subscription_has_one_schedule(paying: Desk) -> None:
    sub = business(paying)
    paying.stripe.v1.subscription_schedules.create({"from_subscription": sub.id})
    with pytest.raises(stripe.InvalidRequestError, match="already attached to a schedule"):
        paying.stripe.v1.subscription_schedules.create({"from_subscription": sub.id})


def test_phases_without_the_current_one_are_refused(paying: Desk) -> None:
    sub = business(paying)
    made = paying.stripe.v1.subscription_schedules.create({"from_subscription": sub.id})
    start = end(sub)
    phases: Any = [{"items": [{"price": paying.team, "quantity": 1}], "start_date": start, "end_date": start + DAY}]
    with pytest.raises(stripe.InvalidRequestError, match="must include the one that is under way"):
        paying.stripe.v1.subscription_schedules.update(made.id, {"phases": phases})


def test_a_schedule_can_begin_a_subscription_later(paying: Desk) -> None:
    start = paying.sandbox.now() + 5 * DAY
    phases: Any = [{"items": [{"price": paying.team, "quantity": 1}], "duration": {"interval": "month"}}]
    asked: Any = {"customer": paying.customer, "start_date": start, "phases": phases}
    made = paying.stripe.v1.subscription_schedules.create(asked)
    assert (made.status, made.subscription) == ("not_started", None)
    paying.sandbox.advance_to(start)
    begun = paying.stripe.v1.subscription_schedules.retrieve(made.id)
    assert begun.status == "active"
    assert paying.stripe.v1.subscriptions.retrieve(str(begun.subscription)).status == "active"
