"""Writing what was fetched from Stripe: one function for each kind of object."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from django.db.models import Model

from billing.clock import now
from billing.gateway import shapes
from billing.models import BillingAccount, Invoice, InvoiceLine, PlanPrice, PlanVersion, SeatEntry, Subscription, SubscriptionItem
from billing.services.plans import use
from saas.core.errors import Conflict, NotFound

SAID: Final = ("status", "seats", "interval", "trial_end", "cancel_at", "ended_at", "coupon", "period_end", "plan_id")


@dataclass(frozen=True, slots=True)
class Changes:
    """What became another, for the audit."""

    before: dict[str, Any]
    after: dict[str, Any]


def write_subscription(
    account: BillingAccount, found: shapes.Subscription, before: Subscription | None
) -> tuple[Subscription, Changes | None]:
    """The row of a subscription with its items, and what changed, if anything did. In a transaction."""
    prices = _prices(item.price for item in found.items)
    values = _subscription_values(found, prices)
    values["next_plan"] = _still_to_come(before, found, values["plan"])
    changes = _changes(before, values)
    if before is not None and changes is None:
        Subscription.objects.filter(pk=before.pk).update(fetched_at=now())
        _write_items(before, found, prices)
        return before, None
    if found.status not in Subscription.ENDED:
        _make_way(account, found.id)
    row, _ = Subscription.objects.update_or_create(
        stripe_id=found.id, defaults={**values, "account": account, "source": Subscription.Source.STRIPE, "fetched_at": now()}
    )
    _write_items(row, found, prices)
    use(row.plan)
    if found.trial_end is not None:
        BillingAccount.objects.filter(pk=account.pk, trial_used_at=None).update(trial_used_at=found.created)
    return row, changes


def _make_way(account: BillingAccount, stripe_id: str) -> None:
    """Who pays needs no plan for nothing any more. Raises Conflict for a tenant that would pay twice: people must look at it."""
    others = Subscription.for_tenant(account.pk).exclude(status__in=Subscription.ENDED).exclude(stripe_id=stripe_id)
    for other in others:
        if other.stripe_id:
            raise Conflict(
                f"{account.pk} has two subscriptions: {other.stripe_id} and {stripe_id}. Cancel one of them at Stripe."
            )
        Subscription.objects.filter(pk=other.pk).update(status="canceled", canceled_at=now(), ended_at=now())


def _still_to_come(before: Subscription | None, found: shapes.Subscription, plan: PlanVersion) -> PlanVersion | None:
    """The plan that was to follow; not when its schedule was let go, nor when it has come."""
    following = before.next_plan if before is not None and found.schedule else None
    return following if following != plan else None


def _prices(ids: Any) -> dict[str, PlanPrice]:
    wanted = set(ids)
    known = {
        price.stripe_price_id: price for price in PlanPrice.objects.filter(stripe_price_id__in=wanted).select_related("plan")
    }
    if missing := wanted - known.keys():
        raise NotFound(f"The price {sorted(missing)[0]!r} is of no plan here. Run manage.py sync_plans.")
    return {str(key): price for key, price in known.items()}


def _subscription_values(found: shapes.Subscription, prices: Mapping[str, PlanPrice]) -> dict[str, Any]:
    seat = next((item for item in found.items if prices[item.price].kind == PlanPrice.Kind.SEAT), None)
    if seat is None:
        raise NotFound(f"The subscription {found.id} has no price of seats.")
    coupon = found.coupon
    meter = next((item for item in found.items if prices[item.price].kind == PlanPrice.Kind.METER), seat)
    return {
        "status": found.status,
        "plan": prices[seat.price].plan,
        "interval": prices[seat.price].interval,
        "seats": seat.quantity or 0,
        "anchor": found.anchor,
        "period_start": meter.period_start,
        "period_end": meter.period_end,
        "seat_period_start": seat.period_start,
        "seat_period_end": seat.period_end,
        "trial_end": found.trial_end,
        "cancel_at": found.cancel_at,
        "canceled_at": found.canceled_at,
        "ended_at": found.ended_at,
        "schedule_id": found.schedule,
        "coupon": coupon.name if coupon else "",
        "percent_off": coupon.percent_off if coupon else Decimal(0),
        "amount_off": coupon.amount_off if coupon else 0,
        "created_at": found.created,
    }


def _changes(before: Subscription | None, values: Mapping[str, Any]) -> Changes | None:
    said = {name: values["plan"].pk if name == "plan_id" else values[name] for name in SAID}
    if before is None:
        return Changes({}, _json(said))
    kept = all(getattr(before, name) == value for name, value in values.items() if name != "plan")
    if kept and before.plan_id == said["plan_id"]:
        return None
    known = {name: getattr(before, name) for name in SAID}
    names = [name for name in SAID if known[name] != said[name]]
    return Changes(_json({name: known[name] for name in names}), _json({name: said[name] for name in names}))


def _json(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value if isinstance(value, int | str | None) else str(value) for name, value in values.items()}


def _write_items(row: Subscription, found: shapes.Subscription, prices: Mapping[str, PlanPrice]) -> None:
    SubscriptionItem.objects.filter(subscription=row).exclude(pk__in=[item.id for item in found.items]).delete()
    for item in found.items:
        values = {
            "subscription": row,
            "price": prices[item.price],
            "quantity": item.quantity,
            "period_start": item.period_start,
            "period_end": item.period_end,
        }
        SubscriptionItem.objects.update_or_create(stripe_id=item.id, defaults=values)


def write_seats(row: Subscription) -> None:
    """A line of the ledger, where another number of seats holds than the last line says. A subscription that ended has none."""
    last = SeatEntry.for_tenant(row.account_id).order_by("-at", "-id").first()
    seats = 0 if row.status in Subscription.ENDED else row.seats
    if last is not None and last.seats == seats:
        return
    kept = last.seats_next if last and last.seats_next != last.seats and last.seats_next < seats else seats
    SeatEntry.objects.create(account_id=row.account_id, seats=seats, seats_next=kept, reason="as Stripe says", at=now())


def write_invoice(account: BillingAccount, found: shapes.Invoice) -> Invoice:
    """The row of an invoice and its lines. In a transaction."""
    subscription = Subscription.objects.filter(stripe_id=found.subscription).first() if found.subscription else None
    plain = {name: getattr(found, name) for name in shapes.Invoice.__dataclass_fields__}
    for name in ("id", "customer", "subscription", "lines", "created"):
        plain.pop(name)
    values = {**plain, "account": account, "subscription": subscription, "created_at": found.created, "fetched_at": now()}
    row: Invoice = Invoice.objects.update_or_create(stripe_id=found.id, defaults=values)[0]
    _write_lines(row, found)
    return row


def _write_lines(row: Invoice, found: shapes.Invoice) -> None:
    known = {
        price.stripe_price_id: price
        for price in PlanPrice.objects.filter(stripe_price_id__in=[line.price_id for line in found.lines if line.price_id])
    }
    InvoiceLine.objects.filter(invoice=row).exclude(pk__in=[line.id for line in found.lines]).delete()
    for place, line in enumerate(found.lines):
        price = known.get(line.price_id)
        values = {
            "invoice": row,
            "place": place,
            "description": line.description[:300],
            "kind": price.kind if price else "",
            "meter": price.meter if price else "",
            "quantity": line.quantity,
            "amount": line.amount,
            "is_proration": line.is_proration,
            "period_start": line.period_start,
            "period_end": line.period_end,
        }
        InvoiceLine.objects.update_or_create(stripe_id=line.id, defaults=values)


def write_customer(account: BillingAccount, found: shapes.Customer) -> None:
    """What somebody changed in Stripe's portal."""
    values = {"billing_name": found.name, "billing_email": found.email, "country": found.country}
    changed = {name: value for name, value in values.items() if value and getattr(account, name) != value}
    if changed:
        _update(account, changed)


def _update(row: Model, values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        setattr(row, name, value)
    row.save(update_fields=list(values))
