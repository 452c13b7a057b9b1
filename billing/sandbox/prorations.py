"""What a change in the middle of a period costs: unused time is credited, remaining time is charged, by the second.

An invoice item made here is not stored yet: a preview shows it, a change keeps it.
"""

from decimal import Decimal
from typing import Any, Final

from billing.sandbox import lines, periods
from billing.sandbox.arithmetic import cost, prorated, rounded
from billing.sandbox.state import Object, State

PENDING: Final = "invoiceitem"
MEMORY: Final = "invoice items"


def credit(state: State, sub: Object, item: Object, at: int) -> Object:
    """Takes back what is left of an item's period after `at`."""
    return _part(state, sub, item, at, sign=-1)


def charge(state: State, sub: Object, item: Object, at: int) -> Object:
    """Charges what is left of an item's period after `at`."""
    return _part(state, sub, item, at, sign=1)


def used(state: State, sub: Object, item: Object, start: int, end: int) -> Object:
    """Charges what was used of a metered item in [start, end), because its price goes away."""
    price = item["price"]
    quantity = lines.quantity_used(state, sub["customer"], price, start, end)
    text = f"{quantity} × {lines.name_of(state, price)} until {periods.day(end)}"
    amount = rounded(cost(price, quantity))
    return pending(state, sub["customer"], sub["currency"], amount, text, (start, end), quantity=quantity, **_of(sub, item))


def pending(
    state: State, customer: str, currency: str, amount: int, text: str | None, period: tuple[int, int], **more: Any
) -> Object:
    """An invoice item as Stripe shows it, not stored. `price` makes its `pricing`."""
    price, quantity = more.pop("price", None), more.pop("quantity", 1)
    return {
        "id": "",
        "object": PENDING,
        "amount": amount,
        "currency": currency,
        "customer": customer,
        "date": state.now(),
        "description": text,
        "discountable": True,
        "discounts": [],
        "invoice": None,
        "livemode": False,
        "metadata": {},
        "net_amount": amount,
        "period": {"start": period[0], "end": period[1]},
        "pricing": lines.pricing(price) if price else None,
        "proration": False,
        "quantity": quantity,
        "quantity_decimal": str(quantity),
        "tax_rates": [],
        **more,
    }


def keep(state: State, item: Object) -> Object:
    """Store a new invoice item: it waits for the next invoice."""
    item["id"] = state.new_id("ii")
    _index(state).setdefault(item["customer"], {})[item["id"]] = None
    state.put(PENDING, item)
    state.emit("invoiceitem.created", item)
    return item


def waiting(state: State, customer: str, subscription: str | None) -> list[Object]:
    """The invoice items that wait for the next invoice of a subscription, oldest first; those of none wait for any."""
    index = _index(state)
    found = (state.table(PENDING).get(id) for id in index.get(customer, ()))
    return [item for item in found if item and item["invoice"] is None and of_subscription(item) in (None, subscription)]


def of_subscription(item: Object) -> str | None:
    """The subscription that an invoice item belongs to."""
    details = (item.get("parent") or {}).get("subscription_details") or {}
    name: str | None = details.get("subscription")
    return name


def _index(state: State) -> dict[str, dict[str, None]]:
    """The ids of all invoice items by customer, in their order."""
    index: dict[str, dict[str, None]] | None = state.memory.get(MEMORY)
    if index is None:
        index = state.memory[MEMORY] = {}
        for item in state.table(PENDING).values():
            index.setdefault(item["customer"], {})[item["id"]] = None
    return index


def _part(state: State, sub: Object, item: Object, at: int, *, sign: int) -> Object:
    price, quantity = item["price"], item["quantity"]
    start, end = item["current_period_start"], item["current_period_end"]
    amount = prorated(Decimal(sign * rounded(cost(price, quantity))), start, end, at)
    what = f"{'Remaining' if sign > 0 else 'Unused'} time on {quantity} × {lines.name_of(state, price)}"
    more = {"proration": True, "quantity": quantity, "proration_details": {"discount_amounts": []}, **_of(sub, item)}
    return pending(state, sub["customer"], sub["currency"], amount, lines.since(what, at), (at, end), **more)


def _of(sub: Object, item: Object) -> dict[str, Any]:
    details = {"subscription": sub["id"], "subscription_item": item["id"]}
    return {"parent": {"type": "subscription_details", "subscription_details": details}, "price": item["price"]}
