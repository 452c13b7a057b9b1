"""Tenants as somebody who bills them sees them: plan, seats, usage, access, last payment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db.models import Count, F, OuterRef, Q, QuerySet, Subquery

from billing.models import BillingAccount, Invoice, Subscription
from billing.models.usage import Meter
from billing.money import overage, rounded
from billing.periods import Period, periods_of
from billing.plans import FREE, Plan
from billing.selectors.mrr import monthly
from billing.selectors.usage import used_many
from billing.terms import terms
from tenants.models import Role

PAGE: Final = 50
TAKES_A_SEAT: Final = (Role.OWNER, Role.ADMIN, Role.AGENT)
SORTS: Final[Mapping[str, str]] = {
    "name": "tenant__name",
    "since": "-created_at",
    "state": "state_since",
    "payment": "-last_paid_at",
    "seats": "-seats_used",
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which tenants to list; everything empty: all of them, newest first."""

    words: str = ""
    access: str = ""
    plan: str = ""
    sort: str = "since"
    page: int = 1


@dataclass(frozen=True, slots=True)
class TenantRow:
    """A line of the list. Money in minor units of `currency`."""

    id: UUID
    name: str
    slug: str
    plan: str
    status: str
    seats_used: int
    seats_bought: int
    percents: Mapping[str, int]  # of each meter's allowance
    overage: int
    mrr: int
    currency: str
    access: str
    access_since: datetime
    last_paid_at: datetime | None
    last_paid: int | None


@dataclass(frozen=True, slots=True)
class TenantPage:
    """A page of the list, and how many there are in all."""

    rows: list[TenantRow]
    total: int
    page: int
    pages: int


def tenant_page(wanted: Wanted, *, size: int = PAGE) -> TenantPage:
    """So many of them. Six queries, whatever the size."""
    found = _found(wanted)
    total = found.count()
    pages = max(1, -(-total // size))
    page = min(max(1, wanted.page), pages)
    accounts = list(found.order_by(SORTS.get(wanted.sort, SORTS["since"]), "pk")[(page - 1) * size : page * size])
    return TenantPage(_rows(accounts), total, page, pages)


def tenant_row(account_id: UUID) -> TenantRow | None:
    """The line of one tenant; None for one that is not there."""
    return next(iter(_rows(list(_annotated().filter(pk=account_id)))), None)


def _annotated() -> QuerySet[BillingAccount]:
    seats = Count(
        "tenant__memberships",
        filter=Q(
            tenant__memberships__disabled_at=None,
            tenant__memberships__user__is_active=True,
            tenant__memberships__role__in=TAKES_A_SEAT,
        ),
        distinct=True,
    )
    paid = Invoice.objects.filter(account=OuterRef("pk"), status="paid", amount_paid__gt=0).order_by("-paid_at")
    return BillingAccount.objects.select_related("tenant").annotate(
        seats_used=seats,
        last_paid_at=Subquery(paid.values("paid_at")[:1]),
        last_paid=Subquery(paid.values("amount_paid")[:1]),
    )


def _found(wanted: Wanted) -> QuerySet[BillingAccount]:
    found = _annotated()
    if words := wanted.words.strip():
        found = found.filter(
            Q(tenant__name__icontains=words) | Q(tenant__slug__icontains=words) | Q(billing_email__icontains=words)
        )
    if wanted.access:
        found = found.filter(access_state=wanted.access)
    live = Subscription.objects.exclude(status__in=Subscription.ENDED).values("account")
    if wanted.plan == FREE.key:
        found = found.exclude(pk__in=live)
    elif wanted.plan:
        found = found.filter(pk__in=live.filter(plan__key=wanted.plan))
    if wanted.sort == "payment":
        found = found.annotate(unpaid=F("last_paid_at")).order_by(F("last_paid_at").desc(nulls_last=True))
    return found


def _rows(accounts: Sequence[Any]) -> list[TenantRow]:
    ids = [account.pk for account in accounts]
    live = Subscription.objects.filter(account__in=ids).exclude(status__in=Subscription.ENDED).select_related("plan")
    subscriptions = {subscription.account_id: subscription for subscription in live}
    periods: dict[UUID, Period] = periods_of(ids)
    used = used_many(periods)
    return [_row(account, subscriptions.get(account.pk), used.get(account.pk, {})) for account in accounts]


def _row(account: Any, subscription: Subscription | None, used: Mapping[Meter, int]) -> TenantRow:
    plan = terms(subscription.plan) if subscription else FREE
    return TenantRow(
        id=account.pk,
        name=account.tenant.name,
        slug=account.tenant.slug,
        plan=plan.name,
        status=subscription.status if subscription else "",
        seats_used=account.seats_used,
        seats_bought=subscription.seats if subscription else plan.least_seats,
        percents={str(meter): _percent(plan, meter, used.get(meter, 0)) for meter in Meter},
        overage=sum(rounded(overage(plan.meters[meter], used.get(meter, 0))) for meter in Meter),
        mrr=monthly(subscription) if subscription else 0,
        currency=account.currency,
        access=account.access_state,
        access_since=account.state_since,
        last_paid_at=account.last_paid_at,
        last_paid=account.last_paid,
    )


def _percent(plan: Plan, meter: Meter, used: int) -> int:
    included = plan.meters[meter].included
    return used * 100 // included if included else 0
