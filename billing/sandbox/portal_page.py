"""The page of the billing portal: cards, billing details, invoices, and the end of a subscription."""

from typing import Any, Final

from billing.sandbox import checkout_page, customers, pages, payments, portal, portal_parts, subscriptions, values
from billing.sandbox.agenda import changing
from billing.sandbox.errors import Refusal
from billing.sandbox.routes import Page, page
from billing.sandbox.state import Object, State


@page("GET", "/portal/{id}")
def show(state: State, form: Object, session_id: str) -> Page:
    return portal_parts.whole(state, state.get(portal.KIND, session_id), form)


@page("POST", "/portal/{id}")
def act(state: State, form: Object, session_id: str) -> Page:
    """Do what a button says. What is wrong with it is shown on the page."""
    session = state.get(portal.KIND, session_id)
    do = ACTS.get(form.get("do", ""))
    if do is None:
        return portal_parts.whole(state, session, form, "There is no such button.")
    try:
        return do(state, session, form)
    except Refusal as refusal:
        return portal_parts.whole(state, session, form, refusal.message)


def _add_card(state: State, session: Object, form: Object) -> Page:
    method = payments.method(state, session["customer"], pages.number_of(form), name=form.get("name") or None)
    if payments.needs_authentication(state, method["id"]):
        return checkout_page.ask(state, method, f"/portal/{session['id']}", {"method": method["id"]})
    return _use(state, session, {"method": method["id"]})


def _authenticate(state: State, session: Object, form: Object) -> Page:
    payments.authenticate(state, form.get("method", ""))
    return _use(state, session, form)


def _refuse(state: State, session: Object, form: Object) -> Page:
    raise Refusal(402, "card_declined", "The owner of the card did not agree. Choose another card.")


def _use(state: State, session: Object, form: Object) -> Page:
    """Make a card the one that is charged, by the customer and by each of its subscriptions."""
    method = _own(state, session, form)
    customer = state.get(customers.KIND, session["customer"])
    settings = {**customer["invoice_settings"], "default_payment_method": method["id"]}
    values.change(state, customer, {"invoice_settings": settings}, "customer.updated")
    for sub in portal_parts.living(state, session):
        if sub.get("default_payment_method"):
            with changing(state, sub, subscriptions.EVENT):
                sub["default_payment_method"] = method["id"]
    return _done(session, "card", "payment_method_update")


def _remove(state: State, session: Object, form: Object) -> Page:
    method = _own(state, session, form)
    if method["id"] == portal_parts.default(state, session):
        raise Refusal(400, None, "This is the card that is charged. Use another one first.")
    values.change(state, method, {"customer": None}, "payment_method.detached")
    return _done(session, "removed")


def _save(state: State, session: Object, form: Object) -> Page:
    customer = state.get(customers.KIND, session["customer"])
    address = {name: form.get(name) or None for name, _ in portal_parts.ADDRESS}
    sent: dict[str, Any] = {name: form.get(name, "") for name, _, _ in portal_parts.DETAILS}
    sent["address"] = {**checkout_page.customers_address(customer), **address} if any(address.values()) else ""
    customers.update(state, sent, customer["id"])
    if form.get("tax_id"):
        customers.create_tax_id(state, {"type": "eu_vat", "value": form["tax_id"]}, customer["id"])
    return _done(session, "saved", "customer_update")


def _cancel(state: State, session: Object, form: Object) -> Page:
    sub = _subscription(state, session, form)
    at_once = portal_parts.features(state, session)["subscription_cancel"]["mode"] == "immediately"
    if at_once:
        subscriptions.cancel(state, {}, sub["id"])
    else:
        subscriptions.update(state, {"cancel_at_period_end": True}, sub["id"])
    return _done(session, "cancelled", "subscription_cancel")


def _keep(state: State, session: Object, form: Object) -> Page:
    subscriptions.update(state, {"cancel_at_period_end": False}, _subscription(state, session, form)["id"])
    return _done(session, "kept")


def _done(session: Object, what: str, flow: str = "") -> Page:
    """Back to the page, or, at the end of the flow that the session was for, to where that leads."""
    own = session.get("flow") or {}
    if flow and own.get("type") == flow and own["after_completion"]["type"] == "redirect":
        return Page.to(own["after_completion"]["redirect"]["return_url"])
    return Page.to(f"/portal/{session['id']}?done={what}")


def _own(state: State, session: Object, form: Object) -> Object:
    method = state.get(payments.METHOD, form.get("method", ""), "payment_method")
    if method["customer"] != session["customer"]:
        raise Refusal(404, "resource_missing", f"No such card: {method['id']}")
    return method


def _subscription(state: State, session: Object, form: Object) -> Object:
    sub = state.get(subscriptions.KIND, form.get("subscription", ""), "subscription")
    if sub["customer"] != session["customer"] or not portal_parts.features(state, session)["subscription_cancel"]["enabled"]:
        raise Refusal(404, "resource_missing", f"No such subscription: {sub['id']}")
    return sub


ACTS: Final = {
    "add_card": _add_card,
    "authenticate": _authenticate,
    "refuse": _refuse,
    "use": _use,
    "remove": _remove,
    "save": _save,
    "cancel": _cancel,
    "keep": _keep,
}
