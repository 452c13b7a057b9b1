"""The stand-in's pages for people: templates in `pages/`, filled with values that are escaped."""

import functools
from datetime import UTC, datetime
from decimal import Decimal
from html import escape
from pathlib import Path
from string import Template
from typing import Any, Final

from billing.sandbox import lines
from billing.sandbox.periods import day
from billing.sandbox.routes import Page
from billing.sandbox.state import Object, State

FOLDER: Final = Path(__file__).with_name("pages")
RIGHT_TO_LEFT: Final = frozenset({"ar", "dv", "fa", "he", "ur", "yi"})
CARDS: Final = (
    ("4242 4242 4242 4242", "Works"),
    ("4000 0000 0000 0341", "Pays now, fails at renewal"),
    ("4000 0025 0000 3155", "Asks its owner first"),
    ("4000 0000 0000 0002", "Is declined"),
)
OTHER: Final = "other"
HEADERS: Final = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:; "
    "base-uri 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
}


class Html(str):
    """Text that is HTML already, and is not escaped again."""

    __slots__ = ()


def fill(name: str, /, **given: Any) -> Html:
    """A template of `pages/` with its values put in."""
    return Html(_template(name).substitute({key: _safe(value) for key, value in given.items()}))


def fragment(text: str, /, **given: Any) -> Html:
    """A piece of HTML with its `$values` put in."""
    return Html(Template(text).substitute({key: _safe(value) for key, value in given.items()}))


def joined(parts: list[Html]) -> Html:
    """Pieces of HTML after one another."""
    return Html("".join(parts))


def whole(state: State, title: str, body: Html, *, back: tuple[str, str] | None = None, locale: str | None = None) -> Page:
    """A whole page. `back` is where a link at the top leads, and what it says."""
    text = fill(
        "layout.html",
        title=title,
        body=body,
        back=fragment('<a class="back" href="$to">$text</a>', to=back[0], text=back[1]) if back else Html(),
        clock=moment(state.now()),
        dir="rtl" if (locale or "").split("-")[0] in RIGHT_TO_LEFT else "ltr",
        style=Html((FOLDER / "style.css").read_text()),
    )
    return Page(text, headers=HEADERS)


def message(state: State, heading: str, text: str, *, link: tuple[str, str] | None = None, status: int = 200) -> Page:
    """A page that only says something."""
    more = fragment('<p><a class="button" href="$to">$text</a></p>', to=link[0], text=link[1]) if link else Html()
    page = whole(state, heading, fill("message.html", heading=heading, text=text, more=more))
    return Page(page.body, status, page.content_type, page.headers)


def error(text: str) -> Html:
    """What went wrong, where it is read out at once."""
    return fragment('<p class="error" role="alert">$text</p>', text=text) if text else Html()


def cards(form: Object, legend: str = "Test card") -> Html:
    """The choice of a test card, with another number as the last one."""
    chosen = form.get("card") or CARDS[0][0]
    choices = [_choice(number, text, number, checked=number == chosen) for number, text in CARDS]
    choices.append(_choice(OTHER, "Another number", "", checked=chosen == OTHER))
    field = '<label class="field $kind">$text<input type="text" name="$name" value="$value" $more></label>'
    digits = Html('inputmode="numeric" autocomplete="off"')
    number = fragment(field, text="Card number", name="number", value=form.get("number", ""), more=digits, kind="other")
    owner = Html('autocomplete="cc-name"')
    name = fragment(field, text="Name on the card", name="name", value=form.get("name", ""), more=owner, kind="")
    head = fragment("<legend>$legend</legend>", legend=legend)
    return Html(f"<fieldset>{head}{joined(choices)}{number}</fieldset>{name}")


def number_of(form: Object) -> str:
    """The card number that somebody chose or typed in."""
    chosen = str(form.get("card") or "")
    return str(form.get("number") or "") if chosen in (OTHER, "") else chosen


def money(amount: Decimal | int, currency: str) -> Html:
    """An amount that keeps its direction in any text."""
    return fragment('<bdi class="amount">$text</bdi>', text=lines.money(amount, currency).replace("$-", "−$"))


def amount_line(text: str, amount: Decimal | int, currency: str, *, is_sum: bool = False) -> Html:
    """A text and an amount at its end."""
    kind = "sum" if is_sum else ""
    return fragment('<li class="$kind"><span>$text</span>$amount</li>', kind=kind, text=text, amount=money(amount, currency))


def moment(second: int) -> str:
    """A time as `28 Nov 2026, 16:40 UTC`."""
    return f"{day(second)}, {datetime.fromtimestamp(second, UTC):%H:%M} UTC"


def _choice(value: str, text: str, number: str, *, checked: bool) -> Html:
    shown = fragment("<code><bdi>$number</bdi></code>", number=number) if number else Html()
    return fragment(
        '<label class="choice"><input type="radio" name="card" value="$value"$checked><span>$text$shown</span></label>',
        value=value,
        text=text,
        shown=shown,
        checked=Html(" checked" if checked else ""),
    )


@functools.cache
def _template(name: str) -> Template:
    return Template((FOLDER / name).read_text())


def _safe(value: Any) -> str:
    return value if isinstance(value, Html) else escape(str(value))
