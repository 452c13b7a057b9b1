"""Meter events at the stand-in, through the real SDK: what counts, what is refused, what is reported afterwards."""

import time

import pytest

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
        self.client.v1.billing.meter_events.create(
            {
                "event_name": "messages",
                "payload": {"stripe_customer_id": customer or self.customer, "value": value},
                "identifier": identifier,
                **({"timestamp": at} if at else {}),
            },
            {"idempotency_key": key} if key else {},
        )

    def used(self, start: int, end: int, window: str | None = None) -> list[float]:
        asked = {"customer": self.customer, "start_time": start, "end_time": end}
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
