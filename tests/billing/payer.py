"""A tenant that pays in the stand-in for Stripe, made by the real SDK, and the events that the stand-in wants to tell."""

from collections.abc import Iterable
from typing import Any, Final

import stripe
from django.test import Client

from billing.gateway import gateway
from billing.models import BillingAccount, PlanPrice, StripeEvent
from billing.services.price_list import sync_plans
from billing.services.stripe.working import handle
from tenants.context import TenantRef
from tests.support.stripe import Message, Sandbox

HOST: Final = "localhost:8000"
DOORS: Final = {"snapshot": "/stripe/webhook/", "thin": "/stripe/webhook/thin/"}


class Payer:
    """A tenant with a customer and a card."""

    def __init__(self, sandbox: Sandbox, tenant: TenantRef) -> None:
        sync_plans(gateway())
        self.sandbox, self.tenant, self.stripe = sandbox, tenant, sandbox.client()
        self.customer = self.stripe.v1.customers.create({"name": tenant.name, "metadata": {"tenant": str(tenant.id)}}).id
        self.card("pm_card_visa")
        BillingAccount.objects.filter(pk=tenant.id).update(stripe_customer_id=self.customer)

    def card(self, name: str) -> None:
        """The card that is charged from now on."""
        method = self.stripe.v1.payment_methods.attach(name, {"customer": self.customer}).id
        self.stripe.v1.customers.update(self.customer, {"invoice_settings": {"default_payment_method": method}})

    def subscribe(self, *, plan: str = "team", seats: int = 5, **more: Any) -> stripe.Subscription:
        """Take a plan by the month, as Checkout would."""
        rows = PlanPrice.objects.filter(plan__key=plan, plan__is_current=True, interval="month")
        items = [{"price": row.stripe_price_id, **({"quantity": seats} if row.kind == "seat" else {})} for row in rows]
        asked: Any = {"customer": self.customer, "items": items, "metadata": {"tenant": str(self.tenant.id)}}
        return self.stripe.v1.subscriptions.create(asked | more)


def post(message: Message, client: Client | None = None, **changes: Any) -> int:
    """Post an event as Stripe does; the status of the answer."""
    said = {"kind": message.kind, "body": message.body, "signature": message.signature} | changes
    headers = {"host": HOST} | ({"stripe-signature": said["signature"]} if said["signature"] is not None else {})
    asker = client or Client()
    answer = asker.post(DOORS[said["kind"]], said["body"], content_type="application/json", headers=headers)
    return int(answer.status_code)


def hear(messages: Iterable[Message]) -> None:
    """Post events in this order, and work each off at once."""
    for message in messages:
        assert post(message) == 200
        if StripeEvent.objects.filter(id=message.event).exists():
            handle(message.event)
