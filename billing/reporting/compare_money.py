"""The other things compared at night: the next invoice and those that were made, by our arithmetic, the prices' tiers, and
whether there is a subscription that we do not know.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final
from uuid import UUID

from django.db.models import Sum

from billing.clock import now
from billing.gateway import gateway, shapes
from billing.gateway.errors import Refused
from billing.models import Difference, Invoice, MeterReport, PlanPrice, Subscription, SubscriptionItem
from billing.money import overage, rounded
from billing.plans import Allowance
from billing.reporting.compare import AT_STRIPE, Compared, Key, compared

NEW: Final = timedelta(hours=1)  # of a subscription whose event may still be on its way
BACK: Final = timedelta(days=45)  # invoices that are compared
MILLIONTH: Final = 1_000_000  # a rate is compared in millionths of the minor unit
Kind = Difference.Kind


def preview(account_id: UUID, customer: str) -> Compared:
    """The lines of the next invoice against what we make them. Nothing of a trial, or where none will come."""
    live = Subscription.objects.filter(account_id=account_id, source="stripe", status__in=("active", "past_due")).first()
    if live is None:
        return Compared(0, {})
    try:
        found = gateway().preview(customer=customer, subscription=live.stripe_id)
    except Refused:
        return Compared(0, {})
    return compared(_lines(account_id, found.lines, Kind.PREVIEW, ""))


def invoices(account_id: UUID, customer: str) -> Compared:
    """Those of the last weeks that are final: whether we have them as Stripe does, and whether their usage is ours."""
    found = [one for one in gateway().invoices(customer=customer, created_after=now() - BACK) if one.finalized_at]
    ours = {invoice.stripe_id: invoice for invoice in Invoice.objects.filter(account_id=account_id)}
    trials = list(Subscription.objects.filter(account_id=account_id, trial_end__isnull=False).values_list("trial_end", flat=True))
    pairs: list[tuple[Key, int, int]] = []
    for one in found:
        subject, mine = one.number or one.id, ours.get(one.id)
        pairs.append((Key(Kind.INVOICE, subject=subject), mine.total if mine else 0, one.total))
        pairs.append((Key(Kind.INVOICE, subject=f"{subject}, paid"), mine.amount_paid if mine else 0, one.amount_paid))
        billed = [line for line in one.lines if not any(end and line.period_start < end for end in trials)]
        pairs += _lines(account_id, billed, Kind.INVOICE, subject)
    return compared(pairs)


def subscriptions(account_id: UUID, customer: str) -> Compared:
    """Those that live at Stripe and have no row here, as of somebody who subscribed twice. One has an hour to get its row."""
    ours = set(Subscription.objects.filter(account_id=account_id, source="stripe").values_list("stripe_id", flat=True))
    living = [one for one in gateway().subscriptions(customer=customer) if one.status not in Subscription.ENDED]
    old = [one.id for one in living if one.created < now() - NEW]
    return compared((Key(Kind.SUBSCRIPTION, subject=id), int(id in ours), 1) for id in old)


def prices(account_id: UUID, stripes: Mapping[str, shapes.Price]) -> Compared:
    """What a tenant pays per unit, and what is included: the plan's row against Stripe's price, by lookup key."""
    mine = PlanPrice.objects.filter(
        id__in=SubscriptionItem.objects.filter(
            subscription__account_id=account_id, subscription__status__in=("active", "trialing", "past_due")
        ).values("price")
    )
    return compared(pair for price in mine for pair in _price(price, stripes.get(price.lookup_key)))


def prices_at_stripe() -> dict[str, shapes.Price]:
    """All of ours, by lookup key."""
    keys = list(PlanPrice.objects.filter(stripe_price_id__isnull=False).values_list("lookup_key", flat=True))
    return {price.lookup_key: price for price in gateway().prices(lookup_keys=keys)}


def _price(ours: PlanPrice, stripes: shapes.Price | None) -> Iterator[tuple[Key, int, int]]:
    amount, included = (stripes.unit_amount, stripes.included) if stripes else (Decimal(0), 0)
    yield Key(Kind.PRICE, subject=f"{ours.lookup_key}, millionths"), int(ours.unit_amount * MILLIONTH), int(amount * MILLIONTH)
    yield Key(Kind.PRICE, subject=f"{ours.lookup_key}, included"), ours.included, included


def _lines(account_id: UUID, lines: Iterable[shapes.Line], kind: Difference.Kind, subject: str) -> Iterator[tuple[Key, int, int]]:
    """Lines of the same price and time are one: tiers may be shown apart. Prorations are Stripe's own arithmetic."""
    amounts: dict[tuple[str, datetime, datetime], int] = defaultdict(int)
    quantities: dict[tuple[str, datetime, datetime], int] = defaultdict(int)
    for line in lines:
        if not line.is_proration:
            place = line.price_id, line.period_start, line.period_end
            amounts[place] += line.amount
            quantities[place] += line.quantity or 0
    known = PlanPrice.objects.in_bulk([price for price, *_ in amounts], field_name="stripe_price_id")
    for (price_id, start, end), amount in amounts.items():
        if price := known.get(price_id):
            seats = quantities[price_id, start, end]
            ours = _metered(account_id, price, start, end) if price.meter else rounded(price.unit_amount * seats)
            yield Key(kind, price.meter, start.date(), subject or price.lookup_key), ours, amount


def _metered(account_id: UUID, price: PlanPrice, start: datetime, end: datetime) -> int:
    """What we told Stripe of a period, at the plan's rate."""
    told = MeterReport.objects.filter(
        account_id=account_id, meter=price.meter, status__in=AT_STRIPE, event_time__gte=start, event_time__lt=end
    ).aggregate(sum=Sum("quantity"))["sum"]
    return rounded(overage(Allowance(price.included, price.unit_amount), max(0, told or 0)))
