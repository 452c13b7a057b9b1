"""What the page of the billing portal shows."""

from typing import Final

from billing.sandbox import customers, items, lines, pages, payments, portal, subscriptions
from billing.sandbox.pages import Html, fragment
from billing.sandbox.periods import day
from billing.sandbox.routes import Page
from billing.sandbox.state import Object, State

LIVING: Final = frozenset({"active", "trialing", "past_due", "unpaid", "paused", "incomplete"})
DETAILS: Final = (("name", "Name", "organization"), ("email", "E-mail", "email"))
ADDRESS: Final = (("line1", "Street"), ("postal_code", "Postal code"), ("city", "City"), ("country", "Country (two letters)"))
SAID: Final = {
    "card": "This card is charged from now on.",
    "removed": "The card was removed.",
    "saved": "Your billing details are saved.",
    "cancelled": "The subscription will end.",
    "kept": "The subscription goes on.",
}


def living(state: State, session: Object) -> list[Object]:
    """The customer's subscriptions that have not ended."""
    rows = state.table(subscriptions.KIND).values()
    return [sub for sub in rows if sub["customer"] == session["customer"] and sub["status"] in LIVING]


def features(state: State, session: Object) -> Object:
    """What the portal offers."""
    offered: Object = state.get(portal.CONFIGURATION, session["configuration"])["features"]
    return offered


def default(state: State, session: Object) -> str | None:
    """The card that is charged."""
    subs = living(state, session)
    return payments.default_of(state, state.get(customers.KIND, session["customer"]), subs[-1] if subs else None)


def whole(state: State, session: Object, form: Object, problem: str = "") -> Page:
    """The whole page, with what was done or what went wrong."""
    customer, offered = state.get(customers.KIND, session["customer"]), features(state, session)
    said = SAID.get(form.get("done", ""))
    note = fragment('<p class="done" role="status">$text</p>', text=said) if said and not problem else pages.error(problem)
    body = pages.fill(
        "portal.html",
        action=f"/portal/{session['id']}",
        name=customer.get("name") or customer.get("email") or customer["id"],
        message=fragment('<div class="wide">$note</div>', note=note) if note else Html(),
        subscriptions=pages.joined([_sub(state, session, sub, offered) for sub in living(state, session)]),
        methods=_methods(state, session),
        cards=pages.cards(form, "Another card"),
        details=_details(state, session, customer),
        invoices=_invoices(state, session),
    )
    back = (session["return_url"], "Back to Porchlight") if session.get("return_url") else None
    whole = pages.whole(state, "Billing", body, back=back, locale=session.get("locale"))
    return Page(whole.body, 400 if problem else 200, whole.content_type, whole.headers)


def _sub(state: State, session: Object, sub: Object, offered: Object) -> Html:
    parts = [_item(state, item) for item in items.of(sub)]
    end = min(item["current_period_end"] for item in items.of(sub))
    ends = sub.get("cancel_at")
    when = f"Ends on {day(ends)}." if ends else f"{'First payment' if sub['status'] == 'trialing' else 'Renews'} on {day(end)}."
    form = _end_form(session, sub) if offered["subscription_cancel"]["enabled"] and not sub.get("schedule") else Html()
    section = (
        '<section class="wide"><div class="spread"><h2>Subscription</h2><span class="tag">$status</span></div>'
        '<ul class="lines">$items</ul><p class="soft">$when</p>$form</section>'
    )
    return fragment(section, status=sub["status"].replace("_", " "), items=pages.joined(parts), when=when, form=form)


def _item(state: State, item: Object) -> Html:
    price = item["price"]
    if items.is_metered(item):
        return fragment("<li><span>$name, by use</span></li>", name=lines.name_of(state, price))
    start = item["current_period_start"]
    amount = sum(line["amount"] for line in lines.licensed(state, {"currency": price["currency"], "id": ""}, item, start, start))
    return pages.amount_line(
        f"{item['quantity']} × {lines.name_of(state, price)}, by the {price['recurring']['interval']}", amount, price["currency"]
    )


def _end_form(session: Object, sub: Object) -> Html:
    do, text, busy = ("cancel", "Cancel the subscription", "Cancelling…")
    if sub.get("cancel_at"):
        do, text, busy = ("keep", "Keep the subscription", "Keeping…")
    hidden = Html('<input type="hidden" name="subscription" value="$id">')
    return _form(session, hidden, _button(do, text, busy), id=sub["id"])


def _form(session: Object, hidden: Html, buttons: Html, **given: str) -> Html:
    """A form of the page with values that nobody types in."""
    form = Html(f'<form class="row" method="post" action="/portal/$session">{hidden}{buttons}</form>')
    return fragment(form, session=session["id"], **given)


def _button(do: str, text: str, busy: str, more: str = "") -> Html:
    """A quiet button; `more` is read out and not shown."""
    hidden = fragment('<span class="sr"> $more</span>', more=more) if more else Html()
    button = '<button class="plain" name="do" value="$do" data-busy="$busy">$text$hidden</button>'
    return fragment(button, do=do, text=text, busy=busy, hidden=hidden)


def _methods(state: State, session: Object) -> Html:
    charged = default(state, session)
    rows = [row for row in state.table(payments.METHOD).values() if row["customer"] == session["customer"]]
    if not rows:
        return Html('<p class="soft">No card is on file.</p>')
    shown = [_method(session, row, is_default=row["id"] == charged) for row in rows]
    return Html(f'<ul class="lines">{pages.joined(shown)}</ul>')


def _method(session: Object, method: Object, *, is_default: bool) -> Html:
    card = method["card"]
    buttons = Html('<span class="tag good">in use</span>') if is_default else _buttons(session, method)
    text = '<span>$brand ending in <bdi>$last4</bdi><br><span class="soft">until $until</span></span>'
    row = f'<li class="spread">{text}$buttons</li>'
    until = f"{card['exp_month']:02}/{card['exp_year']}"
    return fragment(row, brand=card["brand"].capitalize(), last4=card["last4"], until=until, buttons=buttons)


def _buttons(session: Object, method: Object) -> Html:
    which = f"the card ending in {method['card']['last4']}"
    buttons = _button("use", "Use", "Saving…", which) + _button("remove", "Remove", "Removing…", which)
    return _form(session, Html('<input type="hidden" name="method" value="$id">'), Html(buttons), id=method["id"])


def _details(state: State, session: Object, customer: Object) -> Html:
    field = '<label class="field">$text<input type="$type" name="$name" value="$value" autocomplete="$auto"></label>'
    address = customer.get("address") or {}
    parts = [
        fragment(
            field, text=text, name=name, value=customer.get(name) or "", auto=auto, type="email" if name == "email" else "text"
        )
        for name, text, auto in DETAILS
    ]
    parts += [
        fragment(field, text=text, name=name, value=address.get(name) or "", auto="on", type="text") for name, text in ADDRESS
    ]
    parts.append(fragment(field, text="Another VAT number", name="tax_id", value="", auto="off", type="text"))
    known = [row["value"] for row in state.table(customers.TAX_ID).values() if row["customer"] == customer["id"]]
    text = fragment('<p class="soft">Tax numbers: <bdi>$known</bdi></p>', known=", ".join(known)) if known else Html()
    button = Html('<button name="do" value="save" data-busy="Saving…">Save the details</button>')
    form = '<form method="post" action="/portal/$session"><div class="lines">$parts</div>$button</form>'
    return fragment(f"{form}$text", session=session["id"], parts=pages.joined(parts), button=button, text=text)


def _invoices(state: State, session: Object) -> Html:
    rows = [row for row in reversed(state.table("invoice").values()) if row["customer"] == session["customer"] and row["number"]]
    if not rows:
        return Html('<p class="soft">No invoices so far.</p>')
    head = "".join(f'<th scope="col">{text}</th>' for text in ("Invoice", "Date", "State"))
    body = pages.joined([_invoice(row) for row in rows])
    return Html(
        f'<div class="scroll"><table><thead><tr>{head}<th scope="col" class="end">Amount</th></tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _invoice(row: Object) -> Html:
    text = '<tr><td><a href="/invoice/$id">$number</a></td><td>$date</td><td>$status</td><td class="end">$amount</td></tr>'
    amount = pages.money(row["total"], row["currency"])
    return fragment(text, id=row["id"], number=row["number"], date=day(row["created"]), status=row["status"], amount=amount)
