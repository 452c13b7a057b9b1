"""Taking back what was invoiced: credit notes and refunds."""

from typing import Any, Final

from billing.sandbox import collection, customers, invoices, lines, payments, values
from billing.sandbox.agenda import changing
from billing.sandbox.errors import invalid
from billing.sandbox.routes import route
from billing.sandbox.state import Object, State, paged

KIND: Final = "credit_note"
REFUND: Final = "refund"
NOTABLE: Final = frozenset({"open", "paid", "uncollectible"})


@route("POST", "/v1/credit_notes")
def create(state: State, params: dict[str, Any]) -> Object:
    """Lowers what is left to pay of an open invoice; of a paid one, gives it to the balance or back to the card.

    Raises `Refusal` for more than the invoice has left, and if a paid one's amount is not spoken for in full.
    """
    invoice, note = _made(state, params)
    note["id"] = state.new_id("cn")
    note["pdf"] = f"{state.settings.public}/credit_note/{note['id']}/pdf"
    note["number"] = f"{invoice['number']}-CN-{_count(state, invoice) + 1:02}"
    for line in note["lines"]["data"]:
        line["id"] = state.new_id("cnli")
    note["lines"]["url"] = f"/v1/credit_notes/{note['id']}/lines"
    _settle_after(state, invoice, note, params) if note["post_payment_amount"] else _settle_before(state, invoice, note)
    state.put(KIND, note)
    state.emit("credit_note.created", note)
    return note


@route("GET", "/v1/credit_notes/preview")
def preview(state: State, params: dict[str, Any]) -> Object:
    _, note = _made(state, params)
    return note | {"id": state.new_id("cn"), "number": "preview", "pdf": ""}


@route("GET", "/v1/credit_notes/{id}")
def retrieve(state: State, params: dict[str, Any], note_id: str) -> Object:
    return state.get(KIND, note_id)


@route("GET", "/v1/credit_notes/{id}/lines")
def list_lines(state: State, params: dict[str, Any], note_id: str) -> Object:
    return paged(state.get(KIND, note_id)["lines"]["data"], params)


@route("GET", "/v1/credit_notes")
def list_all(state: State, params: dict[str, Any]) -> Object:
    return state.list(
        KIND, params, lambda note: all(params.get(name, note[name]) == note[name] for name in ("customer", "invoice"))
    )


@route("POST", "/v1/credit_notes/{id}/void")
def void(state: State, params: dict[str, Any], note_id: str) -> Object:
    """Only for an invoice that is still open: what was credited is owed again."""
    note = state.get(KIND, note_id)
    invoice = state.get(invoices.KIND, note["invoice"])
    if note["status"] == "void" or note["post_payment_amount"] or invoice["status"] != "open":
        raise invalid("Only a credit note of an open invoice can be voided.")
    values.change(state, note, {"status": "void", "voided_at": state.now()}, "credit_note.voided")
    with changing(state, invoice, "invoice.updated"):
        _lower(invoice, -note["total"])
    return note


@route("POST", "/v1/refunds")
def create_refund(state: State, params: dict[str, Any]) -> Object:
    """Money of a charge goes back. Raises `Refusal` for more than is left of it."""
    charge = _charge(state, params)
    left = charge["amount"] - charge["amount_refunded"]
    amount = params.get("amount", left)
    if not 0 < amount <= left:
        raise invalid(f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left}).", "amount")
    return _refund(state, charge, amount, params)


@route("GET", "/v1/refunds/{id}")
def retrieve_refund(state: State, params: dict[str, Any], refund_id: str) -> Object:
    return state.get(REFUND, refund_id)


@route("GET", "/v1/refunds")
def list_refunds(state: State, params: dict[str, Any]) -> Object:
    return state.list(
        REFUND, params, lambda row: all(params.get(name, row[name]) == row[name] for name in ("charge", "payment_intent"))
    )


def _made(state: State, params: dict[str, Any]) -> tuple[Object, Object]:
    """The invoice, and a note that is stored nowhere."""
    invoice = state.get(invoices.KIND, params["invoice"], "invoice")
    if invoice["status"] not in NOTABLE:
        raise invalid(f"Credit notes are for finalized invoices; this one is {invoice['status']}.", "invoice")
    data = _lines(state, invoice, params)
    total = sum(line["amount"] for line in data)
    is_paid = invoice["status"] == "paid"
    credited = invoice["pre_payment_credit_notes_amount"] + invoice["post_payment_credit_notes_amount"]
    left = invoice["total"] - credited if is_paid else invoice["amount_remaining"]
    if not 0 < total <= left:
        raise invalid(f"The credit note amount must be from 1 to {left}, what is left of the invoice, and is {total}.", "amount")
    return invoice, _blank(state, invoice, params, data, total, is_paid=is_paid)


def _lines(state: State, invoice: Object, params: dict[str, Any]) -> list[Object]:
    if "lines" not in params:
        parts = [params.get(f"{name}_amount", 0) for name in ("refund", "credit", "out_of_band")]
        amount = int(params.get("amount", sum(parts)))
        return [_line(amount, "Credit", "custom_line_item", None)]
    return [_line_of(state, invoice, spec, number) for number, spec in enumerate(params["lines"])]


def _line_of(state: State, invoice: Object, spec: Object, number: int) -> Object:
    if spec["type"] == "custom_line_item":
        amount = spec.get("unit_amount", 0) * spec.get("quantity", 1)
        return _line(amount, spec.get("description"), "custom_line_item", None)
    known = {line["id"]: line for line in lines.of_invoice(state, invoice)}
    source = known.get(spec.get("invoice_line_item", ""))
    if source is None:
        raise invalid(f"No such invoice line item: {spec.get('invoice_line_item')!r}.", f"lines[{number}][invoice_line_item]")
    part: int = spec["amount"] if "amount" in spec else source["amount"]
    return _line(part, source["description"], "invoice_line_item", source["id"])


def _line(amount: int, text: str | None, kind: str, source: str | None) -> Object:
    return {
        "id": "",
        "object": "credit_note_line_item",
        "amount": amount,
        "description": text,
        "discount_amount": 0,
        "discount_amounts": [],
        "invoice_line_item": source,
        "livemode": False,
        "pretax_credit_amounts": [],
        "quantity": 1 if kind == "custom_line_item" else None,
        "tax_rates": [],
        "taxes": [],
        "type": kind,
        "unit_amount": amount if kind == "custom_line_item" else None,
    }


def _blank(state: State, invoice: Object, params: dict[str, Any], data: list[Object], total: int, *, is_paid: bool) -> Object:
    note = values.new(state, KIND, "cn")
    return note | {
        "amount": total,
        "amount_shipping": 0,
        "currency": invoice["currency"],
        "customer": invoice["customer"],
        "customer_balance_transaction": None,
        "discount_amount": 0,
        "discount_amounts": [],
        "effective_at": state.now(),
        "invoice": invoice["id"],
        "lines": {"object": "list", "data": data, "has_more": False, "url": "/v1/credit_notes/preview/lines"},
        "memo": params.get("memo"),
        "metadata": values.metadata({}, params.get("metadata")),
        "out_of_band_amount": params.get("out_of_band_amount"),
        "post_payment_amount": total if is_paid else 0,
        "pre_payment_amount": 0 if is_paid else total,
        "pretax_credit_amounts": [],
        "reason": params.get("reason"),
        "refunds": [],
        "status": "issued",
        "subtotal": total,
        "subtotal_excluding_tax": total,
        "total": total,
        "total_excluding_tax": total,
        "total_taxes": [],
        "type": "post_payment" if is_paid else "pre_payment",
    }


def _settle_before(state: State, invoice: Object, note: Object) -> None:
    """An open invoice is owed less; if nothing is left, it is paid."""
    with changing(state, invoice, "invoice.updated"):
        _lower(invoice, note["total"])
    if invoice["amount_remaining"] == 0:
        collection.paid(state, invoice)


def _lower(invoice: Object, amount: int) -> None:
    invoice["pre_payment_credit_notes_amount"] += amount
    invoice["amount_due"] -= amount
    invoice["amount_remaining"] -= amount


def _settle_after(state: State, invoice: Object, note: Object, params: dict[str, Any]) -> None:
    parts = {name: params.get(f"{name}_amount", 0) for name in ("credit", "refund", "out_of_band")}
    if not any(parts.values()):
        parts["credit"] = note["total"]
    if sum(parts.values()) != note["total"]:
        text = "The sum of credit amount, refund amount and out of band amount must equal the credit note amount"
        raise invalid(f"{text}: {sum(parts.values())} is not {note['total']}.", "amount")
    if parts["refund"]:
        payment = payments.of_invoice(state, invoice["id"])[-1]["payment"]["payment_intent"]
        refund = create_refund(state, {"payment_intent": payment, "amount": parts["refund"]})
        note["refunds"] = [{"amount_refunded": parts["refund"], "refund": refund["id"], "type": "refund"}]
    if parts["credit"]:
        customer = state.get(customers.KIND, invoice["customer"])
        booked = customers.adjust_balance(
            state,
            customer,
            -parts["credit"],
            invoice["currency"],
            type="credit_note",
            credit_note=note["id"],
            invoice=invoice["id"],
        )
        note["customer_balance_transaction"] = booked["id"]
    with changing(state, invoice, "invoice.updated"):
        invoice["post_payment_credit_notes_amount"] += note["total"]


def _count(state: State, invoice: Object) -> int:
    return sum(note["invoice"] == invoice["id"] for note in state.table(KIND).values())


def _charge(state: State, params: dict[str, Any]) -> Object:
    if "charge" in params:
        return state.get("charge", params["charge"], "charge")
    intent = state.get("payment_intent", params.get("payment_intent", ""), "payment_intent")
    if intent["status"] != "succeeded":
        raise invalid(f"The payment intent {intent['id']} has no successful charge to refund.", "payment_intent")
    return state.get("charge", intent["latest_charge"])


def _refund(state: State, charge: Object, amount: int, params: dict[str, Any]) -> Object:
    refund = values.new(state, REFUND, "re")
    del refund["livemode"]
    refund |= {
        "amount": amount,
        "charge": charge["id"],
        "currency": charge["currency"],
        "payment_intent": charge["payment_intent"],
    }
    refund |= {"metadata": values.metadata({}, params.get("metadata")), "reason": params.get("reason"), "status": "succeeded"}
    state.put(REFUND, refund)
    refunded = charge["amount_refunded"] + amount
    changes = {"amount_refunded": refunded, "refunded": refunded == charge["amount"]}
    values.change(state, charge, changes, "charge.refunded")
    state.emit("refund.created", refund)
    return refund
