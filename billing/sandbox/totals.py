"""What an invoice comes to: its lines, less discounts and granted credit, with tax, less what the customer has in hand."""

from decimal import Decimal
from typing import Final

from billing.sandbox import credit_grants, discounts
from billing.sandbox.arithmetic import percent_of
from billing.sandbox.state import Object, State

SETTING: Final = "_setting"
TAX: Final = "tax"  # the setting with the rate that tests choose, {"percent": "20"}; none is charged without it
RATE: Final = "txr_standin"


def reckon(state: State, invoice: Object, lines: list[Object], found: list[Object]) -> None:
    """Set all sums of a draft from its lines, the discounts that were found to hold, and the customer's balance."""
    taken = discounts.take_off(state, found, lines, invoice["currency"])
    for line in lines:
        line["pretax_credit_amounts"] = []
    granted = credit_grants.take(state, invoice, lines)
    taxes = _taxed(state, invoice, lines)
    subtotal, tax = sum(line["amount"] for line in lines), sum(taxes)
    off = sum(one["amount"] for one in taken + granted)
    balance = state.get("customer", invoice["customer"], "customer")["balance"] if invoice["customer"] else 0
    total = subtotal - off + tax
    due = max(0, total + balance)
    invoice |= {
        "amount_due": due,
        "amount_remaining": due,
        "ending_balance": None,
        "starting_balance": balance,
        "subtotal": subtotal,
        "subtotal_excluding_tax": subtotal,
        "total": total,
        "total_discount_amounts": taken,
        "total_excluding_tax": total - tax,
        "total_pretax_credit_amounts": granted,
        "total_taxes": [_tax(tax, total - tax)] if taxes else [],
    }


def set_rate(state: State, percent: str | None) -> None:
    """Charge so many per cent of tax from now on, or none."""
    state.put(SETTING, {"id": TAX, "percent": percent})


def balance_after(invoice: Object) -> int:
    """What the customer's balance is once an invoice has used it: what it did not need, or its own credit added."""
    return min(0, int(invoice["total"]) + int(invoice["starting_balance"]))


def _taxed(state: State, invoice: Object, lines: list[Object]) -> list[int]:
    """Note the tax on each line; the amounts, or nothing where none is charged."""
    percent = state.table(SETTING).get(TAX, {}).get("percent")
    if not percent or not invoice["automatic_tax"]["enabled"]:
        return []
    bases = [discounts.left(line) - sum(part["amount"] for part in line["pretax_credit_amounts"]) for line in lines]
    amounts = percent_of(bases, Decimal(percent))
    for line, amount, base in zip(lines, amounts, bases, strict=True):
        line["taxes"] = [_tax(amount, base)]
    return amounts


def _tax(amount: int, base: int) -> Object:
    return {
        "amount": amount,
        "tax_behavior": "exclusive",
        "tax_rate_details": {"tax_rate": RATE},
        "taxability_reason": "standard_rated",
        "taxable_amount": base,
        "type": "tax_rate_details",
    }
