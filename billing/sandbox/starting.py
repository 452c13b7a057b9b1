"""A new subscription: its periods, its first invoice, and the first payment."""

from typing import Any, Final

from billing.sandbox import collection, discounts, invoices, item_changes, items, lines, payments, prorations, values
from billing.sandbox.agenda import announce_trial, keep
from billing.sandbox.errors import invalid
from billing.sandbox.invoices import Draft
from billing.sandbox.periods import DAY, Interval, period_at
from billing.sandbox.state import Object, State

KIND: Final = "subscription"
END_BEHAVIOUR: Final = {"end_behavior": {"missing_payment_method": "create_invoice"}}


def build(state: State, params: dict[str, Any]) -> tuple[Object, list[Object]]:
    """A subscription as a request asks for it, and the discounts that it redeems; stored nowhere. Raises `Refusal`."""
    customer = state.get("customer", params["customer"], "customer")
    specs = params.get("items") or []
    prices = items.checked(state, specs, None)
    for number, spec in enumerate(specs):
        items.known(spec, items.SPEC, f"items[{number}]")
    currency = params.get("currency") or prices[0]["currency"]
    if customer["currency"] not in (None, currency):
        raise invalid(
            f"You cannot combine currencies on a single customer. This customer has {customer['currency']}.", "currency"
        )
    sub = _blank(state, params, currency)
    _set_trial(state, sub, params)
    pairs = zip(specs, prices, strict=True)
    data = [items.new(state, spec, price, _first(sub, price, state.now())) for spec, price in pairs]
    sub["items"] = {"object": "list", "data": data, "has_more": False, "url": "/v1/subscription_items"}
    return sub, discounts.chosen(state, params.get("discounts"), customer)


def first_draft(state: State, sub: Object, found: list[Object]) -> Draft:
    """The invoice that a new subscription begins with: seats in advance; a trial costs nothing."""
    data: list[Object] = []
    extra: list[Object] = []
    for item in items.of(sub):
        if sub["status"] == "trialing":
            data.append(lines.trial(state, sub, item))
        elif not items.is_metered(item):
            _first_part(state, sub, item, data, extra)
    waiting = prorations.waiting(state, sub["customer"], sub["id"])
    customer = state.get("customer", sub["customer"])
    return invoices.draft(state, customer, sub, data=data, items=waiting + extra, reason="subscription_create", found=found)


def begin(
    state: State,
    sub: Object,
    found: list[Object],
    *,
    behaviour: str = "allow_incomplete",
    method: str | None = None,
    at_checkout: bool = False,
) -> Object:
    """Store a new subscription with its first invoice, and try to get it paid. Returns the subscription.

    Raises `Refusal` 402 if the card is declined and that is to be an error; nothing is stored then.
    """
    sub["id"] = state.new_id("sub")
    items.put(state, sub, items.of(sub))
    paying = method or payments.default_of(state, state.get("customer", sub["customer"]), sub)
    new = first_draft(state, sub, found)
    if behaviour == "error_if_incomplete" and new.invoice["amount_due"]:
        payments.must_work(state, paying)
    sub["discounts"] = discounts.redeem(state, found, subscription=sub["id"])
    keep(state, sub)
    invoice = invoices.issue(state, new, sub)
    sub["discounts"] = discounts.remaining(state, sub["discounts"], state.now())
    state.emit("customer.subscription.created", keep(state, sub))
    invoices.finalise(state, invoice)
    if invoice["status"] == "paid":
        _now_active(state, sub)
    elif behaviour != "default_incomplete" and sub["collection_method"] == "charge_automatically":
        collection.attempt(state, invoice, paying, at_checkout=at_checkout)
    elif sub["collection_method"] == "send_invoice":
        _now_active(state, sub)
    return sub


def _now_active(state: State, sub: Object) -> None:
    if sub["status"] == "incomplete":
        values.change(state, sub, {"status": "active"}, "customer.subscription.updated")
        keep(state, sub)
    if sub["status"] == "trialing":
        announce_trial(state, sub)


def _first_part(state: State, sub: Object, item: Object, data: list[Object], extra: list[Object]) -> None:
    """A whole first period is a plain line; one that an anchor cuts short is charged by the second."""
    whole = period_at(sub["billing_cycle_anchor"], items.interval_of(item), item["current_period_start"])
    if whole[0] == item["current_period_start"]:
        data += item_changes.advance(state, sub, [item])
    else:
        extra.append(prorations.charge(state, sub, item | {"current_period_start": whole[0]}, item["current_period_start"]))


def _first(sub: Object, price: Object, now: int) -> tuple[int, int]:
    if sub["status"] == "trialing":
        return sub["trial_start"], sub["trial_end"]
    return now, period_at(sub["billing_cycle_anchor"], Interval.of(price), now)[1]


def _set_trial(state: State, sub: Object, params: dict[str, Any]) -> None:
    """Let it begin with a trial, if the request has one."""
    now, days, end = state.now(), params.get("trial_period_days"), params.get("trial_end")
    if days is not None and end is not None:
        raise invalid("You may only specify one of these parameters: trial_period_days, trial_end.", "trial_end")
    end = now + days * DAY if days else end
    if end in (None, "now"):
        return
    if not now < end <= now + 730 * DAY:
        raise invalid(f"The trial must end in the future and within two years, not at {end}.", "trial_end")
    sub |= {"status": "trialing", "trial_start": now, "trial_end": end, "billing_cycle_anchor": end}


def _blank(state: State, params: dict[str, Any], currency: str) -> Object:
    now = state.now()
    method = params.get("default_payment_method")
    anchor = params.get("billing_cycle_anchor", now)
    if method:
        state.get(payments.METHOD, method, "default_payment_method")
    if anchor < now:
        raise invalid(f"The billing cycle anchor must be now or later, not {anchor}.", "billing_cycle_anchor")
    return {
        "id": "",
        "object": KIND,
        "automatic_tax": {"enabled": bool((params.get("automatic_tax") or {}).get("enabled")), "liability": None},
        "billing_cycle_anchor": anchor,
        "billing_mode": _mode(params),
        "billing_schedules": [],
        "cancel_at": params.get("cancel_at"),
        "cancel_at_period_end": False,
        "cancellation_details": {"comment": None, "feedback": None, "reason": None},
        "collection_method": params.get("collection_method", "charge_automatically"),
        "created": now,
        "currency": currency,
        "customer": params["customer"],
        "days_until_due": params.get("days_until_due"),
        "default_payment_method": method,
        "default_tax_rates": [],
        "description": params.get("description"),
        "discounts": [],
        "invoice_settings": {"issuer": {"type": "self"}},
        "latest_invoice": None,
        "livemode": False,
        "metadata": values.metadata({}, params.get("metadata")),
        "payment_settings": _payment_settings(params),
        "schedule": None,
        "start_date": now,
        "status": "incomplete",
        "trial_end": None,
        "trial_settings": params.get("trial_settings") or END_BEHAVIOUR,
        "trial_start": None,
    }


def _mode(params: dict[str, Any]) -> Object:
    """Flexible, unless the old way is asked for."""
    sent = params.get("billing_mode") or {"type": "flexible"}
    if sent["type"] == "flexible":
        return {"type": "flexible", "flexible": {"proration_discounts": "included", **sent.get("flexible", {})}}
    return {"type": sent["type"]}


def _payment_settings(params: dict[str, Any]) -> Object:
    sent = params.get("payment_settings") or {}
    save = sent.get("save_default_payment_method", "off")
    return {"payment_method_types": sent.get("payment_method_types"), "save_default_payment_method": save}
