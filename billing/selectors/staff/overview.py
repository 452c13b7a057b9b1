"""How the platform does: recurring revenue and what moved it, usage revenue apart, money at risk."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Final

from django.db.models import Count, Q, Sum
from django.db.models.functions import TruncMonth

from billing.clock import now
from billing.models import BillingAccount, InvoiceLine, PlanMove, Subscription
from billing.models.stripe import Invoice
from billing.selectors.mrr import PAYING, monthly_of

MONTHS: Final = 12
SOON: Final = timedelta(days=7)
CONTRIBUTIONS: Final = ("new", "expansion", "contraction", "churn")
COLUMNS: Final = (
    "account__currency",
    "status",
    "source",
    "interval",
    "seats",
    "percent_off",
    "amount_off",
    "plan__terms",
    "plan__key",
)


@dataclass(frozen=True, slots=True)
class Month:
    """A month of one currency. Minor units; contraction and churn are what was lost, below zero. `mrr` is that at its end."""

    first: date
    mrr: int
    new: int
    expansion: int
    contraction: int
    churn: int
    usage: int  # invoiced for what meters counted; never part of `mrr`


@dataclass(frozen=True, slots=True)
class Revenue:
    """What one currency brings."""

    currency: str
    mrr: int
    months: list[Month]
    by_plan: Mapping[str, int]  # MRR by the plan's key


@dataclass(frozen=True, slots=True)
class Overview:
    """The first page of the staff console."""

    at: datetime
    revenues: list[Revenue]
    tenants: int
    paying: int
    by_access: Mapping[str, int]
    trials_ending: list[Subscription]
    at_risk: Mapping[str, int] = field(default_factory=dict)  # open and overdue, by currency
    at_risk_tenants: int = 0


def overview() -> Overview:
    """Seven queries, however many tenants there are."""
    moment = now()
    access = dict(BillingAccount.objects.values_list("access_state").annotate(Count("pk")))
    trials = Subscription.objects.filter(status="trialing", trial_end__lte=moment + SOON)
    risk, risky = _at_risk()
    return Overview(
        at=moment,
        revenues=_revenues(moment),
        tenants=sum(access.values()),
        paying=Subscription.objects.filter(status__in=PAYING).exclude(source=Subscription.Source.COMP).count(),
        by_access=access,
        trials_ending=list(trials.select_related("account__tenant", "plan").order_by("trial_end")),
        at_risk=risk,
        at_risk_tenants=risky,
    )


def _revenues(moment: datetime) -> list[Revenue]:
    by_plan = _by_plan()
    moves, usage = _moves(), _usage(moment)
    currencies = sorted({*by_plan, *(currency for currency, _ in moves), *(currency for currency, _ in usage)}) or ["usd"]
    return [_revenue(currency, by_plan.get(currency, {}), moves, usage, moment) for currency in currencies]


def _by_plan() -> dict[str, dict[str, int]]:
    """MRR by currency and plan."""
    sums: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    live = Subscription.objects.filter(status__in=PAYING)
    for currency, status, source, interval, seats, percent, amount, terms, key in live.values_list(*COLUMNS):
        sums[currency][key] += monthly_of(
            status=status, source=source, terms=terms, interval=interval, seats=seats, percent_off=percent, amount_off=amount
        )
    return {currency: {key: amount for key, amount in plans.items() if amount} for currency, plans in sums.items()}


def _moves() -> dict[tuple[str, date], dict[str, int]]:
    """What moved MRR, by currency and month, since the beginning: the end of each month is a sum over them."""
    found: dict[tuple[str, date], dict[str, int]] = defaultdict(lambda: dict.fromkeys(CONTRIBUTIONS, 0))
    rows = PlanMove.objects.annotate(month=TruncMonth("at")).values_list("currency", "month", "kind")
    for currency, month, kind, before, after in rows.annotate(was=Sum("before"), becomes=Sum("after")):
        found[currency, month.date()][kind] += after - before
    return found


def _usage(moment: datetime) -> dict[tuple[str, date], int]:
    since = _month_before(moment.date(), MONTHS)
    lines = InvoiceLine.objects.filter(kind="meter", invoice__status__in=("open", "paid"), invoice__created_at__date__gte=since)
    rows = (
        lines.annotate(month=TruncMonth("invoice__created_at")).values_list("invoice__currency", "month").annotate(Sum("amount"))
    )
    return {(currency, month.date()): amount for currency, month, amount in rows}


def _revenue(
    currency: str,
    by_plan: Mapping[str, int],
    moves: Mapping[tuple[str, date], Mapping[str, int]],
    usage: Mapping[tuple[str, date], int],
    moment: datetime,
) -> Revenue:
    """From today's MRR backwards: each month ends where the next begins."""
    mrr = sum(by_plan.values())
    months: list[Month] = []
    for back in range(MONTHS):
        first = _month_before(moment.date(), back)
        moved = moves.get((currency, first), dict.fromkeys(CONTRIBUTIONS, 0))
        after = months[-1].mrr - _sum(months[-1]) if months else mrr
        months.append(Month(first=first, mrr=after, usage=usage.get((currency, first), 0), **moved))
    return Revenue(currency, mrr, months[::-1], by_plan)


def _sum(month: Month) -> int:
    return month.new + month.expansion + month.contraction + month.churn


def _at_risk() -> tuple[dict[str, int], int]:
    overdue = Q(status="open", attempt_count__gt=0, amount_remaining__gt=0)
    rows = (
        Invoice.objects.filter(overdue).values_list("currency").annotate(Sum("amount_remaining"), Count("account", distinct=True))
    )
    found = list(rows)
    return {currency: amount for currency, amount, _ in found}, sum(count for *_, count in found)


def _month_before(day: date, months: int) -> date:
    """The first day of so many months ago."""
    number = day.year * 12 + day.month - 1 - months
    return date(number // 12, number % 12 + 1, 1)
