"""Invoice items: what waits to be put on a customer's next invoice."""

from decimal import Decimal
from typing import Any, Final

from billing.sandbox import invoices, lines, prorations, totals, values
from billing.sandbox.arithmetic import decimal_of, rounded
from billing.sandbox.errors import invalid
from billing.sandbox.routes import route
from billing.sandbox.state import Object, State

KIND: Final = prorations.PENDING


@route("POST", "/v1/invoiceitems")
def create(state: State, params: dict[str, Any]) -> Object:
    """With `invoice` it goes on that draft at once, with `subscription` on its next invoice, else on any next one."""
    customer = state.get("customer", params.get("customer", ""), "customer")
    amount, quantity, more = _priced(state, params)
    currency = params.get("currency") or customer["currency"] or more.get("price", {}).get("currency") or "usd"
    sent = params.get("period")
    period = (sent["start"], sent["end"]) if sent else (state.now(), state.now())
    item = prorations.pending(
        state, customer["id"], currency, amount, params.get("description"), period, quantity=quantity, **more
    )
    item |= {"discountable": params.get("discountable", amount >= 0), "metadata": values.metadata({}, params.get("metadata"))}
    if sub := params.get("subscription"):
        state.get("subscription", sub, "subscription")
        item["parent"] = {"type": "subscription_details", "subscription_details": {"subscription": sub}}
    draft = _draft(state, params)
    prorations.keep(state, item)
    if draft:
        _put_on(state, item, draft)
    return item


@route("GET", "/v1/invoiceitems/{id}")
def retrieve(state: State, params: dict[str, Any], item_id: str) -> Object:
    return state.get(KIND, item_id)


@route("GET", "/v1/invoiceitems")
def list_all(state: State, params: dict[str, Any]) -> Object:
    pending = params.get("pending")
    return state.list(
        KIND,
        params,
        lambda item: (
            all(params.get(name, item[name]) == item[name] for name in ("customer", "invoice"))
            and (pending is None or pending == (item["invoice"] is None))
        ),
    )


@route("DELETE", "/v1/invoiceitems/{id}")
def delete(state: State, params: dict[str, Any], item_id: str) -> Object:
    item = state.get(KIND, item_id)
    if item["invoice"]:
        raise invalid("You can't delete an invoice item that is attached to an invoice.", None, "invoice_not_editable")
    state.emit("invoiceitem.deleted", item)
    return state.drop(KIND, item_id)


def _priced(state: State, params: dict[str, Any]) -> tuple[int, int, dict[str, Any]]:
    """The amount, the quantity, and the price where one is named."""
    quantity = params.get("quantity", 1)
    if name := (params.get("pricing") or {}).get("price"):
        price = state.get("price", name, "pricing[price]")
        return rounded(decimal_of(price, "unit_amount") * quantity), quantity, {"price": price}
    if "amount" in params:
        return params["amount"], quantity, {}
    if "unit_amount_decimal" not in params:
        raise invalid("An invoice item takes an amount, a unit_amount_decimal or a price.", "amount", "parameter_missing")
    return rounded(Decimal(str(params["unit_amount_decimal"])) * quantity), quantity, {}


def _draft(state: State, params: dict[str, Any]) -> Object | None:
    if "invoice" not in params:
        return None
    invoice = state.get(invoices.KIND, params["invoice"], "invoice")
    if invoice["status"] != "draft":
        raise invalid("Invoice items can be added to a draft only; this invoice is finalized.", "invoice", "invoice_not_editable")
    return invoice


def _put_on(state: State, item: Object, invoice: Object) -> None:
    item["invoice"] = invoice["id"]
    state.put(KIND, item)
    data = [*lines.of_invoice(state, invoice), lines.of_item(item)]
    lines.attach(state, invoice, data)
    totals.reckon(state, invoice, data, [state.get("discount", id) for id in invoice["discounts"]])
    state.put(invoices.KIND, invoice)
    state.emit("invoice.updated", invoice, {})
