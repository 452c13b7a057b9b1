"""What a request changes about a subscription's items, and what that costs: worked out, and nothing stored.

A preview and an update both ask here, so that with the same `proration_date` the one shows exactly what the other charges.
"""

import copy
from dataclasses import dataclass, field
from typing import Any

from billing.sandbox import items, lines, prorations, values
from billing.sandbox.errors import invalid, missing
from billing.sandbox.state import Object, State


@dataclass(slots=True)
class Change:
    """`pending` are invoice items that are not stored yet, `lines` those of periods that end or begin now, by a new anchor."""

    items: list[Object]
    pending: list[Object] = field(default_factory=list)
    lines: list[Object] = field(default_factory=list)
    anchor: int | None = None  # the new one, where all periods begin anew
    swapped: list[Object] = field(default_factory=list)  # metered items that have another price now
    at: int = 0  # the moment that prorations are counted from
    at_once: bool = False  # whether it is invoiced now, and not with the next renewal


def work_out(state: State, sub: Object, params: dict[str, Any]) -> Change:
    """What `items`, `proration_behavior`, `proration_date`, `billing_cycle_anchor` and `trial_end` of a request come to.

    Raises `Refusal` for items that do not exist or may not be, and for a proration date outside the periods.
    """
    before = items.of(sub)
    at = params.get("proration_date", state.now())
    _must_be_inside(before, at)
    after = wanted(state, sub, params.get("items") or [], at)
    change = Change(after, at=at, at_once=params.get("proration_behavior") == "always_invoice")
    if _restarts(sub, params, before, after):
        return _restart(state, sub, change, params)
    return _prorate(state, sub, change, params)


def wanted(state: State, sub: Object, specs: list[Object], at: int) -> list[Object]:
    """The items after a request: as copies, in their order, new ones at the end."""
    after = {item["id"]: copy.deepcopy(item) for item in items.of(sub)}
    for number, spec in enumerate(specs):
        _apply(state, sub, after, spec, f"items[{number}]", at)
    if not after:
        raise invalid("A subscription must have at least one active item.", "items")
    items.checked(
        state,
        [{"price": item["price"]["id"]} for item in after.values() if _is_new_price(sub, item)] or [_any(after)],
        sub["currency"],
    )
    return list(after.values())


def _is_new_price(sub: Object, item: Object) -> bool:
    return item["price"]["id"] not in [old["price"]["id"] for old in items.of(sub)]


def _any(after: dict[str, Object]) -> Object:
    return {"price": next(iter(after.values()))["price"]["id"]}


def _apply(state: State, sub: Object, after: dict[str, Object], spec: Object, param: str, at: int) -> None:
    id = items.known(spec, items.CHANGES, param).get("id")
    if id is None:
        price = items.price_of(state, spec, param)
        period = items.next_period({"price": price}, sub["billing_cycle_anchor"], at)
        new = items.new(state, spec, price, _trial_period(sub) or period)
        new["subscription"] = sub["id"]
        after[new["id"]] = new
        return
    if id not in after:
        raise missing("subscription_item", id, f"{param}[id]")
    if spec.get("deleted"):
        _must_clear_nothing_else(spec, param)
        del after[id]
        return
    _edit(state, after[id], spec, param)


def _edit(state: State, item: Object, spec: Object, param: str) -> None:
    new_price = spec.get("price") or spec.get("plan")
    price = items.price_of(state, spec, param) if new_price else state.get("price", item["price"]["id"])
    if not new_price:
        _must_take_quantity(item, spec, param)
    items.priced(item, price, spec.get("quantity", item.get("quantity")))
    if "metadata" in spec:
        item["metadata"] = values.metadata(item["metadata"], spec["metadata"])


def _must_take_quantity(item: Object, spec: Object, param: str) -> None:
    if items.is_metered(item) and spec.get("quantity") is not None:
        raise invalid(
            f"Quantity should not be specified where usage_type is `metered`. Remove quantity from `{param}`.",
            f"{param}[quantity]",
        )


def _must_clear_nothing_else(spec: Object, param: str) -> None:
    if spec.get("price") or spec.get("quantity") is not None:
        raise invalid(f"A deleted item takes no price and no quantity: {param}.", param)


def _trial_period(sub: Object) -> tuple[int, int] | None:
    return (sub["trial_start"], sub["trial_end"]) if sub["status"] == "trialing" else None


def _must_be_inside(before: list[Object], at: int) -> None:
    """Prorations cannot be counted from a moment outside the periods that are under way."""
    start = max(item["current_period_start"] for item in before)
    end = min(item["current_period_end"] for item in before)
    if not start <= at <= end:
        raise invalid(
            f"The proration date must be within the current period, from {start} to {end}, and is {at}.", "proration_date"
        )


def _restarts(sub: Object, params: dict[str, Any], before: list[Object], after: list[Object]) -> bool:
    """Whether all periods begin anew: on request, at the end of a trial, or because an item comes at another interval."""
    if (params.get("billing_cycle_anchor") or {}).get("type") == "now" or params.get("trial_end") == "now":
        return True
    if sub["status"] == "trialing":
        return False
    known = {item["id"]: items.interval_of(item) for item in before if not items.is_metered(item)}
    return any(item["id"] in known and items.interval_of(item) != known[item["id"]] for item in after)


def _restart(state: State, sub: Object, change: Change, params: dict[str, Any]) -> Change:
    now = state.now()
    if sub["status"] != "trialing":
        if params.get("proration_behavior") != "none":
            licensed = [item for item in items.of(sub) if not items.is_metered(item)]
            change.pending = [prorations.credit(state, sub, item, change.at) for item in licensed]
        change.lines = arrears(state, sub, items.of(sub), now)
    for item in change.items:
        item["current_period_start"], item["current_period_end"] = items.first_period(item["price"], now)
    change.lines += advance(state, sub, change.items)
    change.anchor, change.at_once = now, True
    return change


def _prorate(state: State, sub: Object, change: Change, params: dict[str, Any]) -> Change:
    before = {item["id"]: item for item in items.of(sub)}
    after = {item["id"]: item for item in change.items}
    free = sub["status"] == "trialing" or params.get("proration_behavior") == "none"
    for id in before | after:
        old, new = before.get(id), after.get(id)
        if old and new and not items.differs(old, new):
            continue
        change.pending += _gone(state, sub, old, new, change.at, free=free) if old else []
        change.pending += (
            [prorations.charge(state, sub, new, change.at)] if new and not items.is_metered(new) and not free else []
        )
        change.swapped += [new] if old and new and items.is_metered(old) else []
    return change


def _gone(state: State, sub: Object, old: Object, new: Object | None, at: int, *, free: bool) -> list[Object]:
    """What an item leaves behind: its unused time, or what was used of it so far."""
    if not items.is_metered(old):
        return [] if free else [prorations.credit(state, sub, old, at)]
    if sub["status"] == "trialing" or (new is not None and new["price"]["id"] == old["price"]["id"]):
        return []
    return [prorations.used(state, sub, old, items.usage_since(state, old), at)]


def arrears(state: State, sub: Object, ending: list[Object], at: int) -> list[Object]:
    """The lines of what was used until `at` of items whose periods end."""
    metered = [item for item in ending if items.is_metered(item)]
    return [line for item in metered for line in lines.metered(state, sub, item, items.usage_since(state, item), at)]


def advance(state: State, sub: Object, starting: list[Object]) -> list[Object]:
    """The lines of seats for the periods that items have just begun."""
    licensed = [item for item in starting if not items.is_metered(item)]
    return [
        line
        for item in licensed
        for line in lines.licensed(state, sub, item, item["current_period_start"], item["current_period_end"])
    ]
