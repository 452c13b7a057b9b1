"""What is compared at night, tenant by tenant: each function answers what was compared, and where both sides differ."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from uuid import UUID

from django.db.models import Sum
from django.db.models.functions import TruncDate

from billing.gateway import gateway
from billing.models import Difference, Meter, MeterReport, StripeMeter

DAY: Final = timedelta(days=1)
DAYS: Final = 34  # that are compared: what is older can be changed by nobody
AT_STRIPE: Final = ("pending", "sending", "sent", "verify", "rejected")  # what Stripe has, or should have


@dataclass(frozen=True, slots=True)
class Key:
    """What a difference is about."""

    kind: Difference.Kind
    meter: str = ""
    day: date | None = None
    subject: str = ""


@dataclass(frozen=True, slots=True)
class Compared:
    """How much was compared, and both sides of what differs: ours, Stripe's."""

    count: int
    differing: Mapping[Key, tuple[int, int]]


def compared(both: Iterable[tuple[Key, int, int]]) -> Compared:
    """From all pairs."""
    pairs = list(both)
    return Compared(len(pairs), {key: (ours, stripes) for key, ours, stripes in pairs if ours != stripes})


def usage(account_id: UUID, customer: str, until: date) -> Compared:
    """The days before `until`, in UTC: what we told Stripe, or should have, against what it counts."""
    ours = _our_days(account_id, until)
    pairs: list[tuple[Key, int, int]] = []
    for meter in StripeMeter.objects.order_by("meter"):
        stripes = _stripes_days(meter, customer, until)
        for day in sorted(ours[meter.meter].keys() | stripes.keys()):
            told = max(0, ours[meter.meter].get(day, 0))  # Stripe's sums do not go below
            pairs.append((Key(Difference.Kind.USAGE, Meter(meter.meter).value, day), told, stripes.get(day, 0)))
    return compared(pairs)


def _our_days(account_id: UUID, until: date) -> dict[str, dict[date, int]]:
    days: dict[str, dict[date, int]] = defaultdict(dict)
    batches = MeterReport.objects.filter(
        account_id=account_id,
        status__in=AT_STRIPE,
        event_time__gte=_midnight(until - DAYS * DAY),
        event_time__lt=_midnight(until),
    )
    by_day = batches.annotate(day=TruncDate("event_time", tzinfo=UTC)).values_list("meter", "day").annotate(Sum("quantity"))
    for meter, day, quantity in by_day:
        days[meter][day] = quantity
    return days


def _stripes_days(meter: StripeMeter, customer: str, until: date) -> dict[date, int]:
    found = gateway().summaries(
        meter_id=meter.stripe_meter_id,
        customer=customer,
        start=_midnight(until - DAYS * DAY),
        end=_midnight(until),
        window="day",
    )
    return {summary.start.date(): int(summary.value) for summary in found}


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
