"""The page of an invoice, where it is paid, and its PDF."""

from typing import Final

from billing.sandbox import checkout_page, collection, credits, invoice_calls, invoices, lines, pages, payments, pdf
from billing.sandbox.errors import Refusal
from billing.sandbox.pages import Html, fragment
from billing.sandbox.pdf import BOLD, Row
from billing.sandbox.periods import day
from billing.sandbox.routes import Page, page
from billing.sandbox.state import Object, State

DEFAULT: Final = "default"
PAYABLE: Final = frozenset({"open", "uncollectible"})
STATUS: Final = {"open": "bad", "paid": "good", "void": "soft", "uncollectible": "bad", "draft": "soft"}


@page("GET", "/invoice/{id}")
def show(state: State, form: Object, invoice_id: str) -> Page:
    return _page(state, invoice_calls.retrieve(state, {}, invoice_id), form)


@page("POST", "/invoice/{id}")
def act(state: State, form: Object, invoice_id: str) -> Page:
    """Pay it. What the card answers is shown on the page."""
    invoice = state.get(invoices.KIND, invoice_id)
    try:
        return _do(state, invoice, form)
    except Refusal as refusal:
        return _page(state, invoice, form, refusal.message)


def _do(state: State, invoice: Object, form: Object) -> Page:
    if invoice["status"] not in PAYABLE:
        return Page.to(_address(invoice))
    if form.get("do") == "refuse":
        raise Refusal(402, "card_declined", "The owner of the card did not agree. Choose another card.")
    method = form.get("method")
    if form.get("do") == "authenticate":
        payments.authenticate(state, str(method))
    elif form.get("card") != DEFAULT:
        method = payments.method(state, invoice["customer"], pages.number_of(form), name=form.get("name") or None)["id"]
    else:
        method = _default(state, invoice)
    if method and payments.needs_authentication(state, method):
        return checkout_page.ask(state, state.get(payments.METHOD, method), _address(invoice), {**form, "method": method})
    if failure := collection.attempt(state, invoice, method):
        raise failure.refusal()
    return Page.to(_address(invoice))


@page("GET", "/invoice/{id}/pdf")
def show_pdf(state: State, form: Object, invoice_id: str) -> Page:
    invoice = invoice_calls.retrieve(state, {}, invoice_id)
    name = f"{invoice['number'] or 'draft'}.pdf"
    headers = {"content-disposition": f'inline; filename="invoice-{name}"', "cache-control": "no-store"}
    return Page(pdf.written(_rows(state, invoice)), content_type="application/pdf", headers=headers)


@page("GET", "/credit_note/{id}/pdf")
def show_credit_note(state: State, form: Object, note_id: str) -> Page:
    note = state.get(credits.KIND, note_id)
    currency = note["currency"]
    rows = [Row("Porchlight", size=20, font=BOLD), Row(f"Credit note {note['number']}", size=14, font=BOLD), Row()]
    rows += [
        Row(f"Date: {day(note['created'])}"),
        Row(f"For invoice {state.get(invoices.KIND, note['invoice'])['number']}"),
        Row(),
    ]
    rows += [Row(_cut(line["description"] or "Credit"), _money(line["amount"], currency)) for line in note["lines"]["data"]]
    rows += [Row(), Row("Credited", _money(note["total"], currency), font=BOLD), Row(), Row(_small())]
    return Page(pdf.written(rows), content_type="application/pdf", headers={"cache-control": "no-store"})


def _default(state: State, invoice: Object) -> str | None:
    sub = state.table("subscription").get(invoices.subscription_of(invoice) or "")
    return payments.default_of(state, state.get("customer", invoice["customer"]), sub)


def _address(invoice: Object) -> str:
    return f"/invoice/{invoice['id']}"


def _page(state: State, invoice: Object, form: Object, problem: str = "") -> Page:
    customer = state.get("customer", invoice["customer"])
    status = invoice["status"]
    paid_on = invoice["status_transitions"]["paid_at"]
    body = pages.fill(
        "invoice.html",
        number=invoice["number"] or "(draft)",
        status=fragment('<span class="tag $kind">$status</span>', kind=STATUS[status], status=status),
        due=pages.money(invoice["amount_remaining"] if status != "paid" else invoice["amount_paid"], invoice["currency"]),
        due_text=f"paid on {day(paid_on)}" if paid_on else "to pay",
        customer=customer.get("name") or customer.get("email") or customer["id"],
        date=day(invoice["created"]),
        pdf=f"{_address(invoice)}/pdf",
        pay=_pay(state, invoice, form, problem) if status in PAYABLE else Html(),
        lines=pages.joined([_line(line) for line in lines.of_invoice(state, invoice)]),
        sums=pages.joined([pages.amount_line(text, amount, invoice["currency"]) for text, amount in sums(invoice)]),
    )
    whole = pages.whole(state, f"Invoice {invoice['number'] or ''}", body)
    return Page(whole.body, 402 if problem else 200, whole.content_type, whole.headers)


def _pay(state: State, invoice: Object, form: Object, problem: str) -> Html:
    default = _default(state, invoice)
    kept = _kept_card(state, default, form) if default else Html()
    return pages.fill(
        "pay.html",
        action=_address(invoice),
        error=pages.error(problem),
        cards=Html(kept + pages.cards(form if not default or form.get("card") else {"card": DEFAULT})),
        due=pages.money(invoice["amount_remaining"], invoice["currency"]),
    )


def _kept_card(state: State, method_id: str, form: Object) -> Html:
    card = state.get(payments.METHOD, method_id)["card"]
    choice = (
        '<label class="choice"><input type="radio" name="card" value="default"$checked>'
        "<span>The card on file<code>ends in <bdi>$last4</bdi></code></span></label>"
    )
    checked = Html(" checked" if form.get("card", DEFAULT) == DEFAULT else "")
    return fragment(choice, last4=card["last4"], checked=checked)


def _line(line: Object) -> Html:
    period = f"{day(line['period']['start'])} to {day(line['period']['end'])}"
    row = '<tr><td>$text</td><td>$period</td><td class="end">$amount</td></tr>'
    return fragment(row, text=line["description"] or "", period=period, amount=pages.money(line["amount"], line["currency"]))


def sums(invoice: Object) -> list[tuple[str, int]]:
    """What stands under an invoice's lines; what is nothing is left out."""
    used = (invoice["ending_balance"] or 0) - invoice["starting_balance"] if invoice["ending_balance"] is not None else 0
    parts = [
        ("Discount", -sum(part["amount"] for part in invoice["total_discount_amounts"])),
        ("Credit", -sum(part["amount"] for part in invoice["total_pretax_credit_amounts"] if part["type"] != "discount")),
        ("Tax", sum(part["amount"] for part in invoice["total_taxes"])),
    ]
    after = [
        ("From your balance", -used),
        ("Credit notes", -invoice["pre_payment_credit_notes_amount"]),
        ("Paid", -invoice["amount_paid"]),
    ]
    rows = [("Subtotal", invoice["subtotal"]), *[part for part in parts if part[1]], ("Total", invoice["total"])]
    return [*rows, *[part for part in after if part[1]], ("Left to pay", invoice["amount_remaining"])]


def _rows(state: State, invoice: Object) -> list[Row]:
    """The invoice as lines of text."""
    customer, currency = state.get("customer", invoice["customer"]), invoice["currency"]
    rows = [Row("Porchlight", size=20, font=BOLD), Row(f"Invoice {invoice['number'] or '(draft)'}", size=14, font=BOLD), Row()]
    rows += [Row(f"Date: {day(invoice['created'])}"), Row(f"Status: {invoice['status']}")]
    rows += [Row(f"To: {customer.get('name') or customer.get('email') or customer['id']}")]
    rows += [Row(f"{tax_id['type']}: {tax_id['value']}") for tax_id in invoice.get("customer_tax_ids") or []]
    rows += [Row(), Row("Description", "Amount", font=BOLD)]
    for line in lines.of_invoice(state, invoice):
        rows.append(Row(_cut(line["description"] or ""), _money(line["amount"], currency)))
        rows.append(Row(f"   {day(line['period']['start'])} to {day(line['period']['end'])}", size=8))
    rows += [Row(), *[Row(text, _money(amount, currency), font=BOLD) for text, amount in sums(invoice)]]
    return [*rows, Row(), Row(_small(), size=8)]


def _small() -> str:
    return "Made by Porchlight's stand-in for Stripe: no money moves."


def _money(amount: int, currency: str) -> str:
    return lines.money(amount, currency).replace("$-", "-$")


def _cut(text: str, most: int = 80) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
