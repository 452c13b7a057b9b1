"""The SDK's objects as records of `shapes.py`."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from billing.gateway import shapes
from billing.gateway.client import tenant_in

Raw = dict[str, Any]


def moment(second: int) -> datetime:
    """A Unix second in UTC."""
    return datetime.fromtimestamp(second, UTC)


def moment_or_none(second: int | None) -> datetime | None:
    return None if second is None else moment(second)


def second(at: datetime) -> int:
    """A moment as a Unix second, rounded down."""
    return int(at.timestamp())


def id_of(value: Any) -> str:
    """The id of something that may be shown whole."""
    return str(value["id"] if isinstance(value, dict) else value or "")


def price(raw: Raw) -> shapes.Price:
    """A tiered price has one or two tiers: what is included, and what is beyond."""
    tiers, recurring = raw.get("tiers") or [], raw["recurring"] or {}
    last = tiers[-1] if tiers else raw
    amount = last.get("unit_amount_decimal")
    return shapes.Price(
        id=raw["id"],
        lookup_key=raw.get("lookup_key") or "",
        product=id_of(raw["product"]),
        currency=raw["currency"],
        interval=recurring.get("interval", ""),
        unit_amount=Decimal(last.get("unit_amount") or 0) if amount is None else Decimal(amount),
        included=int(tiers[0]["up_to"]) if len(tiers) > 1 else 0,
        meter=recurring.get("meter"),
    )


def coupon(raw: Raw) -> shapes.Coupon:
    return shapes.Coupon(
        id=raw["id"],
        name=raw.get("name") or raw["id"],
        percent_off=Decimal(str(raw.get("percent_off") or 0)),
        amount_off=raw.get("amount_off") or 0,
        currency=raw.get("currency") or "",
        is_valid=bool(raw.get("valid")),
    )


def customer(raw: Raw) -> shapes.Customer:
    """One that was deleted has nothing but its id. Of several tax IDs the newest counts."""
    tax: Raw = next(iter((raw.get("tax_ids") or {}).get("data") or []), {})
    return shapes.Customer(
        id=raw["id"],
        name=raw.get("name") or "",
        email=raw.get("email") or "",
        country=(raw.get("address") or {}).get("country") or "",
        tax_id_type=tax.get("type") or "",
        tax_id=tax.get("value") or "",
        credit=-(raw.get("balance") or 0),
        tenant=tenant_in(raw.get("metadata")),
        is_deleted=bool(raw.get("deleted")),
    )


def checkout(raw: Raw) -> shapes.Checkout:
    return shapes.Checkout(raw["id"], raw.get("url") or "", raw.get("status") or "", id_of(raw.get("subscription")))


def subscription(raw: Raw) -> shapes.Subscription:
    """The newest of its discounts counts: we give one at a time."""
    discounts = [row for row in raw.get("discounts") or [] if isinstance(row, dict)]
    kept = (discounts[-1].get("source") or {}).get("coupon") if discounts else None
    return shapes.Subscription(
        id=raw["id"],
        customer=id_of(raw["customer"]),
        tenant=tenant_in(raw.get("metadata")),
        status=raw["status"],
        currency=raw["currency"],
        items=tuple(_item(row) for row in raw["items"]["data"]),
        anchor=moment(raw["billing_cycle_anchor"]),
        created=moment(raw["created"]),
        trial_end=moment_or_none(raw.get("trial_end")),
        cancel_at=moment_or_none(raw.get("cancel_at")),
        canceled_at=moment_or_none(raw.get("canceled_at")),
        ended_at=moment_or_none(raw.get("ended_at")),
        schedule=id_of(raw.get("schedule")),
        coupon=coupon(kept) if isinstance(kept, dict) else None,
    )


def line(raw: Raw) -> shapes.Line:
    pricing = (raw.get("pricing") or {}).get("price_details") or {}
    parent = raw.get("parent") or {}
    origin = parent.get("subscription_item_details") or parent.get("invoice_item_details") or {}
    return shapes.Line(
        id=raw["id"],
        description=raw.get("description") or "",
        price_id=id_of(pricing.get("price")),
        quantity=raw.get("quantity"),
        amount=raw["amount"],
        is_proration=bool(origin.get("proration")),
        period_start=moment(raw["period"]["start"]),
        period_end=moment(raw["period"]["end"]),
    )


def preview(raw: Raw) -> shapes.Preview:
    return shapes.Preview(
        lines=tuple(line(row) for row in raw["lines"]["data"]),
        subtotal=raw["subtotal"],
        discount=_sum(raw.get("total_discount_amounts")),
        tax=_sum(raw.get("total_taxes")),
        total=raw["total"],
        amount_due=raw["amount_due"],
        currency=raw["currency"],
        period_start=moment(raw["period_start"]),
        period_end=moment(raw["period_end"]),
    )


def invoice(raw: Raw) -> shapes.Invoice:
    parent = (raw.get("parent") or {}).get("subscription_details") or {}
    times = raw.get("status_transitions") or {}
    return shapes.Invoice(
        id=raw["id"],
        number=raw.get("number") or "",
        customer=id_of(raw.get("customer")),
        subscription=id_of(parent.get("subscription")),
        status=raw.get("status") or "",
        reason=raw.get("billing_reason") or "",
        currency=raw["currency"],
        subtotal=raw["subtotal"],
        discount=_sum(raw.get("total_discount_amounts")),
        tax=_sum(raw.get("total_taxes")),
        total=raw["total"],
        amount_due=raw["amount_due"],
        amount_paid=raw["amount_paid"],
        amount_remaining=raw["amount_remaining"],
        credited=(raw.get("pre_payment_credit_notes_amount") or 0) + (raw.get("post_payment_credit_notes_amount") or 0),
        period_start=moment(raw["period_start"]),
        period_end=moment(raw["period_end"]),
        created=moment(raw["created"]),
        finalized_at=moment_or_none(times.get("finalized_at")),
        due_at=moment_or_none(raw.get("due_date")),
        paid_at=moment_or_none(times.get("paid_at")),
        hosted_url=raw.get("hosted_invoice_url") or "",
        pdf_url=raw.get("invoice_pdf") or "",
        attempt_count=raw.get("attempt_count") or 0,
        next_attempt=moment_or_none(raw.get("next_payment_attempt")),
        decline_reason=_decline(raw),
        lines=tuple(line(row) for row in raw["lines"]["data"]),
    )


def _item(raw: Raw) -> shapes.Item:
    return shapes.Item(
        id=raw["id"],
        price=id_of(raw["price"]),
        quantity=raw.get("quantity"),
        period_start=moment(raw["current_period_start"]),
        period_end=moment(raw["current_period_end"]),
    )


def _sum(rows: list[Raw] | None) -> int:
    return sum(row["amount"] for row in rows or [])


def _decline(raw: Raw) -> str:
    """Why the last payment of an invoice failed, in the bank's word; empty if it did not, or is not shown."""
    for row in reversed((raw.get("payments") or {}).get("data") or []):
        intent = (row.get("payment") or {}).get("payment_intent")
        failed = intent.get("last_payment_error") if isinstance(intent, dict) else None
        if failed:
            return str(failed.get("decline_code") or failed.get("code") or "")
    return ""
