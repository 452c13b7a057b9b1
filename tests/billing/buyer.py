"""A tenant that buys by our own services, in the stand-in for Stripe: its pages are filled in as by a browser."""

import urllib.parse
import urllib.request
from typing import Any, Final

from billing.gateway import gateway
from billing.models import BillingAccount, Subscription
from billing.selectors.plans import live_subscription
from billing.services.audit import Actor
from billing.services.price_list import sync_plans
from billing.services.stripe.checkout import confirmed, start_checkout
from billing.services.stripe.mirror import fetch_subscription
from tenants.context import TenantRef
from tenants.models import Membership, Role
from tests.billing.sandbox.desk import Stay
from tests.support.cast import make_user
from tests.support.stripe import Sandbox

WORKS: Final = "4242424242424242"
DECLINED: Final = "4000000000000002"
ADA: Final = Actor("ada@acme.example")


def page(address: str, **form: str) -> bytes:
    """What a page of the stand-in answers; with a form, to what the form sends."""
    body = urllib.parse.urlencode(form).encode() if form else None
    with urllib.request.build_opener(Stay()).open(address, body, timeout=20) as answer:
        return bytes(answer.read())


class Buyer:
    """A tenant whose plan is not bought yet."""

    def __init__(self, sandbox: Sandbox, tenant: TenantRef) -> None:
        sync_plans(gateway())
        self.sandbox, self.tenant, self.id = sandbox, tenant, tenant.id

    def order(self, **changes: Any) -> str:
        """The address of a checkout page: Team by the month with 5 seats, if nothing else is said."""
        asked: dict[str, Any] = {"plan_key": "team", "interval": "month", "seats": 5, "trial": False} | changes
        return start_checkout(self.tenant, ADA, **asked)

    def pay(self, address: str, card: str = WORKS) -> None:
        """Fill the page in."""
        page(address, do="pay", card=card, email="ada@acme.example")

    def buy(self, **changes: Any) -> Subscription:
        """Order, pay, and be confirmed."""
        self.pay(self.order(**changes))
        assert confirmed(self.id)
        return self.live

    def hire(self, name: str, role: Role = Role.AGENT) -> Membership:
        """One more member."""
        user = make_user(f"{name.lower()}@{self.tenant.slug}.example", name)
        return Membership.objects.create(tenant_id=self.id, user=user, role=role)

    def fails(self) -> None:
        """From now on the card on file is declined."""
        stripe = self.sandbox.client()
        customer = str(self.account.stripe_customer_id)
        method = stripe.v1.payment_methods.attach("pm_card_chargeCustomerFail", {"customer": customer}).id
        stripe.v1.customers.update(customer, {"invoice_settings": {"default_payment_method": method}})
        stripe.v1.subscriptions.update(str(self.live.stripe_id), {"default_payment_method": method})

    @property
    def live(self) -> Subscription:
        """Its subscription as our rows have it."""
        found = live_subscription(self.id)
        assert found is not None
        return found

    @property
    def account(self) -> BillingAccount:
        return BillingAccount.objects.get(pk=self.id)

    def invoices(self) -> list[dict[str, Any]]:
        """Its invoices at the stand-in, oldest first."""
        return [row for row in self.sandbox.state("invoice") if row["customer"] == self.account.stripe_customer_id]

    def to_renewal(self) -> Subscription:
        """Move the clock two hours past the end of the paid period, and fetch what became of it."""
        live = self.live
        self.sandbox.advance_to(int(live.seat_period_end.timestamp()) + 7200)
        return fetch_subscription(str(live.stripe_id))
