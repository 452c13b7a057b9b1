"""A tenant that pays late, and one that goes, in the stand-in for Stripe by our own services."""

from datetime import timedelta

import pytest

from billing.access import State
from billing.gateway import gateway
from billing.gateway.shapes import UsageReport
from billing.models import AccessTransition, Invoice, Subscription
from billing.services.access import tick
from billing.services.closing import close_tenant
from billing.services.stripe.invoices import pay_invoice
from billing.services.stripe.mirror import fetch_invoice, fetch_subscription
from saas.core.errors import Conflict
from tests.billing.buyer import ADA, Buyer
from tests.support.cast import MakeTenant
from tests.support.stripe import Sandbox

HOURS = 3_600
DAY = 24 * HOURS


@pytest.fixture
def buyer(sandbox: Sandbox, make_tenant: MakeTenant) -> Buyer:
    """Has Team with 5 seats, by the month."""
    found = Buyer(sandbox, make_tenant())
    found.buy()
    return found


def fail_renewal(buyer: Buyer) -> Invoice:
    """The card on file is declined, and the month ends."""
    buyer.fails()
    live = buyer.live
    buyer.sandbox.advance_to(int(live.seat_period_end.timestamp()) + 2 * HOURS)
    fetch_subscription(str(live.stripe_id))
    return fetch_invoice(buyer.invoices()[-1]["id"])


def mend_card(buyer: Buyer) -> None:
    stripe, customer = buyer.sandbox.client(), str(buyer.account.stripe_customer_id)
    method = stripe.v1.payment_methods.attach("pm_card_visa", {"customer": customer}).id
    stripe.v1.customers.update(customer, {"invoice_settings": {"default_payment_method": method}})
    stripe.v1.subscriptions.update(str(buyer.live.stripe_id), {"default_payment_method": method})


def moves(buyer: Buyer) -> list[str]:
    return list(AccessTransition.for_tenant(buyer.id).order_by("id").values_list("after", flat=True))


def test_14_a_renewal_that_stripe_could_not_collect_walks_down_and_back(buyer: Buyer) -> None:
    failed = fail_renewal(buyer)
    assert buyer.account.access_state == State.GRACE
    buyer.sandbox.advance(7 * DAY + HOURS)
    tick(buyer.id)
    buyer.sandbox.advance(14 * DAY + HOURS)
    tick(buyer.id)
    mend_card(buyer)
    pay_invoice(buyer.id, failed, actor=ADA)
    assert moves(buyer) == ["grace", "restricted", "suspended", "ok"]


def test_a_paying_tenant_closes_and_is_billed_no_more(buyer: Buyer) -> None:
    close_tenant(buyer.id, ADA)
    assert buyer.account.access_state == State.CLOSED
    assert Subscription.for_tenant(buyer.id).get().status == "canceled"
    before = len(buyer.invoices())
    buyer.sandbox.advance(40 * DAY)
    assert len(buyer.invoices()) == before


def test_the_last_invoice_is_asked_for_before_anything_is_deleted(buyer: Buyer) -> None:
    customer, at = str(buyer.account.stripe_customer_id), buyer.live.period_start + timedelta(seconds=1)
    gateway().send_usage(UsageReport("porchlight_message", customer, 1_300, f"{buyer.id}:message:0", at))
    buyer.sandbox.advance(2 * HOURS)
    buyer.fails()
    for _ in range(2):
        with pytest.raises(Conflict, match=r"of \$1\.20 is open\. Pay it under Billing, Invoices"):
            close_tenant(buyer.id, ADA)
    assert Subscription.for_tenant(buyer.id).get().status == "canceled", "nothing more is billed meanwhile"
    assert buyer.account.access_state == State.SUSPENDED, "it ended with a debt; nothing is deleted"
