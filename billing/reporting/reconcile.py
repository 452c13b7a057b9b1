"""Our numbers against Stripe's. A difference becomes a row and is never mended by itself; one that is gone is marked so."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F

from billing.clock import now
from billing.gateway import shapes
from billing.models import BillingAccount, Difference, ReconciliationRun
from billing.reporting import compare, compare_money
from billing.reporting.compare import Compared, Key

State = Difference.State


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """A run under way. `until` is the first day, in UTC, that is not compared any more; `kinds` is what is."""

    run: ReconciliationRun
    until: date
    prices: Mapping[str, shapes.Price]
    kinds: frozenset[Difference.Kind] = frozenset(Difference.Kind)


def reconcile(
    until: date | None = None, account_id: UUID | None = None, kinds: frozenset[Difference.Kind] = frozenset(Difference.Kind)
) -> ReconciliationRun:
    """Compare all tenants, or one, up to the end of yesterday by default. Raises what the gateway raises; the run keeps it."""
    this = begin(until, kinds)
    try:
        for tenant in accounts(account_id):
            reconcile_one(this, tenant)
    except Exception as error:
        finish(this, error=str(error))
        raise
    return finish(this)


def begin(until: date | None = None, kinds: frozenset[Difference.Kind] = frozenset(Difference.Kind)) -> Reconciliation:
    """Start a run. Raises what the gateway raises; the run keeps it."""
    run = ReconciliationRun.objects.create(started_at=now())
    try:
        return Reconciliation(run, until or now().date(), compare_money.prices_at_stripe(), kinds)
    except Exception as error:
        _end(run, str(error))
        raise


def accounts(account_id: UUID | None = None) -> list[UUID]:
    """Whom there is something to compare of."""
    customers = BillingAccount.objects.filter(stripe_customer_id__isnull=False)
    return list((customers.filter(pk=account_id) if account_id else customers).order_by("pk").values_list("pk", flat=True))


def reconcile_one(this: Reconciliation, account_id: UUID) -> None:
    """Compare one tenant; its differences of before are renewed, or gone."""
    customer = str(BillingAccount.objects.values_list("stripe_customer_id", flat=True).get(pk=account_id))
    looks: Mapping[Difference.Kind, Callable[[], Compared]] = {
        Difference.Kind.USAGE: lambda: compare.usage(account_id, customer, this.until),
        Difference.Kind.PREVIEW: lambda: compare_money.preview(account_id, customer),
        Difference.Kind.INVOICE: lambda: compare_money.invoices(account_id, customer),
        Difference.Kind.SUBSCRIPTION: lambda: compare_money.subscriptions(account_id, customer),
        Difference.Kind.PRICE: lambda: compare_money.prices(account_id, this.prices),
    }
    found = [look() for kind, look in looks.items() if kind in this.kinds]
    differing = {key: both for one in found for key, both in one.differing.items()}
    with transaction.atomic():
        _write(this, account_id, differing)
        counts: dict[str, Any] = {
            "tenants": F("tenants") + 1,
            "compared": F("compared") + sum(one.count for one in found),
            "differences": F("differences") + len(differing),
        }
        ReconciliationRun.objects.filter(id=this.run.id).update(**counts)


def finish(this: Reconciliation, *, error: str = "") -> ReconciliationRun:
    """End a run."""
    _end(this.run, error)
    return ReconciliationRun.objects.get(id=this.run.id)


def _end(run: ReconciliationRun, error: str) -> None:
    ReconciliationRun.objects.filter(id=run.id).update(finished_at=now(), error=error[:500])


def _write(this: Reconciliation, account_id: UUID, differing: Mapping[Key, tuple[int, int]]) -> None:
    open_ones = Difference.objects.filter(account_id=account_id, state=State.OPEN, kind__in=this.kinds)
    known = {_key(row): row for row in open_ones}
    accepted = {(_key(row), row.delta) for row in Difference.objects.filter(account_id=account_id, state=State.ACCEPTED)}
    for key, (ours, stripes) in differing.items():
        values = {"ours": ours, "stripe": stripes, "delta": stripes - ours, "run_id": this.run.id}
        if key in known:
            Difference.objects.filter(id=known[key].id).update(**values)
        elif (key, stripes - ours) not in accepted:
            Difference.objects.create(account_id=account_id, **_columns(key), **values)
    gone = [row.id for key, row in known.items() if key not in differing]
    Difference.objects.filter(id__in=gone).update(state=State.GONE, settled_at=now())


def _key(row: Difference) -> Key:
    return Key(Difference.Kind(row.kind), row.meter, row.day, row.subject)


def _columns(key: Key) -> dict[str, Any]:
    return {"kind": key.kind, "meter": key.meter, "day": key.day, "subject": key.subject}
