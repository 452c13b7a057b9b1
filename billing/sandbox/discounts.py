"""Coupons at work: redeeming them, and taking them off an invoice's lines."""

from decimal import Decimal
from typing import Any, Final

from billing.sandbox import values
from billing.sandbox.arithmetic import percent_of, spread
from billing.sandbox.coupons import GONE
from billing.sandbox.errors import invalid
from billing.sandbox.periods import Interval, bound
from billing.sandbox.state import Object, State

KIND: Final = "discount"


def chosen(state: State, sent: Any, customer: Object) -> list[Object]:
    """The discounts that a request asks for, not stored: each by a coupon, a promotion code or the id of a discount.

    Raises `Refusal` for a coupon that does not exist or cannot be redeemed.
    """
    if not sent:
        return []
    return [_chosen(state, one, customer) for one in sent]


def redeem(state: State, discounts: list[Object], **of: Any) -> list[str]:
    """Store new discounts, count their redemptions, and tell; their ids. `of` says to what they belong, as `subscription=id`."""
    for discount in discounts:
        if discount["id"] in state.table(KIND):
            continue
        discount.update(of)
        state.put(KIND, discount)
        _count(state, discount)
        state.emit("customer.discount.created", discount)
    return [discount["id"] for discount in discounts]


def of_ids(state: State, ids: list[str], at: int) -> list[Object]:
    """The stored discounts among them that still hold."""
    kept = (state.table(KIND).get(id) for id in ids)
    return [discount for discount in kept if discount and not (discount["end"] is not None and discount["end"] <= at)]


def remaining(state: State, ids: list[str], at: int) -> list[str]:
    """Those that outlive an invoice made now: coupons that hold once do not."""
    return [d["id"] for d in of_ids(state, ids, at) if coupon_of(state, d)["duration"] != "once"]


def coupon_of(state: State, discount: Object) -> Object:
    """The coupon that a discount redeems, though it was deleted since."""
    name = discount["source"]["coupon"]
    return state.table("coupon").get(name) or state.get(GONE, name, "coupon")


def take_off(state: State, discounts: list[Object], lines: list[Object], currency: str) -> list[Object]:
    """Note each discount on the lines it applies to, one after the other; the sums as `total_discount_amounts`."""
    for line in lines:
        line["discount_amounts"] = []
    return [{"amount": _take_off(state, one, lines, currency), "discount": one["id"]} for one in discounts]


def left(line: Object) -> int:
    """What of a line's amount its discounts leave."""
    return int(line["amount"] - sum(part["amount"] for part in line["discount_amounts"]))


def _take_off(state: State, discount: Object, lines: list[Object], currency: str) -> int:
    coupon = coupon_of(state, discount)
    products = (coupon.get("applies_to") or {}).get("products")
    open_lines = [line for line in lines if line["discountable"] and (products is None or _product(line) in products)]
    parts = _parts(coupon, [left(line) for line in open_lines], currency)
    for line, part in zip(open_lines, parts, strict=True):
        line["discount_amounts"].append({"amount": part, "discount": discount["id"]})
    return sum(parts)


def _parts(coupon: Object, amounts: list[int], currency: str) -> list[int]:
    if coupon.get("percent_off"):
        return percent_of(amounts, Decimal(str(coupon["percent_off"])))
    if coupon["currency"] != currency:
        return [0] * len(amounts)
    return spread([max(0, amount) for amount in amounts], coupon["amount_off"])


def _product(line: Object) -> str | None:
    details = (line.get("pricing") or {}).get("price_details") or {}
    product: str | None = details.get("product")
    return product


def _chosen(state: State, sent: Object, customer: Object) -> Object:
    if "discount" in sent:
        return state.get(KIND, sent["discount"], "discounts[0][discount]")
    code = (
        state.get("promotion_code", sent["promotion_code"], "discounts[0][promotion_code]") if "promotion_code" in sent else None
    )
    name = code["promotion"]["coupon"] if code else sent.get("coupon", "")
    coupon = state.get("coupon", name, "discounts[0][coupon]")
    must_hold(state, coupon, code)
    return _discount(state, coupon, code, customer["id"])


def must_hold(state: State, coupon: Object, code: Object | None) -> None:
    """Raises `Refusal` for a coupon or a promotion code that is over or used up."""
    ends, now = coupon.get("redeem_by"), state.now()
    most = coupon.get("max_redemptions")
    if not coupon["valid"] or (ends and ends <= now) or (most and coupon["times_redeemed"] >= most):
        raise invalid(f"Coupon expired: {coupon['id']}", "coupon", "coupon_expired")
    if code is None:
        return
    most, ends = code.get("max_redemptions"), code.get("expires_at")
    if not code["active"] or (ends and ends <= now) or (most and code["times_redeemed"] >= most):
        raise invalid("This promotion code cannot be redeemed because it is not active.", "promotion_code", "resource_missing")


def _discount(state: State, coupon: Object, code: Object | None, customer_id: str) -> Object:
    start = state.now()
    months = coupon["duration_in_months"] if coupon["duration"] == "repeating" else None
    return {
        "id": state.new_id("di"),
        "object": KIND,
        "customer": customer_id,
        "end": bound(start, Interval("month"), months) if months else None,
        "promotion_code": code["id"] if code else None,
        "source": {"coupon": coupon["id"], "type": "coupon"},
        "start": start,
    }


def _count(state: State, discount: Object) -> None:
    coupon = coupon_of(state, discount)
    values.change(state, coupon, {"times_redeemed": coupon["times_redeemed"] + 1}, "coupon.updated")
    if discount["promotion_code"]:
        code = state.get("promotion_code", discount["promotion_code"])
        values.change(state, code, {"times_redeemed": code["times_redeemed"] + 1}, "promotion_code.updated")
