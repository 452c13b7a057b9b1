"""What an invoice would be: of the next renewal, of a change, of a cancellation, of a new subscription. Nothing is stored."""

import copy
from typing import Any, Final

from billing.sandbox import discounts, invoices, item_changes, items, prorations, renewal, starting, subscriptions
from billing.sandbox.errors import Refusal, invalid
from billing.sandbox.invoices import Draft
from billing.sandbox.routes import route
from billing.sandbox.state import Object, State

NONE: Final = "No upcoming invoices for customer: {}"


@route("POST", "/v1/invoices/create_preview")
def create_preview(state: State, params: dict[str, Any]) -> Object:
    """Raises `Refusal` 404 where nothing will be invoiced."""
    details: dict[str, Any] = params.get("subscription_details") or {}
    sub = _subscription(state, params)
    draft = _of_change(state, sub, params, details) if sub else _of_new(state, params, details)
    return _shown(state, draft)


def _shown(state: State, draft: Draft) -> Object:
    """The lines of a preview have ids of their own kind, and no invoice."""
    invoice = draft.invoice
    for line in draft.lines:
        line["id"] = state.new_id("il_tmp")
    invoice["id"] = state.new_id("upcoming_in")
    invoice["lines"]["url"] = f"/v1/invoices/upcoming/lines?customer={invoice['customer']}"
    invoice["lines"] |= {"data": draft.lines, "has_more": False}
    return invoice


def _subscription(state: State, params: dict[str, Any]) -> Object | None:
    """The subscription that is asked about: by its id, or the customer's only one."""
    if "subscription" in params:
        sub = state.get(subscriptions.KIND, params["subscription"], "subscription")
        if params.get("customer", sub["customer"]) != sub["customer"]:
            raise invalid(f"The subscription {sub['id']} is not one of {params['customer']}.", "subscription")
        return copy.deepcopy(sub)
    if "schedule" in params:
        schedule = state.get("subscription_schedule", params["schedule"], "schedule")
        return copy.deepcopy(state.get(subscriptions.KIND, schedule["subscription"], "subscription"))
    if (params.get("subscription_details") or {}).get("items"):
        return None
    rows = state.table(subscriptions.KIND).values()
    living = [sub for sub in rows if sub["customer"] == params.get("customer") and sub["status"] not in subscriptions.ENDED]
    return copy.deepcopy(living[-1]) if living else None


def _of_new(state: State, params: dict[str, Any], details: dict[str, Any]) -> Draft:
    """The first invoice of a subscription that does not exist."""
    customer = params.get("customer")
    if not customer or not details.get("items"):
        raise Refusal(404, "invoice_upcoming_none", NONE.format(customer), "customer")
    asked: dict[str, Any] = {name: details[name] for name in ("items", "trial_end", "billing_mode") if name in details}
    asked |= {name: params[name] for name in ("currency", "discounts", "automatic_tax") if name in params}
    anchor = (details.get("billing_cycle_anchor") or {}).get("timestamp")
    sub, found = starting.build(state, {**asked, "customer": customer, **({"billing_cycle_anchor": anchor} if anchor else {})})
    return starting.first_draft(state, sub, found)


def _of_change(state: State, sub: Object, params: dict[str, Any], details: dict[str, Any]) -> Draft:
    if sub["status"] in subscriptions.ENDED or sub["status"] == "paused":
        raise Refusal(404, "invoice_upcoming_none", NONE.format(sub["customer"]), "subscription")
    if params.get("automatic_tax"):
        sub["automatic_tax"] = {"enabled": params["automatic_tax"]["enabled"], "liability": None}
    found = _found(state, sub, params)
    if details.get("cancel_now"):
        return _of_cancelling(state, sub, details, found)
    if details:
        change = item_changes.work_out(state, sub, details)
        if draft := subscriptions.draft_of(state, sub, change, found):
            return draft
        sub["items"] = sub["items"] | {"data": change.items}
        return _of_renewal(state, sub, params, details, found, change.pending)
    return _of_renewal(state, sub, params, details, found, [])


def _of_renewal(
    state: State, sub: Object, params: dict[str, Any], details: dict[str, Any], found: list[Object], more: list[Object]
) -> Draft:
    """The invoice of the next renewal, with `more` invoice items on it."""
    at = min(item["current_period_end"] for item in items.of(sub))
    ends = details.get("cancel_at_period_end", sub["cancel_at_period_end"]) or (sub.get("cancel_at") or at + 1) <= at
    last_of_all = ends and all(item["current_period_end"] <= at for item in items.of(sub))
    if sub["status"] == "trialing":
        sub["billing_cycle_anchor"] = at
    more = more + [_extra(state, sub, extra) for extra in params.get("invoice_items", [])]
    return renewal.upcoming(state, sub, at, more=more, found=found, is_last=last_of_all, after=_after(state, sub, at)).draft


def _after(state: State, sub: Object, at: int) -> list[Object] | None:
    """The items that a schedule brings at a moment."""
    schedule = state.table("subscription_schedule").get(sub.get("schedule") or "")
    if not schedule or schedule["status"] != "active" or schedule["current_phase"]["end_date"] != at:
        return None
    following = [phase for phase in schedule["phases"] if phase["start_date"] == at]
    return items.of_phase(state, sub, following[0], at) if following else None


def _of_cancelling(state: State, sub: Object, details: dict[str, Any], found: list[Object]) -> Draft:
    """What is left to bill if it ended now."""
    now = details.get("proration_date", state.now())
    more = []
    if details.get("proration_behavior") != "none" and sub["status"] != "trialing":
        more = [prorations.credit(state, sub, item, now) for item in items.of(sub) if not items.is_metered(item)]
    data = [] if sub["status"] == "trialing" else item_changes.arrears(state, sub, items.of(sub), state.now())
    waiting = prorations.waiting(state, sub["customer"], sub["id"]) + more
    customer = state.get("customer", sub["customer"])
    return invoices.draft(state, customer, sub, data=data, items=waiting, reason="upcoming", found=found)


def _found(state: State, sub: Object, params: dict[str, Any]) -> list[Object]:
    """The discounts of the preview: those asked for, else the subscription's."""
    if "discounts" in params:
        return discounts.chosen(state, params["discounts"], state.get("customer", sub["customer"]))
    return discounts.of_ids(state, sub["discounts"], state.now())


def _extra(state: State, sub: Object, sent: Object) -> Object:
    """An invoice item that exists only in the preview."""
    if "amount" not in sent:
        raise invalid("A preview takes invoice items with an amount.", "invoice_items")
    period = (state.now(), state.now())
    return prorations.pending(state, sub["customer"], sub["currency"], sent["amount"], sent.get("description"), period)
