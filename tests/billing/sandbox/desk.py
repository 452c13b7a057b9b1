"""What most tests of the stand-in's money begin with: a meter, prices, acme with a card, and words for what happens to it."""

import urllib.parse
import urllib.request
from typing import Any, Final

import stripe

from tests.support.stripe import Sandbox

HOUR: Final = 3600
DAY: Final = 86_400
TEAM: Final = 1_500  # cents for a seat and a month
BUSINESS: Final = 3_900
TIERS: Final[list[dict[str, Any]]] = [{"up_to": 1_000, "unit_amount": 0}, {"up_to": "inf", "unit_amount_decimal": "0.4"}]


class Stay(urllib.request.HTTPRedirectHandler):
    """Follows no redirect that leads away from the stand-in, and takes a refusal's page for a page."""

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        away = urllib.parse.urlsplit(newurl).netloc != urllib.parse.urlsplit(req.full_url).netloc
        return None if away else super().redirect_request(req, fp, code, msg, headers, newurl)

    def http_error_302(self, req: Any, fp: Any, code: int, msg: str, headers: Any) -> Any:
        followed = super().http_error_302(req, fp, code, msg, headers)
        return fp if followed is None else followed

    http_error_303 = http_error_302

    def http_error_400(self, req: Any, fp: Any, code: int, msg: str, headers: Any) -> Any:
        return fp

    http_error_402 = http_error_404 = http_error_400


class Desk:
    """A stand-in with the plans Team and Business, and the customer acme."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.stripe = sandbox.client()
        sums = {"formula": "sum"}
        self.meter = self.stripe.v1.billing.meters.create(
            {"display_name": "Messages", "event_name": "messages", "default_aggregation": sums}  # type: ignore[typeddict-item]
        ).id
        self.team = self.seat_price("Team", TEAM, "month")
        self.team_year = self.seat_price("Team", 10 * TEAM, "year")
        self.business = self.seat_price("Business", BUSINESS, "month")
        self.messages = self.metered_price(TIERS)
        self.customer = self.stripe.v1.customers.create({"name": "acme", "email": "ada@acme.test"}).id
        self._sent = 0

    def seat_price(self, name: str, amount: int, interval: str) -> str:
        product = self.stripe.v1.products.create({"name": name}).id
        asked: Any = {"currency": "usd", "product": product, "unit_amount": amount, "recurring": {"interval": interval}}
        return self.stripe.v1.prices.create(asked).id

    def metered_price(self, tiers: list[dict[str, Any]]) -> str:
        product = self.stripe.v1.products.create({"name": "Messages"}).id
        recurring = {"interval": "month", "usage_type": "metered", "meter": self.meter}
        tiered = {"billing_scheme": "tiered", "tiers_mode": "graduated", "tiers": tiers}
        asked: Any = {"currency": "usd", "product": product, "recurring": recurring, **tiered}
        return self.stripe.v1.prices.create(asked).id

    def card(self, name: str = "pm_card_visa") -> str:
        """Give acme a card that is charged from now on."""
        method = self.stripe.v1.payment_methods.attach(name, {"customer": self.customer}).id
        self.stripe.v1.customers.update(self.customer, {"invoice_settings": {"default_payment_method": method}})
        return method

    def subscribe(self, seats: int = 5, **more: Any) -> stripe.Subscription:
        """Acme takes Team with a metered item."""
        asked: Any = {"customer": self.customer, "items": [{"price": self.team, "quantity": seats}, {"price": self.messages}]}
        return self.stripe.v1.subscriptions.create(asked | more)

    def update(self, sub: stripe.Subscription, **changes: Any) -> stripe.Subscription:
        asked: Any = changes
        return self.stripe.v1.subscriptions.update(sub.id, asked)

    def fetch(self, sub: stripe.Subscription) -> stripe.Subscription:
        return self.stripe.v1.subscriptions.retrieve(sub.id)

    def preview(self, sub: stripe.Subscription, **details: Any) -> stripe.Invoice:
        asked: Any = {"subscription": sub.id, **({"subscription_details": details} if details else {})}
        return self.stripe.v1.invoices.create_preview(asked)

    def use(self, messages: int, *, at: int | None = None) -> None:
        """So many messages are reported."""
        self._sent += 1
        asked: Any = {
            "event_name": "messages",
            "identifier": f"m{self._sent}",
            "payload": {"stripe_customer_id": self.customer, "value": str(messages)},
            **({"timestamp": at} if at else {}),
        }
        self.stripe.v1.billing.meter_events.create(asked)

    def page(self, address: str, **form: str) -> bytes:
        """What a page of the stand-in answers, after its redirects within it; with a form, to what the form sends."""
        body = urllib.parse.urlencode(form).encode() if form else None
        with urllib.request.build_opener(Stay()).open(address, body, timeout=20) as answer:
            return bytes(answer.read())

    def go(self, address: str, **form: str) -> str:
        """Where the stand-in sends the browser after a form."""
        body = urllib.parse.urlencode(form).encode()
        with urllib.request.build_opener(Stay()).open(address, body, timeout=20) as answer:
            return str(answer.headers["location"])

    def invoices(self) -> list[stripe.Invoice]:
        """All of acme's, oldest first."""
        return self.stripe.v1.invoices.list({"customer": self.customer, "limit": 100}).data[::-1]

    def events(self, *prefixes: str) -> list[str]:
        """The types of all events so far that begin so, oldest first."""
        types = [str(event["type"]) for event in self.sandbox.state("event")]
        return [name for name in types if name.startswith(prefixes)]


def end(sub: stripe.Subscription) -> int:
    """The end of the first period that ends."""
    return min(int(item.current_period_end) for item in sub["items"].data)


def lines(invoice: stripe.Invoice) -> list[tuple[str, int]]:
    return [(line.description or "", line.amount) for line in invoice.lines.data]
