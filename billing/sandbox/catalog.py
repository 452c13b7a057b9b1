"""Products and prices, and which combinations of a price's words mean something."""

from typing import Any, Final

from billing.sandbox import values
from billing.sandbox.errors import invalid, missing
from billing.sandbox.routes import route
from billing.sandbox.state import Object, State

PRODUCT: Final = "product"
PRICE: Final = "price"
LARGEST: Final = 999_999_999_999  # minor units
LOOKUP_KEY: Final = 200  # characters
PRODUCT_FIELDS: Final = (
    "active",
    "description",
    "images",
    "marketing_features",
    "name",
    "package_dimensions",
    "shippable",
    "statement_descriptor",
    "tax_code",
    "unit_label",
    "url",
)


# --- products


@route("POST", "/v1/products")
def create_product(state: State, params: dict[str, Any]) -> Object:
    if params.get("id") in state.table(PRODUCT):
        raise invalid(f"Product already exists with the id {params['id']}.", "id", "resource_already_exists")
    product = values.new(state, PRODUCT, "prod")
    product |= {"active": True, "images": [], "marketing_features": [], "type": "service", "updated": state.now()}
    product |= {"id": params.get("id", product["id"]), **values.given(params, PRODUCT_FIELDS)}
    product["metadata"] = values.metadata({}, params.get("metadata"))
    state.put(PRODUCT, product)
    state.emit("product.created", product)
    if data := params.get("default_price_data"):
        price = create_price(state, data | {"product": product["id"]})
        values.change(state, product, {"default_price": price["id"]}, "product.updated")
    return product


@route("GET", "/v1/products/{id}")
def retrieve_product(state: State, params: dict[str, Any], product_id: str) -> Object:
    return state.get(PRODUCT, product_id)


@route("POST", "/v1/products/{id}")
def update_product(state: State, params: dict[str, Any], product_id: str) -> Object:
    product = state.get(PRODUCT, product_id)
    changes = values.given(params, (*PRODUCT_FIELDS, "default_price"))
    if changes.get("default_price"):
        price = state.get(PRICE, changes["default_price"], "default_price")
        if price["product"] != product_id:
            raise invalid(f"The price {price['id']} belongs to another product.", "default_price")
    if "metadata" in params:
        changes["metadata"] = values.metadata(product["metadata"], params["metadata"])
    return values.change(state, product, changes | {"updated": state.now()}, "product.updated")


@route("DELETE", "/v1/products/{id}")
def delete_product(state: State, params: dict[str, Any], product_id: str) -> Object:
    product = state.get(PRODUCT, product_id)
    if any(price["product"] == product_id for price in state.table(PRICE).values()):
        raise invalid("This product cannot be deleted because it has one or more user-created prices.", "id")
    state.emit("product.deleted", product)
    return state.drop(PRODUCT, product_id)


@route("GET", "/v1/products")
def list_products(state: State, params: dict[str, Any]) -> Object:
    ids = params.get("ids")
    names = ("active", "shippable", "type", "url")
    return state.list(PRODUCT, params, lambda product: (not ids or product["id"] in ids) and _has(product, params, names))


# --- prices


@route("POST", "/v1/prices")
def create_price(state: State, params: dict[str, Any]) -> Object:
    product_id = _product_of(state, params)
    scheme = params.get("billing_scheme", "per_unit")
    price = values.new(state, PRICE, "price")
    price |= {
        "active": params.get("active", True),
        "billing_scheme": scheme,
        "currency": params["currency"].lower(),
        "lookup_key": _claimed(state, params),
        "metadata": values.metadata({}, params.get("metadata")),
        "nickname": params.get("nickname"),
        "product": product_id,
        "recurring": _recurring(state, params.get("recurring")),
        "tax_behavior": params.get("tax_behavior", "unspecified"),
        "transform_quantity": params.get("transform_quantity"),
        "type": "recurring" if "recurring" in params else "one_time",
        **(_tiered(params) if scheme == "tiered" else _per_unit(params)),
    }
    state.put(PRICE, price)
    state.emit("price.created", price)
    return price


@route("GET", "/v1/prices/{id}")
def retrieve_price(state: State, params: dict[str, Any], price_id: str) -> Object:
    return state.get(PRICE, price_id)


@route("POST", "/v1/prices/{id}")
def update_price(state: State, params: dict[str, Any], price_id: str) -> Object:
    price = state.get(PRICE, price_id)
    changes = values.given(params, ("active", "nickname", "tax_behavior"))
    if "tax_behavior" in changes and price["tax_behavior"] not in ("unspecified", changes["tax_behavior"]):
        raise invalid(f"The tax_behavior of a price cannot be changed from {price['tax_behavior']}.", "tax_behavior")
    if "lookup_key" in params:
        changes["lookup_key"] = _claimed(state, params, price_id)
    if "metadata" in params:
        changes["metadata"] = values.metadata(price["metadata"], params["metadata"])
    return values.change(state, price, changes, "price.updated")


@route("GET", "/v1/prices")
def list_prices(state: State, params: dict[str, Any]) -> Object:
    keys = params.get("lookup_keys")
    recurring = params.get("recurring", {})

    def is_asked_for(price: Object) -> bool:
        if keys is not None and price["lookup_key"] not in keys:
            return False
        if recurring and not _has(price["recurring"] or {}, recurring, ("interval", "meter", "usage_type")):
            return False
        return _has(price, params, ("active", "currency", "product", "type"))

    return state.list(PRICE, params, is_asked_for)


def _has(obj: Object, params: dict[str, Any], names: tuple[str, ...]) -> bool:
    return all(obj.get(name) == params[name] for name in names if name in params)


def _product_of(state: State, params: dict[str, Any]) -> str:
    if values.one_of(params, "product", "product_data") == "product":
        product = state.get(PRODUCT, params["product"], "product")
    else:
        product = create_product(state, params["product_data"])
    if not product["active"]:
        raise invalid(f"The product {product['id']} is not active, so no new prices can be made for it.", "product")
    return str(product["id"])


def _claimed(state: State, params: dict[str, Any], price_id: str = "") -> str | None:
    """The lookup key, taken from another price if that is asked for. Raises `Refusal` if another active price has it."""
    key: str = params.get("lookup_key") or ""
    transfer = params.get("transfer_lookup_key")
    if not key:
        return None
    if len(key) > LOOKUP_KEY:
        raise invalid(f"The lookup_key has {len(key)} characters; {LOOKUP_KEY} are allowed.", "lookup_key")
    for other in state.table(PRICE).values():
        if other["lookup_key"] == key and other["id"] != price_id:
            if not transfer:
                raise invalid(f"A price (`{other['id']}`) already uses that lookup key.", "lookup_key")
            values.change(state, other, {"lookup_key": None}, "price.updated")
    return key


def _recurring(state: State, sent: dict[str, Any] | None) -> Object | None:
    """How often, and of what: metered prices need a meter since 2025-03-31.basil, licensed ones have none."""
    if sent is None:
        return None
    recurring = {"interval_count": 1, "meter": None, "trial_period_days": None, "usage_type": "licensed", **sent}
    meter_id = recurring["meter"]
    if recurring["usage_type"] == "metered" and not meter_id:
        raise invalid("Metered prices must be backed by a meter: `recurring[meter]` is missing.", "recurring[meter]")
    if recurring["usage_type"] == "licensed" and meter_id:
        raise invalid("A licensed price has no meter; set `recurring[usage_type]` to metered.", "recurring[meter]")
    if meter_id and state.table("billing.meter").get(meter_id, {"status": ""})["status"] != "active":
        raise missing("active meter", meter_id, "recurring[meter]")
    most = {"day": 1095, "week": 156, "month": 36, "year": 3}[recurring["interval"]]
    if not 1 <= recurring["interval_count"] <= most:
        raise invalid(
            f"Invalid interval_count: {recurring['interval_count']}. It is from 1 to {most}.", "recurring[interval_count]"
        )
    return recurring


def _per_unit(params: dict[str, Any]) -> Object:
    for name in ("tiers", "tiers_mode"):
        if name in params:
            raise invalid(f"`{name}` needs `billing_scheme` to be tiered.", name)
    values.one_of(params, "unit_amount", "unit_amount_decimal", "custom_unit_amount")
    found = values.amounts(params, "unit_amount")
    if found and (found["unit_amount"] or 0) > LARGEST:
        raise invalid(f"Invalid unit_amount: {found['unit_amount']}. It must be no more than {LARGEST}.", "unit_amount")
    custom = params.get("custom_unit_amount")
    return found | (
        {"custom_unit_amount": {name: custom.get(name) for name in ("maximum", "minimum", "preset")}} if custom else {}
    )


def _tiered(params: dict[str, Any]) -> Object:
    for name in ("unit_amount", "unit_amount_decimal", "custom_unit_amount", "transform_quantity"):
        if name in params:
            raise invalid(f"`{name}` cannot be set when `billing_scheme` is tiered.", name)
    for name in ("tiers", "tiers_mode", "recurring"):
        if not params.get(name):
            raise invalid(f"`{name}` is required when `billing_scheme` is tiered.", name)
    tiers = [_tier(tier, f"tiers[{place}]") for place, tier in enumerate(params["tiers"])]
    bounds = [tier["up_to"] for tier in tiers]
    if bounds[-1] is not None or None in bounds[:-1]:
        raise invalid("The last tier, and only it, must have `up_to` inf.", "tiers")
    if any(later <= earlier for earlier, later in zip([0, *bounds[:-1]], bounds[:-1], strict=False)):
        raise invalid(f"The tiers' `up_to` must grow; they are {bounds[:-1]}.", "tiers")
    return {"tiers": tiers, "tiers_mode": params["tiers_mode"]}


def _tier(sent: dict[str, Any], where: str) -> Object:
    found = values.amounts(sent, "unit_amount") | values.amounts(sent, "flat_amount")
    if not found:
        raise invalid("A tier needs a unit_amount or a flat_amount.", where)
    names = ("flat_amount", "flat_amount_decimal", "unit_amount", "unit_amount_decimal")
    return {name: found.get(name) for name in names} | {"up_to": None if sent["up_to"] == "inf" else sent["up_to"]}
