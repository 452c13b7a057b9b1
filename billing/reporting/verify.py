"""Batches whose fate nobody knows: tried 20 hours ago or more, without an answer that was written down.

Stripe knows an identifier for about 24 hours. After that the same one counts twice, so nobody sends such a batch again before
Stripe's own sum of the hour has said whether it is in there.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import combinations
from typing import Final
from uuid import UUID

from django.db import models
from django.db.models import Q, Sum
from django.db.models.functions import TruncHour

from billing.clock import now
from billing.gateway import gateway
from billing.models import BillingAccount, MeterReport, StripeMeter
from billing.reporting.leases import BLIND

HOUR: Final = timedelta(hours=1)
FORGOTTEN: Final = timedelta(hours=25)  # after which Stripe surely knows neither an identifier nor a key any more
MOST: Final = 12  # batches of one hour whose fates are told apart by their sum
Status = MeterReport.Status
Place = tuple[UUID, str, datetime]  # account, meter, hour of Stripe's count


def verify() -> int:
    """Compare what nobody knows with Stripe's sums of its hours; how many batches are settled: sent, or to be sent again.

    What the sums do not tell stays `verify`, with both numbers, for staff. Raises what the gateway raises.
    """
    set_aside()
    return sum(settle(place) for place in places())


def set_aside() -> int:
    """Mark what was tried too long ago and may not be sent again blindly; how many."""
    stale = Q(status__in=(Status.PENDING, Status.SENDING), first_sent_at__lte=now() - BLIND)
    return MeterReport.objects.filter(stale).update(status=Status.VERIFY)


def places() -> list[Place]:
    """The hours that hold batches in doubt."""
    waiting = MeterReport.objects.filter(status=Status.VERIFY).annotate(hour=TruncHour("event_time"))
    return list(waiting.order_by("account_id", "meter", "hour").values_list("account_id", "meter", "hour").distinct())


def settle(place: Place) -> int:
    """Settle the batches of an hour that are in doubt, if Stripe's sum explains them; how many."""
    stripes, known = _stripes(place), _known(place)
    if stripes is None or known is None:
        return 0
    batches = list(_of(place).filter(status=Status.VERIFY).order_by("id"))
    is_forgotten = all(batch.first_sent_at and batch.first_sent_at < now() - FORGOTTEN for batch in batches)
    counted = counted_of(stripes - known, {batch.id: batch.quantity for batch in batches}, is_forgotten=is_forgotten)
    if counted is None:
        words = f"Stripe has {stripes} in this hour, and {known} of it are known: no one choice of those in doubt explains it."
        MeterReport.objects.filter(id__in=[batch.id for batch in batches], status=Status.VERIFY).update(error=words)
        return 0
    _write([batch for batch in batches if batch.id in counted], was_counted=True)
    _write([batch for batch in batches if batch.id not in counted], was_counted=False)
    return len(batches)


def counted_of(missing: int, quantities: Mapping[UUID, int], *, is_forgotten: bool) -> frozenset[UUID] | None:
    """Which batches make up what Stripe has more than we know of: the one choice whose sum it is, or None without just one.

    Choices of the same numbers are as good as each other once Stripe has forgotten the identifiers: each counts that is sent.
    """
    if len(quantities) > MOST:
        return {0: frozenset[UUID](), sum(quantities.values()): frozenset(quantities)}.get(missing)
    choices = (choice for size in range(len(quantities) + 1) for choice in combinations(quantities, size))
    fitting = [frozenset(choice) for choice in choices if sum(quantities[batch] for batch in choice) == missing]
    kinds = {tuple(sorted(quantities[batch] for batch in choice)) for choice in fitting}
    is_clear = len(fitting) == 1 or (is_forgotten and len(kinds) == 1)
    return fitting[0] if is_clear else None


def _write(batches: Sequence[MeterReport], *, was_counted: bool) -> None:
    sent = {"status": Status.SENT, "sent_at": now(), "error": ""}
    again = {"status": Status.PENDING, "first_sent_at": None, "next_attempt_at": now(), "error": ""}
    mine = MeterReport.objects.filter(id__in=[batch.id for batch in batches], status=Status.VERIFY)
    mine.update(**(sent if was_counted else again))


def _stripes(place: Place) -> int | None:
    """What Stripe counts in the hour; None where tenant or meter is not known there."""
    account_id, meter, hour = place
    customer = BillingAccount.objects.values_list("stripe_customer_id", flat=True).get(pk=account_id)
    stripe_meter = StripeMeter.objects.filter(meter=meter).first()
    if not customer or stripe_meter is None:
        return None
    found = gateway().summaries(
        meter_id=stripe_meter.stripe_meter_id, customer=customer, start=hour, end=hour + HOUR, window="hour"
    )
    return sum(int(summary.value) for summary in found)


def _known(place: Place) -> int | None:
    """What Stripe certainly has of the hour; None while another batch of it is under way, whose fate is not known either."""
    batches = _of(place)
    if batches.filter(status__in=(Status.PENDING, Status.SENDING), first_sent_at__isnull=False).exists():
        return None
    return batches.filter(status=Status.SENT).aggregate(sum=Sum("quantity"))["sum"] or 0


def _of(place: Place) -> models.QuerySet[MeterReport]:
    account_id, meter, hour = place
    found: models.QuerySet[MeterReport] = MeterReport.objects.filter(
        account_id=account_id, meter=meter, event_time__gte=hour, event_time__lt=hour + HOUR
    )
    return found
