"""Usage on its way to Stripe, and what Stripe counted."""

from datetime import datetime
from typing import Any, Literal

from billing.gateway import reading, shapes
from billing.gateway.client import PAGE, Clients, given, keyed
from billing.gateway.errors import translated


class Usage(Clients):
    """Meter events. One call at a time for each meter of a customer: else Stripe is busy."""

    def send_usage(self, report: shapes.UsageReport) -> None:
        """Raises AlreadyReported for what was delivered before, Refused, Busy, Denied, Away."""
        with translated():
            self.stripe.v1.billing.meter_events.create(_event(report), keyed(report.identifier))

    async def a_send_usage(self, report: shapes.UsageReport) -> None:
        """The same, over the client of this event loop."""
        with translated():
            await self.of_loop().v1.billing.meter_events.create_async(_event(report), keyed(report.identifier))

    def summaries(
        self, *, meter_id: str, customer: str, start: datetime, end: datetime, window: Literal["day", "hour"] = "day"
    ) -> list[shapes.Summary]:
        """What was counted in each window of [start, end) that has anything, in no order. Bounds are those of windows, in UTC."""
        asked = given(
            customer=customer,
            start_time=reading.second(start),
            end_time=reading.second(end),
            value_grouping_window=window,
            limit=PAGE,
        )
        with translated():
            rows = self.stripe.v1.billing.meters.event_summaries.list(meter_id, asked).auto_paging_iter()
            return [_summary(row.to_dict()) for row in rows]


def _event(report: shapes.UsageReport) -> Any:
    payload = {"stripe_customer_id": report.customer, "value": str(report.value)}
    return given(
        event_name=report.event_name,
        payload=payload,
        identifier=report.identifier,
        timestamp=reading.second(report.event_time),
    )


def _summary(raw: reading.Raw) -> shapes.Summary:
    start, end = reading.moment(raw["start_time"]), reading.moment(raw["end_time"])
    return shapes.Summary(start, end, int(raw["aggregated_value"]))
