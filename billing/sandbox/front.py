"""The front page, for people: who and what is there, and the clock."""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from string import Template
from typing import Any, Final

from billing.sandbox import clock, shapes
from billing.sandbox.errors import invalid
from billing.sandbox.routes import Page, page
from billing.sandbox.state import Object, State

TEMPLATE: Final = Template((Path(__file__).parent / "front.html").read_text())
SHOWN: Final = 50  # rows of each table
DAY: Final = 86_400
NOBODY: Final = "No customers yet. The platform makes one when a plan is chosen."
LIVE: Final = frozenset({"active", "past_due", "trialing", "unpaid"})


@page("GET", "/")
def show(state: State, form: dict[str, Any]) -> Page:
    due, waiting = clock.next_due(state), len(state.table("_delivery"))
    return Page(
        TEMPLATE.substitute(
            version=escape(shapes.API_VERSION),
            now=_moment(state.now()),
            due=f"The next thing falls due at {_moment(due)}." if due else "Nothing falls due.",
            no_due="" if due else " disabled",
            no_renewal="" if next_renewal(state) else " disabled",
            customers=_customers(state),
            invoices=_invoices(state),
            waiting=f"{waiting} not taken by the platform yet." if waiting else "The platform took all of them.",
            events=_events(state),
        )
    )


@page("POST", "/move")
def move(state: State, form: dict[str, Any]) -> Page:
    """Move the clock, then show the front page again. 400 for a step that is not there."""
    steps: dict[str, Callable[[], int | None]] = {
        "day": lambda: state.now() + DAY,
        "week": lambda: state.now() + 7 * DAY,
        "renewal": lambda: next_renewal(state),
        "due": lambda: clock.next_due(state),
    }
    if form.get("by") not in steps:
        raise invalid(f"Unknown step: {form.get('by')!r}. There are {', '.join(steps)}.")
    if to := steps[form["by"]]():
        clock.move(state, max(to, state.now()))
    return Page.to("/")


def next_renewal(state: State) -> int | None:
    """The end of the first period that ends, among subscriptions that run."""
    running = (sub for sub in state.table("subscription").values() if sub["status"] in LIVE)
    return min((item["current_period_end"] for sub in running for item in sub["items"]["data"]), default=None)


def _customers(state: State) -> str:
    plans: dict[str, list[str]] = {}
    for sub in state.table("subscription").values():
        plans.setdefault(sub["customer"], []).append(sub["status"])
    rows = [
        (
            escape(customer.get("name") or ""),
            escape(customer.get("email") or ""),
            ", ".join(plans.get(customer["id"], [])),
            _code(customer),
        )
        for customer in _newest(state, "customer")
    ]
    return _table(("Name", "E-mail", "Subscriptions", "Id"), rows, NOBODY)


def _invoices(state: State) -> str:
    names = {customer["id"]: customer.get("name") or customer["id"] for customer in state.table("customer").values()}
    rows = [
        (
            _link(invoice.get("hosted_invoice_url"), invoice.get("number") or "draft"),
            escape(str(names.get(invoice["customer"], invoice["customer"]))),
            f"{invoice['total'] / 100:,.2f} {escape(invoice['currency'].upper())}",
            escape(invoice["status"]),
            _moment(invoice["created"]),
        )
        for invoice in _newest(state, "invoice")
    ]
    return _table(("Number", "Customer", "Total", "Status", "Made"), rows, "No invoices yet.", amount=2)


def _events(state: State) -> str:
    rows = [
        (escape(event["type"]), _code(event["data"]["object"]), _moment(event["created"]), _code(event))
        for event in _newest(state, "event")
    ]
    return _table(("Type", "Object", "Made", "Id"), rows, "No events yet.")


def _newest(state: State, kind: str) -> Iterable[Object]:
    return list(reversed(state.table(kind).values()))[:SHOWN]


def _table(heads: tuple[str, ...], rows: Sequence[tuple[str, ...]], empty: str, amount: int | None = None) -> str:
    """A table of cells that are HTML already; the column `amount` is of numbers."""
    if not rows:
        return f'<div class="wide"><p class="empty">{escape(empty)}</p></div>'
    head = "".join(f'<th scope="col"{_class(column, amount)}>{escape(text)}</th>' for column, text in enumerate(heads))
    body = "".join(
        f"<tr>{''.join(f'<td{_class(column, amount)}>{cell}</td>' for column, cell in enumerate(row))}</tr>" for row in rows
    )
    return f'<div class="wide" tabindex="0"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _class(column: int, amount: int | None) -> str:
    return ' class="amount"' if column == amount else ""


def _link(address: str | None, text: str) -> str:
    return f'<a href="{escape(address)}">{escape(text)}</a>' if address else escape(text)


def _code(obj: Object) -> str:
    return f"<code>{escape(str(obj.get('id', '')))}</code>"


def _moment(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
