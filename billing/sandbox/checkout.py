"""Checkout sessions: a page on which somebody gives a card, and so begins a subscription or keeps the card for later."""

from typing import Any, Final

from billing.sandbox import customers, invoices, item_changes, items, payments, starting, values
from billing.sandbox.agenda import keep
from billing.sandbox.errors import invalid
from billing.sandbox.routes import expansion, route
from billing.sandbox.state import Object, State, paged

KIND: Final = "checkout.session"
ASKED: Final = "_checkout"  # what a session is to make of its subscription
LIFE: Final = 86_400  # seconds that a session stays open, at most
SHORTEST: Final = 1800
DATA: Final = frozenset(
    {"billing_cycle_anchor", "billing_mode", "description", "metadata", "trial_end", "trial_period_days", "trial_settings"}
)
LINE: Final = frozenset({"price", "quantity"})
PLACEHOLDER: Final = "{CHECKOUT_SESSION_ID}"


@route("POST", "/v1/checkout/sessions")
def create(state: State, params: dict[str, Any]) -> Object:
    """Raises `Refusal` for a session that could never be completed."""
    if params.get("mode") not in ("subscription", "setup"):
        raise invalid(f"The stand-in has sessions of mode subscription and setup, not {params.get('mode')!r}.", "mode")
    if params.get("ui_mode", "hosted_page") == "hosted_page" and not params.get("success_url"):
        raise invalid("You must provide success_url for a session with a hosted page.", "success_url", "parameter_missing")
    customer = _customer(state, params)
    updates = _updates(params, customer)
    session = _blank(state, params)
    asked = {"id": session["id"], "customer": customer["id"], "subscription": _asked(params, customer), "updates": updates}
    state.put(ASKED, asked)
    if session["mode"] == "subscription":
        reckon(state, session)
    return keep(state, session)


@route("GET", "/v1/checkout/sessions/{id}")
def retrieve(state: State, params: dict[str, Any], session_id: str) -> Object:
    return state.get(KIND, session_id)


@route("GET", "/v1/checkout/sessions")
def list_all(state: State, params: dict[str, Any]) -> Object:
    wanted = ("customer", "subscription", "status")
    return state.list(KIND, params, lambda row: all(params.get(name, row.get(name)) == row.get(name) for name in wanted))


@route("POST", "/v1/checkout/sessions/{id}/expire")
def expire(state: State, params: dict[str, Any], session_id: str) -> Object:
    session = state.get(KIND, session_id)
    must_be_open(session)
    expire_session(state, session)
    return session


@route("GET", "/v1/checkout/sessions/{id}/line_items")
def list_lines(state: State, params: dict[str, Any], session_id: str) -> Object:
    return paged(_lines(state, state.get(KIND, session_id)), params)


@expansion(KIND, "line_items")
def line_items(state: State, session: Object) -> Object:
    url = f"/v1/checkout/sessions/{session['id']}/line_items"
    return {"object": "list", "data": _lines(state, session), "has_more": False, "url": url}


def expire_session(state: State, session: Object) -> None:
    """Nobody can complete it any more."""
    session.update({"status": "expired", "url": None})
    state.emit("checkout.session.expired", keep(state, session))


def must_be_open(session: Object) -> None:
    """Raises `Refusal` for a session that is complete or expired."""
    if session["status"] != "open":
        raise invalid(
            f'Only Checkout Sessions with a status in ["open"] can be used. This one has a status of {session["status"]}.'
        )


def draft(state: State, session: Object) -> tuple[Object, list[Object], invoices.Draft]:
    """The subscription that a session would make, its discounts, and its first invoice. Nothing is stored."""
    sub, found = starting.build(state, state.get(ASKED, session["id"])["subscription"])
    return sub, found, starting.first_draft(state, sub, found)


def reckon(state: State, session: Object) -> None:
    """Set what a session comes to."""
    sub, _, new = draft(state, session)
    invoice = new.invoice
    off = sum(part["amount"] for part in invoice["total_discount_amounts"])
    session |= {"amount_subtotal": invoice["subtotal"], "amount_total": invoice["total"], "currency": sub["currency"]}
    tax = sum(part["amount"] for part in invoice["total_taxes"])
    session["total_details"] = {"amount_discount": off, "amount_shipping": 0, "amount_tax": tax}


def apply_code(state: State, session: Object, text: str) -> None:
    """Redeem a promotion code that somebody typed in. Raises `Refusal` for one that does not exist or is over."""
    must_be_open(session)
    codes = [row for row in state.table("promotion_code").values() if row["code"].lower() == text.strip().lower()]
    if not codes:
        raise invalid(f"The code {text.strip()} is invalid.", "promotion_code", "resource_missing")
    asked = state.get(ASKED, session["id"])
    before = asked["subscription"].get("discounts")
    asked["subscription"]["discounts"] = [{"promotion_code": codes[-1]["id"]}]
    try:
        reckon(state, session)
    except Exception:
        asked["subscription"]["discounts"] = before
        raise
    session["discounts"] = [{"coupon": None, "promotion_code": codes[-1]["id"]}]
    state.put(ASKED, asked)
    keep(state, session)


def needs_card(session: Object) -> bool:
    """Whether a session asks for a card: not for a trial or a free one that takes one only if required."""
    return session["mode"] == "setup" or session["payment_method_collection"] == "always" or bool(session["amount_total"])


def complete(state: State, session: Object, method_id: str | None, details: Object) -> Object:
    """Do what the session is for, with a payment method that is attached already. `details` are name, email and address.

    Raises `Refusal` if it is not open, and 402 if the card is declined.
    """
    must_be_open(session)
    customer = state.get(customers.KIND, state.get(ASKED, session["id"])["customer"])
    made = _subscribe(state, session, method_id) if session["mode"] == "subscription" else _set_up(state, session, method_id)
    session |= made | {"status": "complete", "url": None, "customer": customer["id"]}
    email = details.get("email") or customer.get("email")
    session["customer_details"] = {"tax_exempt": "none", "tax_ids": [], **details, "email": email}
    keep(state, session)
    state.emit("checkout.session.completed", session)
    return session


def success_url(session: Object) -> str:
    """Where a completed session leads."""
    return str(session["success_url"]).replace(PLACEHOLDER, session["id"])


def may_change(state: State, session: Object, what: str) -> bool:
    """Whether what is typed in on the page goes to the customer too."""
    return what in state.get(ASKED, session["id"])["updates"]


def customer_of(state: State, session: Object) -> Object:
    """The customer that a session is for, known from its beginning."""
    return state.get(customers.KIND, state.get(ASKED, session["id"])["customer"])


def _subscribe(state: State, session: Object, method_id: str | None) -> Object:
    sub, found, _ = draft(state, session)
    sub["default_payment_method"] = method_id
    if method_id:
        payments.must_work_at_checkout(state, method_id)
    starting.begin(state, sub, found, method=method_id, at_checkout=True)
    first = state.get(invoices.KIND, sub["latest_invoice"])
    status = "no_payment_required" if first["amount_paid"] == 0 else "paid"
    return {"subscription": sub["id"], "invoice": first["id"], "payment_status": status}


def _set_up(state: State, session: Object, method_id: str | None) -> Object:
    intent = values.new(state, "setup_intent", "seti")
    intent |= {"customer": customer_of(state, session)["id"], "payment_method": method_id, "payment_method_types": ["card"]}
    asked = state.get(ASKED, session["id"])["subscription"]
    intent |= {"metadata": asked.get("metadata") or {}, "status": "succeeded", "usage": "off_session"}
    state.put("setup_intent", intent)
    state.emit("setup_intent.succeeded", intent)
    return {"setup_intent": intent["id"], "payment_status": "no_payment_required"}


@route("GET", "/v1/setup_intents/{id}")
def retrieve_setup_intent(state: State, params: dict[str, Any], intent_id: str) -> Object:
    return state.get("setup_intent", intent_id)


def _customer(state: State, params: dict[str, Any]) -> Object:
    """The customer that was named, or a new one whom nobody knows until the session is complete."""
    if "customer" in params:
        return state.get(customers.KIND, params["customer"], "customer")
    return customers.create(state, {"email": params["customer_email"]} if "customer_email" in params else {})


def _updates(params: dict[str, Any], customer: Object) -> list[str]:
    """What of a customer the page may change. Raises `Refusal` for what it would have to change and may not."""
    if "customer" not in params:
        return ["name", "address"]
    allowed = [name for name, way in (params.get("customer_update") or {}).items() if way == "auto"]
    if (params.get("tax_id_collection") or {}).get("enabled") and "name" not in allowed:
        raise invalid(
            "Tax ID collection requires updating business name on the customer. To enable tax ID collection for an existing "
            "customer, please set `customer_update[name]` to `auto`.",
            "customer_update[name]",
        )
    taxed = (params.get("automatic_tax") or {}).get("enabled")
    if taxed and "address" not in allowed and not (customer.get("address") or {}).get("country"):
        raise invalid(
            "Automatic tax calculation in Checkout requires a valid address on the Customer. Add a valid address to the Customer "
            "or set `customer_update[address]` to `auto`.",
            "customer_update[address]",
        )
    return allowed


def _asked(params: dict[str, Any], customer: Object) -> Object:
    """The parameters of the subscription that a session makes; of a setup, its metadata."""
    if params["mode"] == "setup":
        return {"metadata": (params.get("setup_intent_data") or {}).get("metadata")}
    data = items.known(params.get("subscription_data") or {}, DATA, "subscription_data")
    specs = [items.known(item, LINE, f"line_items[{number}]") for number, item in enumerate(params.get("line_items") or [])]
    asked = dict(data)
    asked |= {name: params[name] for name in ("automatic_tax", "currency", "discounts") if name in params}
    return asked | {"customer": customer["id"], "items": specs}


def _lines(state: State, session: Object) -> list[Object]:
    if session["mode"] != "subscription":
        return []
    sub, _, _ = draft(state, session)
    return [_line(state, sub, item) for item in items.of(sub)]


def _line(state: State, sub: Object, item: Object) -> Object:
    amount = sum(line["amount"] for line in item_changes.advance(state, sub, [item])) if sub["status"] != "trialing" else 0
    product = state.table("product").get(item["price"]["product"], {})
    return {
        "id": f"li_{item['id'][3:]}",
        "object": "item",
        "amount_discount": 0,
        "amount_subtotal": amount,
        "amount_tax": 0,
        "amount_total": amount,
        "currency": sub["currency"],
        "description": product.get("name"),
        "price": item["price"],
        "quantity": item.get("quantity"),
    }


def _blank(state: State, params: dict[str, Any]) -> Object:
    now = state.now()
    expires = params.get("expires_at", now + LIFE)
    if not now + SHORTEST <= expires <= now + LIFE:
        raise invalid(f"The expires_at must be from 30 minutes to 24 hours from now, not {expires}.", "expires_at")
    session = values.new(state, KIND, "cs_test")
    names = ("allow_promotion_codes", "billing_address_collection", "cancel_url", "client_reference_id", "locale", "success_url")
    tax_id = params.get("tax_id_collection") or {"enabled": False}
    return session | {
        **{name: params.get(name) for name in (*names, "customer", "customer_email", "currency")},
        "automatic_tax": {"enabled": bool((params.get("automatic_tax") or {}).get("enabled")), "status": None},
        "custom_fields": [],
        "custom_text": {},
        "discounts": [
            {"coupon": one.get("coupon"), "promotion_code": one.get("promotion_code")} for one in params.get("discounts", [])
        ],
        "expires_at": expires,
        "metadata": values.metadata({}, params.get("metadata")),
        "mode": params["mode"],
        "payment_method_collection": params.get("payment_method_collection", "always"),
        "payment_method_types": ["card"],
        "payment_status": "unpaid" if params["mode"] == "subscription" else "no_payment_required",
        "shipping_options": [],
        "status": "open",
        "tax_id_collection": {"required": "never", **tax_id},
        "ui_mode": params.get("ui_mode", "hosted_page"),
        "url": f"{state.settings.public}/checkout/{session['id']}",
    }
