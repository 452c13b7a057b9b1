"""Meter events at the stand-in, through the real SDK: what counts, what is refused, what is reported afterwards."""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import stripe

from tests.support.stripe import Sandbox

DAY = 86_400


class Shop:
    """A customer and a meter, and words for sending events of theirs."""

    def __init__(self, sandbox: Sandbox, formula: str = "sum") -> None:
        self.sandbox = sandbox
        self.client = sandbox.client()
        self.customer = self.client.v1.customers.create({"name": "acme"}).id
        self.meter = self.client.v1.billing.meters.create(
            {"display_name": "Messages", "event_name": "messages", "default_aggregation": {"formula": formula}}
        ).id

    def send(self, value: str, identifier: str, *, at: int | None = None, customer: str = "", key: str | None = None) -> None:
        event: Any = {
            "event_name": "messages",
            "payload": {"stripe_customer_id": customer or self.customer, "value": value},
            "identifier": identifier,
        }
        asked = event | ({"timestamp": at} if at else {})
        self.client.v1.billing.meter_events.create(asked, {"idempotency_key": key} if key else {})

    def used(self, start: int, end: int, window: str | None = None) -> list[float]:
        asked: Any = {"customer": self.customer, "start_time": start, "end_time": end}
        if window:
            asked["value_grouping_window"] = window
        return [row.aggregated_value for row in self.client.v1.billing.meters.event_summaries.list(self.meter, asked).data]


@pytest.fixture
def shop(sandbox: Sandbox) -> Shop:
    return Shop(sandbox)


def this_hour() -> int:
    return int(time.time()) // 3600 * 3600


def test_events_add_up_by_hour_and_day(shop: Shop) -> None:
    hour = this_hour() - 3600
    shop.send("300", "a", at=hour)
    shop.send("200", "b", at=hour + 3599)
    shop.send("1", "c", at=hour - 1)

    assert shop.used(hour - 3600, hour + 3600, "hour") == [500, 1]
    assert shop.used(hour - 60, hour + 60) == [301]
    day = (hour - 1) // DAY * DAY
    assert sum(shop.used(day, day + 2 * DAY, "day")) == 501


def test_the_last_value_or_the_count_where_the_meter_says_so(sandbox: Sandbox) -> None:
    for formula, expected in (("last", 7), ("count", 3)):
        sandbox.reset()
        shop = Shop(sandbox, formula)
        hour = this_hour() - 3600
        shop.send("9", "a", at=hour + 5)
        shop.send("7", "b", at=hour + 9)
        shop.send("8", "c", at=hour + 7)
        assert shop.used(hour, hour + 3600) == [expected]


def test_a_negative_event_corrects_and_a_total_is_never_below_nothing(shop: Shop) -> None:
    hour = this_hour() - 7200
    shop.send("5", "a", at=hour)
    shop.send("-2", "b", at=hour)
    assert shop.used(hour, hour + 3600) == [3]

    shop.send("-9", "c", at=hour + 3600)
    assert shop.used(hour, hour + 7200) == [0]


def test_an_identifier_is_refused_a_second_time_and_not_to_be_tried_again(shop: Shop) -> None:
    shop.client = shop.sandbox.client(max_network_retries=3)
    shop.send("1", "a")
    asked = shop.sandbox.report()["requests"]

    with pytest.raises(
        stripe.InvalidRequestError, match=r"^Request req_\w+: An event already exists with identifier a\.$"
    ) as caught:
        shop.send("1", "a")

    assert (caught.value.http_status, caught.value.code) == (400, None)
    assert shop.sandbox.report()["requests"] == asked + 1


def test_an_identifier_counts_again_after_a_day(shop: Shop) -> None:
    """The hazard that a batch must be verified for before it is sent again."""
    hour = this_hour()
    shop.send("1", "a", at=hour)
    shop.sandbox.advance(25 * 3600)
    shop.send("1", "a", at=hour)

    assert shop.used(hour, hour + 3600) == [2]


def test_the_same_key_sends_once_where_another_key_is_refused(shop: Shop) -> None:
    hour = this_hour()
    shop.send("1", "a", at=hour, key="a")
    shop.send("1", "a", at=hour, key="a")
    assert shop.used(hour, hour + 3600) == [1]

    with pytest.raises(stripe.InvalidRequestError, match="already exists"):
        shop.send("1", "a", at=hour, key="b")


@pytest.mark.parametrize("fault", ["error", "error_after", "cut", "cut_after"])
def test_no_fault_counts_an_event_twice(shop: Shop, fault: str) -> None:
    shop.client = shop.sandbox.client(max_network_retries=2)
    shop.sandbox.fail(fault, "POST /v1/billing/meter_events")
    hour = this_hour()
    shop.send("1", "a", at=hour, key="a")

    assert shop.used(hour, hour + 3600) == [1]


@pytest.mark.parametrize(("shift", "code"), [(-35 * DAY - 60, "timestamp_too_far_in_past"), (360, "timestamp_in_future")])
def test_an_event_is_refused_that_is_too_old_or_too_early(shop: Shop, shift: int, code: str) -> None:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        shop.send("1", "a", at=shop.sandbox.now() + shift)

    assert (caught.value.code, caught.value.param) == (code, "timestamp")


@pytest.mark.parametrize("shift", [-35 * DAY + 60, 240])
def test_an_event_may_be_35_days_old_and_5_minutes_early(shop: Shop, shift: int) -> None:
    shop.send("1", "a", at=shop.sandbox.now() + shift)

    assert len(shop.sandbox.state("_meter_event")) == 1


def test_an_unknown_meter_is_refused(shop: Shop) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="No active meter found for event_name visits"):
        shop.client.v1.billing.meter_events.create(
            {"event_name": "visits", "payload": {"stripe_customer_id": shop.customer, "value": "1"}}
        )


def test_what_cannot_be_billed_is_accepted_and_reported_with_its_key(shop: Shop) -> None:
    hour = this_hour()
    shop.send("1", "a", at=hour, customer="cus_of_nobody", key="acme:messages:1")
    shop.send("many", "b", at=hour, key="acme:messages:2")
    shop.send("1" * 16, "c", at=hour, key="acme:messages:3")
    shop.client.v1.billing.meters.deactivate(shop.meter)
    shop.send("1", "d", at=hour, key="acme:messages:4")

    thin = [message for message in shop.sandbox.take() if message.kind == "thin"]
    found = []
    for message in thin:
        notice = shop.client.parse_event_notification(message.body, message.signature, "whsec_of_the_suite_thin")
        assert isinstance(notice, stripe.events.V1BillingMeterErrorReportTriggeredEventNotification)
        assert notice.fetch_related_object().id == shop.meter
        error = notice.fetch_event().data.reason.error_types[0]
        found.append((error.code, error.sample_errors[0].request.identifier))
    assert found == [
        ("meter_event_customer_not_found", "acme:messages:1"),
        ("meter_event_invalid_value", "acme:messages:2"),
        ("meter_event_value_too_many_digits", "acme:messages:3"),
        ("archived_meter", "acme:messages:4"),
    ]
    assert shop.used(hour, hour + 3600) == []


def test_an_event_is_cancelled_within_a_day(shop: Shop) -> None:
    hour = this_hour()
    shop.send("5", "a", at=hour)
    shop.send("3", "b", at=hour)
    shop.client.v1.billing.meter_event_adjustments.create(
        {"event_name": "messages", "type": "cancel", "cancel": {"identifier": "a"}}
    )
    assert shop.used(hour, hour + 3600) == [3]

    shop.sandbox.advance(DAY)
    with pytest.raises(stripe.InvalidRequestError, match="more than 24 hours ago"):
        shop.client.v1.billing.meter_event_adjustments.create(
            {"event_name": "messages", "type": "cancel", "cancel": {"identifier": "b"}}
        )


def test_the_bounds_of_summaries_are_aligned(shop: Shop) -> None:
    hour = this_hour()
    for start, end, window in (
        (hour + 1, hour + 3600, None),
        (hour + 60, hour + 3660, "hour"),
        (hour // DAY * DAY + 3600, hour + DAY, "day"),
    ):
        with pytest.raises(stripe.InvalidRequestError, match="It must be aligned to"):
            shop.used(start, end, window)
    with pytest.raises(stripe.InvalidRequestError, match="must be after start_time"):
        shop.used(hour, hour)


def test_a_second_call_for_a_customer_and_meter_meets_the_first(shop: Shop) -> None:
    shop.sandbox.fail("delay", "POST /v1/billing/meter_events", seconds=3)
    with ThreadPoolExecutor(1) as other:
        first = other.submit(shop.send, "1", "a")
        while shop.sandbox.report()["validated"] < 3:  # the customer, the meter, and the first event
            pass
        with pytest.raises(stripe.RateLimitError) as caught:
            shop.send("1", "b")
        first.result()

    assert caught.value.error is not None
    assert caught.value.error.code == "lock_timeout"
    assert shop.sandbox.report()["collisions"] == 1
    shop.send("1", "b")


def test_calls_for_two_customers_do_not_meet(shop: Shop) -> None:
    globex = shop.client.v1.customers.create({"name": "globex"}).id
    shop.sandbox.fail("delay", "POST /v1/billing/meter_events", seconds=0.5)
    with ThreadPoolExecutor(1) as other:
        first = other.submit(shop.send, "1", "a")
        while shop.sandbox.report()["validated"] < 4:
            pass
        shop.send("1", "b", customer=globex)
        first.result()

    assert shop.sandbox.report()["collisions"] == 0


def test_one_active_meter_has_a_name(shop: Shop) -> None:
    create = shop.client.v1.billing.meters.create
    with pytest.raises(stripe.InvalidRequestError, match="already an active meter"):
        create({"display_name": "Again", "event_name": "messages", "default_aggregation": {"formula": "sum"}})

    shop.client.v1.billing.meters.deactivate(shop.meter)
    create({"display_name": "Again", "event_name": "messages", "default_aggregation": {"formula": "sum"}})
    assert [meter.status for meter in shop.client.v1.billing.meters.list().data] == ["active", "inactive"]


def test_the_second_version_of_the_api_takes_events_too(shop: Shop) -> None:
    event = shop.client.v2.billing.meter_events.create(
        {"event_name": "messages", "payload": {"stripe_customer_id": shop.customer, "value": "5"}, "identifier": "a"}
    )

    assert event.identifier == "a"
    assert shop.used(this_hour(), this_hour() + 3600) == [5]
