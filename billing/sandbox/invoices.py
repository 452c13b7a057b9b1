"""An invoice's life: drafted, stored, finalised, paid or given up. How its money is fetched is in `collection.py`."""

from dataclasses import dataclass
from typing import Any, Final

from billing.sandbox import credit_grants, customers, lines, totals, values
from billing.sandbox.agenda import changing, keep
from billing.sandbox.errors import invalid
from billing.sandbox.state import Object, State

KIND: Final = "invoice"
MEMORY: Final = "invoices of subscriptions"
GRACE: Final = 3600  # seconds that a renewal's invoice stays a draft, so that late usage still gets on it
RENEWALS: Final = frozenset({"subscription_cycle", "subscription_threshold"})


@dataclass(slots=True)
class Draft:
    """An invoice that is not stored: a preview shows it so, `issue` keeps it."""

    invoice: Object
    lines: list[Object]
    items: list[Object]  # invoice items that it takes in


def draft(
    state: State,
    customer: Object,
    sub: Object | None,
    *,
    data: list[Object],
    items: list[Object],
    reason: str,
    found: list[Object],
    **more: Any,
) -> Draft:
    """Put an invoice together: `items` become lines before those of `data`, `found` are the discounts that hold."""
    all_lines = [lines.of_item(item) for item in items] + data
    invoice = _blank(state, customer, sub, reason) | more
    invoice["currency"] = invoice["currency"] or (all_lines[0]["currency"] if all_lines else "usd")
    invoice["discounts"] = [discount["id"] for discount in found]
    totals.reckon(state, invoice, all_lines, found)
    invoice["lines"] = lines.embedded(all_lines, None)
    return Draft(invoice, all_lines, items)


def issue(state: State, new: Draft, sub: Object | None) -> Object:
    """Store a draft; its invoice items wait no longer, and the subscription knows it as its latest invoice."""
    invoice = new.invoice
    invoice["id"] = state.new_id("in")
    lines.attach(state, invoice, new.lines)
    for line, item in zip(new.lines, new.items, strict=False):
        line["parent"][line["parent"]["type"]]["invoice_item"] = item["id"] = item["id"] or state.new_id("ii")
        item["invoice"] = invoice["id"]
        state.put("invoiceitem", item)
    if invoice["billing_reason"] in RENEWALS and invoice["auto_advance"]:
        invoice["automatically_finalizes_at"] = state.now() + GRACE
    _index(state).setdefault(subscription_of(invoice) or "", []).append(invoice["id"])
    keep(state, invoice)
    state.emit("invoice.created", invoice)
    if sub is not None:
        sub["latest_invoice"] = invoice["id"]
    return invoice


def reckon(state: State, invoice: Object) -> None:
    """Set a stored draft's lines and sums anew, with the usage that is known now."""
    found = [state.get("discount", id) for id in invoice["discounts"]]
    data = lines.refreshed(state, invoice, lines.of_invoice(state, invoice))
    totals.reckon(state, invoice, data, found)
    lines.attach(state, invoice, data)


def finalise(state: State, invoice: Object) -> Object:
    """Close a draft: it gets its number, uses the customer's credit, and is open; or paid, if nothing is left to pay.

    Raises `Refusal` for an invoice that is not a draft.
    """
    if invoice["status"] != "draft":
        raise invalid(
            "This invoice is already finalized, you can't re-finalize a non-draft invoice.", None, "invoice_not_editable"
        )
    reckon(state, invoice)
    credit_grants.settle(state, invoice)
    _number(state, invoice)
    _use_balance(state, invoice)
    now, public = state.now(), state.settings.public
    invoice |= {"status": "open", "effective_at": now, "automatically_finalizes_at": None}
    invoice |= {"hosted_invoice_url": f"{public}/invoice/{invoice['id']}", "invoice_pdf": f"{public}/invoice/{invoice['id']}/pdf"}
    invoice["status_transitions"]["finalized_at"] = now
    if invoice["collection_method"] == "send_invoice":
        invoice["due_date"] = invoice["due_date"] or now
    keep(state, invoice)
    state.emit("invoice.finalized", invoice)
    if invoice["amount_due"] == 0:
        mark_paid(state, invoice, 0)
    return invoice


def mark_paid(state: State, invoice: Object, amount: int) -> None:
    """Nothing is left to pay: `amount` came in just now."""
    with changing(state, invoice, "invoice.updated"):
        invoice |= {"status": "paid", "attempted": True, "next_payment_attempt": None, "auto_advance": False}
        invoice |= {"amount_paid": invoice["amount_paid"] + amount, "amount_remaining": 0}
        invoice["status_transitions"]["paid_at"] = state.now()
    state.emit("invoice.paid", invoice)
    state.emit("invoice.payment_succeeded", invoice)


def leave_as_draft(state: State, invoice: Object) -> None:
    """It stays a draft until somebody finalises it."""
    with changing(state, invoice, "invoice.updated"):
        invoice |= {"auto_advance": False, "automatically_finalizes_at": None}


def void(state: State, invoice: Object) -> Object:
    """Nobody owes it any more. Raises `Refusal` unless it is open or uncollectible."""
    _end(state, invoice, "void", "voided_at")
    state.emit("invoice.voided", invoice)
    return invoice


def mark_uncollectible(state: State, invoice: Object) -> Object:
    """It will hardly ever be paid. Raises `Refusal` unless it is open."""
    _end(state, invoice, "uncollectible", "marked_uncollectible_at")
    invoice["status_details"] = {"uncollectible": {"reason": "user_forgiven"}}
    state.emit("invoice.marked_uncollectible", keep(state, invoice))
    return invoice


def subscription_of(invoice: Object) -> str | None:
    """The id of the subscription that an invoice is for."""
    details = (invoice.get("parent") or {}).get("subscription_details") or {}
    name: str | None = details.get("subscription")
    return name


def of_subscription(state: State, subscription: str) -> list[Object]:
    """The invoices of a subscription, oldest first."""
    return [state.table(KIND)[id] for id in _index(state).get(subscription, ()) if id in state.table(KIND)]


def _index(state: State) -> dict[str, list[str]]:
    index: dict[str, list[str]] | None = state.memory.get(MEMORY)
    if index is None:
        index = state.memory[MEMORY] = {}
        for invoice in state.table(KIND).values():
            index.setdefault(subscription_of(invoice) or "", []).append(invoice["id"])
    return index


def _end(state: State, invoice: Object, status: str, transition: str) -> None:
    if invoice["status"] not in ("open", "uncollectible") or invoice["status"] == status:
        raise invalid(
            f"You can only mark an open invoice as {status}; this one is {invoice['status']}.", None, "invoice_not_editable"
        )
    with changing(state, invoice, "invoice.updated"):
        invoice |= {"status": status, "next_payment_attempt": None, "auto_advance": False}
        invoice["status_transitions"][transition] = state.now()


def _number(state: State, invoice: Object) -> None:
    customer = state.get("customer", invoice["customer"])
    sequence = customer["next_invoice_sequence"]
    invoice["number"] = f"{customer['invoice_prefix']}-{sequence:04}"
    changes = {"next_invoice_sequence": sequence + 1, "currency": customer["currency"] or invoice["currency"]}
    values.change(state, customer, changes, "customer.updated")


def _use_balance(state: State, invoice: Object) -> None:
    """Take the customer's credit, or give an invoice below zero to it."""
    used = totals.balance_after(invoice) - invoice["starting_balance"]
    invoice["ending_balance"] = invoice["starting_balance"] + used
    if used:
        customer = state.get("customer", invoice["customer"])
        customers.adjust_balance(state, customer, used, invoice["currency"], type="applied_to_invoice", invoice=invoice["id"])


def _blank(state: State, customer: Object, sub: Object | None, reason: str) -> Object:
    now = state.now()
    return {
        "id": "",
        "object": KIND,
        "account_country": "US",
        "account_name": "Porchlight",
        "amount_overpaid": 0,
        "amount_paid": 0,
        "amount_shipping": 0,
        "attempt_count": 0,
        "attempted": False,
        "auto_advance": True,
        "automatic_tax": {"enabled": bool(sub and sub["automatic_tax"]["enabled"]), "status": None},
        "automatically_finalizes_at": None,
        "billing_reason": reason,
        "collection_method": sub["collection_method"] if sub else "charge_automatically",
        "created": now,
        "currency": sub["currency"] if sub else customer.get("currency"),
        "customer": customer["id"] or None,
        **_of_customer(state, customer),
        "default_tax_rates": [],
        "description": None,
        "due_date": now + sub["days_until_due"] * 86_400 if sub and sub.get("days_until_due") else None,
        "issuer": {"type": "self"},
        "livemode": False,
        "metadata": {},
        "next_payment_attempt": None,
        "number": None,
        "parent": _parent(sub),
        "payment_settings": {"payment_method_types": None},
        "period_end": now,
        "period_start": now,
        "post_payment_credit_notes_amount": 0,
        "pre_payment_credit_notes_amount": 0,
        "status": "draft",
        "status_transitions": {"finalized_at": None, "marked_uncollectible_at": None, "paid_at": None, "voided_at": None},
    }


def _of_customer(state: State, customer: Object) -> Object:
    ids = [row for row in state.table("tax_id").values() if row["customer"] == customer["id"]] if customer["id"] else []
    return {
        "customer_address": customer.get("address"),
        "customer_email": customer.get("email"),
        "customer_name": customer.get("name"),
        "customer_phone": customer.get("phone"),
        "customer_tax_exempt": customer.get("tax_exempt"),
        "customer_tax_ids": [{"type": row["type"], "value": row["value"]} for row in ids],
    }


def _parent(sub: Object | None) -> Object | None:
    if sub is None:
        return None
    details = {"subscription": sub["id"], "metadata": dict(sub["metadata"])}
    return {"type": "subscription_details", "quote_details": None, "subscription_details": details}
