"""Plans as products and prices in Stripe, by `manage.py sync_plans`: copies of the rows, found again by their lookup keys.

It may run again at any time, also after it was cut off, and for a Stripe that knows nothing yet: nothing is made twice.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Any, Final

from django.db import transaction

from billing.gateway import Gateway, shapes
from billing.models import Meter, PlanPrice, StripeMeter
from billing.plans import METER_NAMES
from billing.services.plans import PlanInUse, changed_plans, write_plans

LABELS: Final = {"seat": "seat", "message": "message", "visitor": "active visitor", "storage": "MB-day"}


@dataclass(frozen=True, slots=True)
class Change:
    """Something that Stripe lacks, in words, and how it is made."""

    words: str
    make: Callable[[], None]


def sync_plans(gateway: Gateway) -> list[str]:
    """Bring plans into the tables and to Stripe; what was done, in words. Done again it does nothing.

    Raises PlanInUse, and then nothing of that plan is changed; StripeError, and then the next call goes on from there.
    """
    done = changed_plans()
    write_plans()
    for change in _changes(gateway):
        change.make()
        done.append(change.words)
    return done


def check_plans(gateway: Gateway) -> list[str]:
    """What `sync_plans` would do, without doing it. Raises PlanInUse where it would."""
    with transaction.atomic():
        found = changed_plans()
        write_plans()
        found += [change.words for change in _changes(gateway)]
        transaction.set_rollback(True)
    return found


def _changes(gateway: Gateway) -> Iterator[Change]:
    """What Stripe does not have yet, one after the other: each may rest on those before. What it has is remembered on the way."""
    yield from _meter_changes(gateway)
    prices = list(PlanPrice.objects.filter(plan__is_current=True).select_related("plan").order_by("lookup_key"))
    theirs = {one.lookup_key: one for one in gateway.prices(lookup_keys=[price.lookup_key for price in prices])}
    for price in prices:
        found = theirs.get(price.lookup_key)
        if found is not None and not _price_differences(price, found):
            _keep_price(price, found)
        else:
            yield _new_price(gateway, price, found)


def _meter_changes(gateway: Gateway) -> Iterator[Change]:
    theirs = {one.event_name: one for one in gateway.meters()}
    for meter in Meter:
        name = f"porchlight_{meter.value}"
        if name in theirs:
            _keep_meter(meter, theirs[name])
        else:
            yield Change(f"meter {name}", partial(_make_meter, gateway, meter, name))


def _make_meter(gateway: Gateway, meter: Meter, name: str) -> None:
    title = f"Porchlight: {METER_NAMES[meter]}"
    _keep_meter(meter, gateway.create_meter(event_name=name, display_name=title, key=f"meter:{name}"))


def _keep_meter(meter: Meter, theirs: shapes.Meter) -> None:
    known = {"event_name": theirs.event_name, "stripe_meter_id": theirs.id}
    StripeMeter.objects.update_or_create(meter=meter.value, defaults=known)


def _new_price(gateway: Gateway, price: PlanPrice, found: shapes.Price | None) -> Change:
    """A price that Stripe lacks, or that nobody pays yet and is another now: the new one takes the old one's key over.

    Raises PlanInUse for one that somebody pays.
    """
    differences = _price_differences(price, found) if found else []
    if differences and price.plan.used_since is not None:
        said = [f"{name} is {_plain(theirs)} there and {_plain(ours)} here" for name, theirs, ours in differences]
        raise PlanInUse(f"The price {price.lookup_key} in Stripe is not the one that is in use: {', '.join(said)}.")
    return Change(f"price {price.lookup_key}", partial(_make_price, gateway, price, found.id if found else ""))


def _make_price(gateway: Gateway, price: PlanPrice, before: str) -> None:
    """The key holds what the price is, and which one it follows: a price that is made anew after a change back is another."""
    name = price.meter or "seat"
    label = LABELS[name]
    product = f"porchlight_{price.plan.key}_{name}"
    title = f"{price.plan.terms['name']}: {label}"
    gateway.create_product(id=product, name=title, unit_label=label, key=f"product:{product}:{title}")
    made = gateway.create_price(
        product=product,
        lookup_key=price.lookup_key,
        currency=price.currency,
        interval=price.interval,
        unit_amount=price.unit_amount,
        included=price.included,
        meter=_stripe_meter(price),
        key=f"price:{price.lookup_key}:{price.unit_amount.normalize()}:{price.included}:{before}",
    )
    _keep_price(price, made)


def _keep_price(price: PlanPrice, theirs: shapes.Price) -> None:
    PlanPrice.objects.filter(id=price.id).update(stripe_price_id=theirs.id, stripe_product_id=theirs.product)


def _price_differences(price: PlanPrice, theirs: shapes.Price) -> list[tuple[str, Any, Any]]:
    """Field, Stripe's value, ours."""
    ours = {name: getattr(price, name) for name in ("currency", "interval", "unit_amount", "included")}
    ours["meter"] = _stripe_meter(price)
    return [(name, getattr(theirs, name), value) for name, value in ours.items() if getattr(theirs, name) != value]


def _stripe_meter(price: PlanPrice) -> str | None:
    if not price.meter:
        return None
    return StripeMeter.objects.filter(meter=price.meter).values_list("stripe_meter_id", flat=True).first()


def _plain(value: Any) -> str:
    return f"{value.normalize():f}" if isinstance(value, Decimal) else str(value)
