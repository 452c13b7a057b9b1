"""The lines of an invoice: seats in advance, usage in arrears, and what waited to be invoiced."""

from decimal import Decimal
from typing import Any, Final

from billing.sandbox import usage
from billing.sandbox.arithmetic import Share, cost, decimal_of, rounded, shares_of
from billing.sandbox.periods import day
from billing.sandbox.state import Object, State

TABLE: Final = "_lines"  # the lines of each invoice, {"id": the invoice's, "data": [...]}
EMBEDDED: Final = 10  # lines that an invoice shows itself; the rest is for its list of lines
SYMBOLS: Final = {"usd": "$", "eur": "€", "gbp": "£"}


def is_metered(price: Object) -> bool:
    """Whether a price is for what a meter counts."""
    return bool(price["recurring"] and price["recurring"]["usage_type"] == "metered")


def money(amount: Decimal | int, currency: str) -> str:
    """An amount of minor units as people write it, as `$76.20`; fractions of a cent are kept."""
    major = Decimal(amount) / 100
    places = max(2, -int(major.normalize().as_tuple().exponent))
    return f"{SYMBOLS.get(currency, currency.upper() + ' ')}{major:,.{places}f}"


def name_of(state: State, price: Object) -> str:
    """What a price is for: its product's name."""
    return str(state.table("product").get(price["product"], {}).get("name") or price["product"])


def price_of(state: State, each: Object) -> Object | None:
    """The price of a line, if it has one."""
    details: Object = (each.get("pricing") or {}).get("price_details") or {}
    return state.table("price").get(str(details.get("price")))


def quantity_used(state: State, customer: str, price: Object, start: int, end: int) -> int:
    """What a customer used of a metered price in [start, end)."""
    return int(usage.total(state, price["recurring"]["meter"], customer, start, end))


def licensed(state: State, sub: Object, item: Object, start: int, end: int) -> list[Object]:
    """An item's seats for [start, end): one line, or one for each tier of a tiered price."""
    return _shared(state, sub, item, item["quantity"], (start, end))


def metered(state: State, sub: Object, item: Object, start: int, end: int) -> list[Object]:
    """What was used of an item in [start, end): one line for each tier that it touches."""
    return _shared(state, sub, item, quantity_used(state, sub["customer"], item["price"], start, end), (start, end))


def trial(state: State, sub: Object, item: Object) -> Object:
    """The line of a first invoice that says that a trial costs nothing."""
    text = f"Trial period for {name_of(state, item['price'])}"
    period = (sub["trial_start"], sub["trial_end"])
    quantity = None if is_metered(item["price"]) else item["quantity"]
    return line(sub["currency"], 0, text, period, parent=_parent(sub, item), price=item["price"], quantity=quantity)


def of_item(pending: Object) -> Object:
    """The line that takes in an invoice item; one of a subscription says so."""
    parent = {"type": "invoice_item_details", "invoice_item_details": _item_details(pending)}
    details = (pending.get("parent") or {}).get("subscription_details") or {}
    if details.get("subscription_item"):
        parent = {"type": "subscription_item_details", "subscription_item_details": _subscription_details(pending, details)}
    return line(
        pending["currency"],
        pending["amount"],
        pending["description"],
        (pending["period"]["start"], pending["period"]["end"]),
        parent=parent,
        pricing=pending.get("pricing"),
        quantity=pending["quantity"],
        subscription=details.get("subscription"),
        discountable=pending["discountable"],
        metadata=pending["metadata"],
    )


def line(currency: str, amount: int, text: str | None, period: tuple[int, int], **more: Any) -> Object:
    """A line as Stripe shows it, not yet of an invoice. `price` makes its `pricing`."""
    price = more.pop("price", None)
    if price is not None:
        more.setdefault("pricing", pricing(price))
    quantity = more.pop("quantity", None)
    return {
        "id": "",
        "object": "line_item",
        "amount": amount,
        "currency": currency,
        "description": text,
        "discount_amounts": [],
        "discountable": True,
        "discounts": [],
        "invoice": None,
        "livemode": False,
        "metadata": {},
        "period": {"start": period[0], "end": period[1]},
        "pretax_credit_amounts": [],
        "quantity": quantity,
        "quantity_decimal": None if quantity is None else str(quantity),
        "subtotal": amount,
        "taxes": [],
        **more,
    }


def pricing(price: Object, unit: Decimal | None = None) -> Object:
    """A price, and what a unit of it costs."""
    unit_amount = decimal_of(price, "unit_amount") if unit is None else unit
    details = {"price": price["id"], "product": price["product"]}
    return {"type": "price_details", "price_details": details, "unit_amount_decimal": f"{unit_amount.normalize():f}"}


def of_invoice(state: State, invoice: Object) -> list[Object]:
    """All lines of a stored invoice."""
    kept: list[Object] = state.table(TABLE).get(invoice["id"], {}).get("data", [])
    return kept


def attach(state: State, invoice: Object, data: list[Object]) -> None:
    """Give an invoice its lines; those that have no id get one."""
    for each in data:
        each["id"] = each["id"] or state.new_id("il")
        each["invoice"] = invoice["id"]
    invoice["lines"] = embedded(data, invoice["id"])
    if invoice["id"]:
        state.put(TABLE, {"id": invoice["id"], "data": data})


def refreshed(state: State, invoice: Object, data: list[Object]) -> list[Object]:
    """The lines of a draft with its usage read again: what was reported since counts too."""
    result: list[Object] = []
    done: set[tuple[str, str, int]] = set()
    for each in data:
        key = _usage_key(state, each)
        if key is None:
            result.append(each)
        elif key not in done:
            done.add(key)
            result += _read_again(state, invoice, each)
    return result


def _usage_key(state: State, each: Object) -> tuple[str, str, int] | None:
    """What tells the lines of one item's usage from all others; None for another line."""
    details = (each.get("parent") or {}).get("subscription_item_details") or {}
    price = price_of(state, each)
    if not details or details.get("invoice_item") or price is None or not is_metered(price) or each["quantity"] is None:
        return None
    return details["subscription_item"], price["id"], each["period"]["start"]


def _read_again(state: State, invoice: Object, each: Object) -> list[Object]:
    details = each["parent"]["subscription_item_details"]
    price = state.get("price", each["pricing"]["price_details"]["price"])
    sub = {"id": details["subscription"], "customer": invoice["customer"], "currency": invoice["currency"]}
    item = {"id": details["subscription_item"], "price": price}
    return metered(state, sub, item, each["period"]["start"], each["period"]["end"])


def embedded(data: list[Object], invoice_id: str | None) -> Object:
    """The list of lines inside an invoice: the first ten."""
    url = f"/v1/invoices/{invoice_id}/lines" if invoice_id else "/v1/invoices/upcoming/lines"
    return {"object": "list", "data": data[:EMBEDDED], "has_more": len(data) > EMBEDDED, "url": url}


def _shared(state: State, sub: Object, item: Object, quantity: int, period: tuple[int, int]) -> list[Object]:
    price = item["price"]
    if price.get("billing_scheme") != "tiered":
        amount, text = rounded(cost(price, quantity)), _text(state, price, quantity, "at " + _each(price))
        return [line(sub["currency"], amount, text, period, **_of(sub, item, price, quantity))]
    return [_tier_line(state, sub, item, share, period) for share in shares_of(price, quantity)]


def _tier_line(state: State, sub: Object, item: Object, share: Share, period: tuple[int, int]) -> Object:
    price = item["price"]
    at = f"Tier {share.number} at {money(share.tier.unit, price['currency'])} / {price['recurring']['interval']}"
    more = _of(sub, item, price, share.quantity) | {"pricing": pricing(price, share.tier.unit)}
    return line(sub["currency"], rounded(share.amount), _text(state, price, share.quantity, at), period, **more)


def _of(sub: Object, item: Object, price: Object, quantity: int) -> dict[str, Any]:
    return {"parent": _parent(sub, item), "price": price, "quantity": quantity, "subscription": sub["id"] or None}


def _text(state: State, price: Object, quantity: int, at: str) -> str:
    return f"{quantity} × {name_of(state, price)} ({at})"


def _each(price: Object) -> str:
    recurring = price["recurring"]
    count = recurring.get("interval_count") or 1
    every = recurring["interval"] if count == 1 else f"every {count} {recurring['interval']}s"
    return f"{money(decimal_of(price, 'unit_amount'), price['currency'])} / {every}"


def _parent(sub: Object, item: Object) -> Object:
    details = {"proration": False, "subscription": sub["id"] or None, "subscription_item": item["id"]}
    return {"type": "subscription_item_details", "subscription_item_details": details}


def _item_details(pending: Object) -> Object:
    details = (pending.get("parent") or {}).get("subscription_details") or {}
    return {"invoice_item": pending["id"], "proration": pending["proration"], "subscription": details.get("subscription")}


def _subscription_details(pending: Object, details: Object) -> Object:
    return {
        "invoice_item": pending["id"] or None,
        "proration": pending["proration"],
        "subscription": details["subscription"],
        "subscription_item": details["subscription_item"],
    }


def since(text: str, second: int) -> str:
    """What a proration's line says, as `Unused time on 5 × Team after 28 Nov 2026`."""
    return f"{text} after {day(second)}"
