"""Items of a subscription: one for each price, each with a period of its own from the subscription's anchor."""

import copy
from typing import Any, Final

from billing.sandbox import lines, values
from billing.sandbox.errors import invalid
from billing.sandbox.periods import Interval, bound, period_at
from billing.sandbox.state import Object, State

KIND: Final = "subscription_item"
SPEC: Final = frozenset({"price", "plan", "quantity", "metadata"})  # what a new item may be given
CHANGES: Final = SPEC | {"id", "deleted"}
SINCE: Final = "_usage_since"  # {"id": an item's, "at": second}: usage before it was billed under another price
OWNERS: Final = "_item"  # which subscription an item is of
MOST: Final = 20  # items of a subscription


def of(sub: Object) -> list[Object]:
    """The items of a subscription."""
    data: list[Object] = sub["items"]["data"]
    return data


def put(state: State, sub: Object, data: list[Object]) -> None:
    """Give a subscription its items, and tell which subscription each is of."""
    for item in data:
        item["subscription"] = sub["id"]
        state.put(OWNERS, {"id": item["id"], "subscription": sub["id"]})
    url = f"/v1/subscription_items?subscription={sub['id']}"
    sub["items"] = {"object": "list", "data": data, "has_more": False, "url": url}


def known(spec: Object, names: frozenset[str], param: str) -> Object:
    """What was sent. Raises `Refusal` for a part that the stand-in does not model, so that nothing is ignored in silence."""
    for name in spec:
        if name not in names:
            raise invalid(f"The stand-in does not model {param}[{name}].", f"{param}[{name}]")
    return spec


def checked(state: State, specs: list[Object], currency: str | None, param: str = "items") -> list[Object]:
    """The prices of new items. Raises `Refusal` for one that cannot be billed by, and for two items of one price."""
    if not 1 <= len(specs) <= MOST:
        raise invalid(f"A subscription has from 1 to {MOST} items, not {len(specs)}.", param)
    prices = [price_of(state, spec, f"{param}[{number}]") for number, spec in enumerate(specs)]
    for number, price in enumerate(prices):
        if price["id"] in [other["id"] for other in prices[:number]]:
            raise invalid(
                f"Cannot add multiple subscription items with the same plan: {price['id']}", f"{param}[{number}][price]"
            )
        if price["currency"] != (currency or prices[0]["currency"]):
            raise invalid(
                f"The price {price['id']} is in {price['currency']}, the subscription in {currency}.", f"{param}[{number}]"
            )
    return prices


def price_of(state: State, spec: Object, param: str) -> Object:
    """The recurring price of an item. Raises `Refusal`."""
    name = spec.get("price") or spec.get("plan")
    if not name:
        raise invalid(
            f"Missing {param}[price]; the stand-in makes no prices from price_data.", f"{param}[price]", "parameter_missing"
        )
    price = state.get("price", name, f"{param}[price]")
    if not price["active"]:
        raise invalid("The price specified is inactive. This field only accepts active prices.", f"{param}[price]")
    if not price["recurring"]:
        raise invalid(
            f"The price specified is set to `type=one_time` but this field only accepts prices with `type=recurring`: {name}",
            param,
        )
    if lines.is_metered(price) and spec.get("quantity") is not None:
        raise invalid(
            f"Quantity should not be specified where usage_type is `metered`. Remove quantity from `{param}`.",
            f"{param}[quantity]",
        )
    return price


def new(state: State, spec: Object, price: Object, period: tuple[int, int]) -> Object:
    """A new item, its period being given."""
    item = values.new(state, KIND, "si")
    del item["livemode"]
    item |= {
        "billing_thresholds": None,
        "current_period_start": period[0],
        "current_period_end": period[1],
        "discounts": [],
        "metadata": values.metadata({}, spec.get("metadata")),
        "subscription": "",
        "tax_rates": [],
    }
    return priced(item, price, spec.get("quantity"))


def priced(item: Object, price: Object, quantity: int | None) -> Object:
    """Set an item's price and quantity; 1 where a licensed one has none."""
    item |= {"price": {**price}, "plan": _plan(price)}
    item.pop("quantity", None)
    if not lines.is_metered(price):
        item["quantity"] = 1 if quantity is None else quantity
    return item


def next_period(item: Object, anchor: int, at: int) -> tuple[int, int]:
    """The item's period that begins at, or is under way at, a moment."""
    return period_at(anchor, Interval.of(item["price"]), at)


def first_period(price: Object, start: int) -> tuple[int, int]:
    """A whole period from a moment on."""
    return start, bound(start, Interval.of(price), 1)


def usage_since(state: State, item: Object) -> int:
    """From when on the usage of an item's period is to be billed at its price."""
    since: int = state.table(SINCE).get(item["id"], {}).get("at", 0)
    return max(int(item["current_period_start"]), since)


def bill_usage_from(state: State, item: Object, at: int) -> None:
    """Usage before a moment is billed already."""
    state.put(SINCE, {"id": item["id"], "at": at})


def is_metered(item: Object) -> bool:
    """Whether an item is billed by what a meter counts."""
    return lines.is_metered(item["price"])


def interval_of(item: Object) -> Interval:
    """How often an item recurs."""
    return Interval.of(item["price"])


def differs(before: Object, after: Object) -> bool:
    """Whether an item costs something else."""
    return before["price"]["id"] != after["price"]["id"] or before.get("quantity") != after.get("quantity")


def of_phase(state: State, sub: Object, phase: Object, at: int) -> list[Object]:
    """The items that a schedule's phase brings at a moment: one that keeps its price stays, and so does its period."""
    kept = {item["price"]["id"]: item for item in of(sub)}
    result = []
    for spec in phase["items"]:
        price = state.get("price", spec["price"])
        old = kept.get(price["id"])
        if old is None:
            result.append(new(state, spec, price, next_period({"price": price}, sub["billing_cycle_anchor"], at)))
        else:
            result.append(priced(copy.deepcopy(old), price, spec.get("quantity", old.get("quantity"))))
    return result


def _plan(price: Object) -> dict[str, Any]:
    """The price in the form that it had before prices were."""
    recurring = price["recurring"]
    return {
        "id": price["id"],
        "object": "plan",
        "active": price["active"],
        "amount": price.get("unit_amount"),
        "amount_decimal": price.get("unit_amount_decimal"),
        "billing_scheme": price["billing_scheme"],
        "created": price["created"],
        "currency": price["currency"],
        "interval": recurring["interval"],
        "interval_count": recurring.get("interval_count") or 1,
        "livemode": False,
        "metadata": price["metadata"],
        "meter": recurring.get("meter"),
        "nickname": price.get("nickname"),
        "product": price["product"],
        "tiers_mode": price.get("tiers_mode"),
        "usage_type": recurring["usage_type"],
    }
