"""The page of a checkout session."""

from typing import Final

from billing.sandbox import checkout, customers, items, lines, pages, payments, values
from billing.sandbox.errors import Refusal
from billing.sandbox.pages import Html, fragment
from billing.sandbox.periods import day
from billing.sandbox.routes import Page, page
from billing.sandbox.state import Object, State

OVER: Final = {
    "complete": ("This is paid for", "There is nothing left to do here."),
    "expired": ("This page has expired", "Nothing was charged. Go back and begin again."),
}


@page("GET", "/checkout/{id}")
def show(state: State, form: Object, session_id: str) -> Page:
    session = state.get(checkout.KIND, session_id)
    if session["status"] != "open":
        return _over(state, session)
    return _page(state, session, form)


@page("POST", "/checkout/{id}")
def act(state: State, form: Object, session_id: str) -> Page:
    """Pay, take in a promotion code, or answer for the bank. What the card answers is shown on the page."""
    session = state.get(checkout.KIND, session_id)
    if session["status"] != "open":
        return _over(state, session)
    try:
        return _do(state, session, form)
    except Refusal as refusal:
        return _page(state, session, form, refusal.message)


def _do(state: State, session: Object, form: Object) -> Page:
    if form.get("do") == "promotion":
        checkout.apply_code(state, session, form.get("code", ""))
        return Page.to(f"/checkout/{session['id']}")
    if form.get("do") == "refuse":
        raise Refusal(402, "card_declined", "The owner of the card did not agree. Choose another card.")
    if form.get("do") == "authenticate":
        payments.authenticate(state, form.get("method", ""))
        return _complete(state, session, form.get("method"), form)
    return _pay(state, session, form)


def _pay(state: State, session: Object, form: Object) -> Page:
    if not checkout.needs_card(session):
        return _complete(state, session, None, form)
    customer = checkout.customer_of(state, session)
    method = payments.method(state, customer["id"], pages.number_of(form), name=form.get("name") or None)
    if payments.needs_authentication(state, method["id"]):
        return ask(state, method, f"/checkout/{session['id']}", {**form, "method": method["id"]})
    return _complete(state, session, method["id"], form)


def ask(state: State, method: Object, action: str, keep: Object) -> Page:
    """The bank's question, which keeps what was filled in."""
    hidden = [
        fragment('<input type="hidden" name="$name" value="$value">', name=name, value=value)
        for name, value in keep.items()
        if name != "do"
    ]
    body = pages.fill("authenticate.html", action=action, last4=method["card"]["last4"], hidden=pages.joined(hidden))
    return pages.whole(state, "Is it you?", body)


def _complete(state: State, session: Object, method_id: str | None, form: Object) -> Page:
    customer = checkout.customer_of(state, session)
    details: Object = {"email": form.get("email") or None, "name": form.get("name") or None}
    changes: Object = {} if customer.get("email") else {"email": details["email"]}
    if form.get("country"):
        details["address"] = {"country": form["country"], "postal_code": form.get("postal_code") or None}
        if checkout.may_change(state, session, "address"):
            changes["address"] = {**customers_address(customer), **details["address"]}
    values.change(state, customer, changes, "customer.updated")
    if form.get("tax_id"):
        customers.create_tax_id(state, {"type": "eu_vat", "value": form["tax_id"]}, customer["id"])
        details["tax_ids"] = [{"type": "eu_vat", "value": form["tax_id"]}]
    checkout.complete(state, session, method_id, details)
    return Page.to(checkout.success_url(session))


def customers_address(customer: Object) -> Object:
    """A customer's address with all its fields."""
    empty = dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state"))
    return {**empty, **(customer.get("address") or {})}


def _over(state: State, session: Object) -> Page:
    heading, text = OVER[session["status"]]
    to = checkout.success_url(session) if session["status"] == "complete" else session.get("cancel_url")
    return pages.message(state, heading, text, link=(to, "Go back") if to else None)


def _page(state: State, session: Object, form: Object, problem: str = "") -> Page:
    customer = checkout.customer_of(state, session)
    summary = _subscription(state, session) if session["mode"] == "subscription" else _setup()
    body = pages.fill(
        "checkout.html",
        action=f"/checkout/{session['id']}",
        error=pages.error(problem if form.get("do") != "promotion" else ""),
        email=form.get("email") or customer.get("email") or session.get("customer_email") or "",
        cards=pages.cards(form) if checkout.needs_card(session) else Html("<p>No card is needed today.</p>"),
        address=_address(session, form),
        promotion=_promotion(session, problem if form.get("do") == "promotion" else ""),
        **summary,
    )
    back = (session["cancel_url"], "Go back") if session.get("cancel_url") else None
    page = pages.whole(state, str(summary["heading"]), body, back=back, locale=session.get("locale"))
    return Page(page.body, 402 if problem else 200, page.content_type, page.headers)


def _setup() -> Object:
    texts = {"heading": "Save a card", "total": "Nothing", "lines": Html(), "then": "It is charged for your next invoices."}
    return texts | {"pay_heading": "Your card", "button": "Save the card", "busy": "Saving…"}


def _subscription(state: State, session: Object) -> Object:
    sub, _, new = checkout.draft(state, session)
    invoice, currency = new.invoice, sub["currency"]
    names = " and ".join(
        dict.fromkeys(lines.name_of(state, item["price"]) for item in items.of(sub) if not items.is_metered(item))
    )
    rows = [pages.amount_line(line["description"], line["amount"], currency) for line in new.lines]
    rows += [pages.amount_line("Discount", -one["amount"], currency) for one in invoice["total_discount_amounts"]]
    rows += [pages.amount_line("Tax", one["amount"], currency) for one in invoice["total_taxes"]]
    rows.append(pages.amount_line("Due now", invoice["amount_due"], currency, is_sum=True))
    button = "Start the trial" if sub["status"] == "trialing" else f"Pay {lines.money(invoice['amount_due'], currency)}"
    texts = {
        "heading": f"Subscribe to {names}",
        "total": pages.money(invoice["amount_due"], currency),
        "lines": pages.joined(rows),
    }
    return texts | {"then": _then(state, sub), "pay_heading": "Pay by card", "button": button, "busy": "Paying…"}


def _then(state: State, sub: Object) -> str:
    """What comes after what is due now."""
    later: dict[str, int] = {}
    for item in items.of(sub):
        if not items.is_metered(item):
            every = item["price"]["recurring"]["interval"]
            start = item["current_period_start"]
            amount = sum(line["amount"] for line in lines.licensed(state, sub, item, start, start))
            later[every] = later.get(every, 0) + amount
    costs = " and ".join(f"{lines.money(amount, sub['currency'])} per {every}" for every, amount in later.items())
    begins = f"Free until {day(sub['trial_end'])}, then" if sub["status"] == "trialing" else "Renews for"
    usage = ", plus what is used beyond what is included" if any(items.is_metered(item) for item in items.of(sub)) else ""
    return f"{begins} {costs}{usage}."


def _address(session: Object, form: Object) -> Html:
    field = '<label class="field grow">$text<input type="text" name="$name" value="$value" autocomplete="$auto"></label>'
    parts = []
    if session.get("billing_address_collection") == "required" or session["automatic_tax"]["enabled"]:
        parts.append(fragment(field, text="Country (two letters)", name="country", value=form.get("country", ""), auto="country"))
        parts.append(
            fragment(field, text="Postal code", name="postal_code", value=form.get("postal_code", ""), auto="postal-code")
        )
    if session["tax_id_collection"]["enabled"]:
        parts.append(fragment(field, text="VAT number, if you have one", name="tax_id", value=form.get("tax_id", ""), auto="off"))
    return Html(f'<div class="row">{pages.joined(parts)}</div>') if parts else Html()


def _promotion(session: Object, problem: str) -> Html:
    if not session.get("allow_promotion_codes"):
        return Html()
    field = '<label class="field grow">Promotion code<input type="text" name="code" autocomplete="off" required></label>'
    form = (
        '<form method="post" action="$action">$error<div class="row">$field'
        '<button class="plain" name="do" value="promotion" data-busy="Looking…">Apply</button></div></form>'
    )
    return fragment(form, action=f"/checkout/{session['id']}", field=Html(field), error=pages.error(problem))
