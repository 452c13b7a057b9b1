"""Invoices as the API serves them."""

from typing import Any, Final

from billing.sandbox import collection, discounts, invoices, lines, payments, prorations, values
from billing.sandbox.agenda import changing, keep
from billing.sandbox.errors import invalid
from billing.sandbox.routes import expansion, route
from billing.sandbox.state import Object, State, paged

KIND: Final = invoices.KIND


@route("GET", "/v1/invoices")
def list_all(state: State, params: dict[str, Any]) -> Object:
    return state.list(KIND, params, lambda invoice: _is_wanted(invoice, params))


@route("GET", "/v1/invoices/{id}")
def retrieve(state: State, params: dict[str, Any], invoice_id: str) -> Object:
    """A draft is shown with the usage that is known now."""
    invoice = state.get(KIND, invoice_id)
    if invoice["status"] == "draft":
        invoices.reckon(state, invoice)
    return invoice


@route("GET", "/v1/invoices/{id}/lines")
def list_lines(state: State, params: dict[str, Any], invoice_id: str) -> Object:
    invoice = retrieve(state, {}, invoice_id)
    return paged(lines.of_invoice(state, invoice), params)


@route("POST", "/v1/invoices")
def create(state: State, params: dict[str, Any]) -> Object:
    """A draft of a customer's waiting invoice items."""
    customer = state.get("customer", params.get("customer", ""), "customer")
    sub = state.get("subscription", params["subscription"], "subscription") if "subscription" in params else None
    waiting = prorations.waiting(state, customer["id"], sub["id"] if sub else None)
    if params.get("pending_invoice_items_behavior", "exclude") == "exclude" and sub is None:
        waiting = []
    found = discounts.chosen(state, params.get("discounts"), customer)
    more = values.given(params, ("description", "footer", "collection_method", "currency"))
    new = invoices.draft(state, customer, sub, data=[], items=waiting, reason="manual", found=found, **more)
    new.invoice |= {"auto_advance": bool(params.get("auto_advance")), "metadata": values.metadata({}, params.get("metadata"))}
    invoice = invoices.issue(state, new, None)
    discounts.redeem(state, found, invoice=invoice["id"])
    return invoice


@route("POST", "/v1/invoices/{id}")
def update(state: State, params: dict[str, Any], invoice_id: str) -> Object:
    invoice = state.get(KIND, invoice_id)
    with changing(state, invoice, "invoice.updated"):
        invoice |= values.given(params, ("description", "footer", "auto_advance", "default_payment_method"))
        if "metadata" in params:
            invoice["metadata"] = values.metadata(invoice["metadata"], params["metadata"])
    return invoice


@route("DELETE", "/v1/invoices/{id}")
def delete(state: State, params: dict[str, Any], invoice_id: str) -> Object:
    invoice = state.get(KIND, invoice_id)
    if invoice["status"] != "draft" or invoices.subscription_of(invoice):
        raise invalid("You can only delete draft invoices that no subscription has made.", None, "invoice_not_editable")
    for item in state.table("invoiceitem").values():
        if item["invoice"] == invoice_id:
            state.put("invoiceitem", item | {"invoice": None})
    state.emit("invoice.deleted", invoice)
    return state.drop(KIND, invoice_id)


@route("POST", "/v1/invoices/{id}/finalize")
def finalise(state: State, params: dict[str, Any], invoice_id: str) -> Object:
    invoice = invoices.finalise(state, state.get(KIND, invoice_id))
    advances = params.get("auto_advance", invoice["auto_advance"])
    if invoice["status"] == "open" and advances and invoice["collection_method"] == "charge_automatically":
        collection.attempt(state, invoice)
    return invoice


@route("POST", "/v1/invoices/{id}/pay")
def pay(state: State, params: dict[str, Any], invoice_id: str) -> Object:
    """Raises `Refusal` 402 if the card is declined; the attempt counts."""
    invoice = state.get(KIND, invoice_id)
    if invoice["status"] == "draft":
        invoices.finalise(state, invoice)
        if invoice["status"] == "paid":
            return invoice
    must_be_open(invoice)
    if params.get("paid_out_of_band"):
        collection.paid(state, invoice)
    elif failure := collection.attempt(state, invoice, _method(state, params)):
        raise failure.refusal()
    return invoice


@route("POST", "/v1/invoices/{id}/void")
def void(state: State, params: dict[str, Any], invoice_id: str) -> Object:
    invoice = invoices.void(state, state.get(KIND, invoice_id))
    collection.settle(state, invoice)
    return invoice


@route("POST", "/v1/invoices/{id}/mark_uncollectible")
def mark_uncollectible(state: State, params: dict[str, Any], invoice_id: str) -> Object:
    return invoices.mark_uncollectible(state, state.get(KIND, invoice_id))


@route("POST", "/v1/invoices/{id}/send")
def send(state: State, params: dict[str, Any], invoice_id: str) -> Object:
    invoice = state.get(KIND, invoice_id)
    if invoice["status"] == "draft":
        invoices.finalise(state, invoice)
    state.emit("invoice.sent", invoice)
    return keep(state, invoice)


@route("GET", "/v1/invoice_payments")
def list_payments(state: State, params: dict[str, Any]) -> Object:
    wanted = ("invoice", "status")
    return state.list("invoice_payment", params, lambda row: all(params.get(name, row[name]) == row[name] for name in wanted))


@route("GET", "/v1/payment_intents/{id}")
def retrieve_intent(state: State, params: dict[str, Any], intent_id: str) -> Object:
    return state.get("payment_intent", intent_id)


@route("GET", "/v1/charges/{id}")
def retrieve_charge(state: State, params: dict[str, Any], charge_id: str) -> Object:
    return state.get("charge", charge_id)


@expansion(KIND, "payments")
def payments_of(state: State, invoice: Object) -> Object:
    found = payments.of_invoice(state, invoice["id"])
    return {"object": "list", "data": found, "has_more": False, "url": "/v1/invoice_payments"}


def must_be_open(invoice: Object) -> None:
    """Raises `Refusal` for an invoice that nobody can pay."""
    if invoice["status"] == "paid":
        raise invalid("Invoice is already paid", None, "invoice_already_paid")
    if invoice["status"] not in ("open", "uncollectible"):
        raise invalid(f"This invoice is {invoice['status']} and cannot be paid.", None, "invoice_not_editable")


def _method(state: State, params: dict[str, Any]) -> str | None:
    name: str | None = params.get("payment_method")
    if name:
        state.get(payments.METHOD, name, "payment_method")
    return name


def _is_wanted(invoice: Object, params: dict[str, Any]) -> bool:
    sub = invoices.subscription_of(invoice)
    same = all(params.get(name, invoice[name]) == invoice[name] for name in ("customer", "status", "collection_method"))
    return bool(same and params.get("subscription", sub) == sub)
