"""Coupons and the codes that people type in for them."""

import secrets
from typing import Any, Final

from billing.sandbox import values
from billing.sandbox.errors import invalid
from billing.sandbox.routes import route
from billing.sandbox.state import Object, State

COUPON: Final = "coupon"
CODE: Final = "promotion_code"
GONE: Final = "_deleted_coupon"
LETTERS: Final = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
RESTRICTIONS: Final = {"first_time_transaction": False, "minimum_amount": None, "minimum_amount_currency": None}


@route("POST", "/v1/coupons")
def create(state: State, params: dict[str, Any]) -> Object:
    _must_make_sense(state, params)
    coupon = values.new(state, COUPON, "co")
    coupon["id"] = params.get("id") or _random(8)
    coupon |= {
        "amount_off": params.get("amount_off"),
        "currency": params.get("currency") if "amount_off" in params else None,
        "duration": params.get("duration", "once"),
        "duration_in_months": params.get("duration_in_months"),
        "max_redemptions": params.get("max_redemptions"),
        "metadata": values.metadata({}, params.get("metadata")),
        "name": params.get("name"),
        "percent_off": float(params["percent_off"]) if "percent_off" in params else None,
        "redeem_by": params.get("redeem_by"),
        "times_redeemed": 0,
        "valid": True,
    }
    if "applies_to" in params:
        coupon["applies_to"] = {"products": params["applies_to"].get("products", [])}
    state.put(COUPON, coupon)
    state.emit("coupon.created", coupon)
    return coupon


def _must_make_sense(state: State, params: dict[str, Any]) -> None:
    if params.get("id") in state.table(COUPON):
        raise invalid("Coupon already exists.", "id", "resource_already_exists")
    values.one_of(params, "percent_off", "amount_off")
    percent = params.get("percent_off")
    if percent is not None and not 0 < float(percent) <= 100:
        raise invalid(f"Invalid percent_off: {percent}. It must be above 0 and at most 100.", "percent_off")
    if "amount_off" in params and not params.get("currency"):
        raise invalid("You must pass currency when passing amount_off.", "currency")
    if (params.get("duration") == "repeating") != ("duration_in_months" in params):
        raise invalid("`duration_in_months` belongs to the duration `repeating`, and to it only.", "duration_in_months")
    if params.get("redeem_by", state.now() + 1) <= state.now():
        raise invalid(f"Invalid redeem_by: {params['redeem_by']}. It must be in the future.", "redeem_by")
    for product in params.get("applies_to", {}).get("products", []):
        state.get("product", product, "applies_to[products]")


@route("GET", "/v1/coupons/{id}")
def retrieve(state: State, params: dict[str, Any], coupon_id: str) -> Object:
    return current(state, state.get(COUPON, coupon_id, "coupon"))


@route("POST", "/v1/coupons/{id}")
def update(state: State, params: dict[str, Any], coupon_id: str) -> Object:
    coupon = state.get(COUPON, coupon_id, "coupon")
    changes = values.given(params, ("name",))
    if "metadata" in params:
        changes["metadata"] = values.metadata(coupon["metadata"], params["metadata"])
    return current(state, values.change(state, coupon, changes, "coupon.updated"))


@route("DELETE", "/v1/coupons/{id}")
def delete(state: State, params: dict[str, Any], coupon_id: str) -> Object:
    """Whoever has redeemed it keeps the discount, for which it stays under `GONE`; nobody can redeem it any more."""
    coupon = state.get(COUPON, coupon_id, "coupon")
    state.emit("coupon.deleted", coupon)
    state.put(GONE, coupon)
    return state.drop(COUPON, coupon_id)


@route("GET", "/v1/coupons")
def list_all(state: State, params: dict[str, Any]) -> Object:
    for coupon in state.table(COUPON).values():
        current(state, coupon)
    return state.list(COUPON, params)


def current(state: State, coupon: Object) -> Object:
    """The coupon with `valid` as it is at this moment."""
    late = coupon["redeem_by"] is not None and coupon["redeem_by"] <= state.now()
    spent = coupon["max_redemptions"] is not None and coupon["times_redeemed"] >= coupon["max_redemptions"]
    if coupon["valid"] != (valid := not (late or spent)):
        coupon["valid"] = valid
        state.put(COUPON, coupon)
    return coupon


# --- promotion codes


@route("POST", "/v1/promotion_codes")
def create_code(state: State, params: dict[str, Any]) -> Object:
    coupon = current(state, state.get(COUPON, params["promotion"].get("coupon", ""), "promotion[coupon]"))
    code = params.get("code") or _random(8)
    if any(_usable(state, other) for other in state.table(CODE).values() if other["code"].casefold() == code.casefold()):
        raise invalid(f"An active promotion code with `code: {code}` already exists.", "code", "resource_already_exists")
    promotion = values.new(state, CODE, "promo")
    promotion |= {
        "active": params.get("active", True) and coupon["valid"],
        "code": code,
        "customer": params.get("customer"),
        "expires_at": params.get("expires_at"),
        "max_redemptions": params.get("max_redemptions"),
        "metadata": values.metadata({}, params.get("metadata")),
        "promotion": {"coupon": coupon["id"], "type": "coupon"},
        "restrictions": RESTRICTIONS | params.get("restrictions", {}),
        "times_redeemed": 0,
    }
    state.put(CODE, promotion)
    state.emit("promotion_code.created", promotion)
    return promotion


@route("GET", "/v1/promotion_codes/{id}")
def retrieve_code(state: State, params: dict[str, Any], code_id: str) -> Object:
    return state.get(CODE, code_id, "promotion_code")


@route("POST", "/v1/promotion_codes/{id}")
def update_code(state: State, params: dict[str, Any], code_id: str) -> Object:
    promotion = state.get(CODE, code_id, "promotion_code")
    changes = values.given(params, ("active",))
    if "metadata" in params:
        changes["metadata"] = values.metadata(promotion["metadata"], params["metadata"])
    return values.change(state, promotion, changes, "promotion_code.updated")


@route("GET", "/v1/promotion_codes")
def list_codes(state: State, params: dict[str, Any]) -> Object:
    def is_asked_for(promotion: Object) -> bool:
        if str(params.get("code", promotion["code"])).casefold() != promotion["code"].casefold():
            return False
        if params.get("coupon", promotion["promotion"]["coupon"]) != promotion["promotion"]["coupon"]:
            return False
        if params.get("customer", promotion["customer"]) != promotion["customer"]:
            return False
        return bool(params.get("active", promotion["active"]) == promotion["active"])

    return state.list(CODE, params, is_asked_for)


def _usable(state: State, promotion: Object) -> bool:
    """Whether somebody could redeem it now."""
    expires, most = promotion["expires_at"], promotion["max_redemptions"]
    if not promotion["active"] or (expires is not None and expires <= state.now()):
        return False
    return most is None or bool(promotion["times_redeemed"] < most)


def _random(length: int) -> str:
    return "".join(secrets.choice(LETTERS) for _ in range(length))
