"""A tenant subscribes once: of two pages never both are paid, whoever got them, and a second subscription is seen by staff."""

from datetime import timedelta
from typing import Any

import pytest

from billing.clock import now
from billing.gateway import Gateway, shapes
from billing.gateway.errors import Away
from billing.models import BillingAccount, Difference, PlanPrice, Subscription
from billing.reporting.health import health
from billing.reporting.reconcile import reconcile
from billing.services.stripe.working import find_new
from saas.core.errors import Conflict
from tests.billing.buyer import Buyer, page
from tests.support.cast import MakeTenant
from tests.support.stripe import Sandbox


@pytest.fixture
def buyer(sandbox: Sandbox, make_tenant: MakeTenant) -> Buyer:
    return Buyer(sandbox, make_tenant())


def at_stripe(buyer: Buyer) -> list[dict[str, Any]]:
    """Its subscriptions there."""
    return [row for row in buyer.sandbox.state("subscription") if row["customer"] == buyer.account.stripe_customer_id]


def open_pages(buyer: Buyer) -> int:
    return sum(row["status"] == "open" for row in buyer.sandbox.state("checkout.session"))


def subscribe_again(buyer: Buyer) -> str:
    """By hand at Stripe, as two paid pages would."""
    price = PlanPrice.objects.get(lookup_key="porchlight-team-1-seat-month").stripe_price_id
    asked: Any = {"customer": buyer.account.stripe_customer_id, "items": [{"price": str(price), "quantity": 1}]}
    stripe = buyer.sandbox.client()
    method = stripe.v1.payment_methods.attach("pm_card_visa", {"customer": asked["customer"]}).id
    return stripe.v1.subscriptions.create(asked | {"default_payment_method": method}).id


def test_who_has_paid_gets_no_second_page(buyer: Buyer) -> None:
    """Stripe has the first one's money, and its webhook is still on its way."""
    buyer.pay(buyer.order())
    with pytest.raises(Conflict, match="has a plan"):
        buyer.order(seats=6)
    assert (buyer.live.seats, len(at_stripe(buyer)), open_pages(buyer)) == (5, 1, 0)


def test_who_pays_while_the_page_is_closed_gets_no_second_one(buyer: Buyer, monkeypatch: pytest.MonkeyPatch) -> None:
    first, expire = buyer.order(), Gateway.expire_checkout

    def paid_before(self: Gateway, id: str) -> None:
        buyer.pay(first)
        expire(self, id)

    monkeypatch.setattr(Gateway, "expire_checkout", paid_before)
    with pytest.raises(Conflict, match="has a plan"):
        buyer.order(seats=6)
    assert (buyer.live.seats, len(at_stripe(buyer)), open_pages(buyer)) == (5, 1, 0)


def test_two_who_order_at_once_get_one_page(buyer: Buyer, monkeypatch: pytest.MonkeyPatch) -> None:
    create = Gateway.create_checkout
    refused: list[Any] = []

    def meanwhile(self: Gateway, **asked: Any) -> shapes.Checkout:
        if not refused:
            with pytest.raises(Conflict, match="is being ordered") as refusal:
                buyer.order(seats=7)
            refused.append(refusal)
        return create(self, **asked)

    monkeypatch.setattr(Gateway, "create_checkout", meanwhile)
    buyer.order()
    assert (len(refused), open_pages(buyer)) == (1, 1)
    buyer.pay(buyer.order(seats=8))
    assert len(at_stripe(buyer)) == 1


def test_a_page_of_which_nobody_heard_is_closed_too(buyer: Buyer) -> None:
    buyer.sandbox.fail("cut_after", on="POST /v1/checkout/sessions", times=None)
    with pytest.raises(Away):
        buyer.order()
    buyer.sandbox.mend()
    address = buyer.order(seats=6)
    assert open_pages(buyer) == 1
    assert b"expired" not in page(address)


@pytest.mark.parametrize(("minutes", "is_free"), [(1, False), (-1, True)])
def test_whoever_died_while_ordering_is_not_waited_for(buyer: Buyer, minutes: int, is_free: bool) -> None:
    BillingAccount.objects.filter(pk=buyer.id).update(ordering_until=now() + timedelta(minutes=minutes))
    if is_free:
        assert buyer.order()
    else:
        with pytest.raises(Conflict, match="is being ordered"):
            buyer.order()
    assert open_pages(buyer) == is_free


class TestASecondSubscription:
    def test_is_a_difference_until_it_is_cancelled(self, buyer: Buyer) -> None:
        buyer.buy()
        reconcile(account_id=buyer.id, kinds=frozenset({Difference.Kind.SUBSCRIPTION}))
        assert not Difference.for_tenant(buyer.id).exists()
        second = subscribe_again(buyer)
        buyer.sandbox.advance(2 * 3600)
        reconcile(account_id=buyer.id, kinds=frozenset({Difference.Kind.SUBSCRIPTION}))
        found = Difference.for_tenant(buyer.id).get()
        assert (found.kind, found.subject, found.ours, found.stripe, found.state) == ("subscription", second, 0, 1, "open")
        assert any("between our numbers and Stripe's" in reason for reason in health().reasons)
        buyer.sandbox.client().v1.subscriptions.cancel(second)
        reconcile(account_id=buyer.id, kinds=frozenset({Difference.Kind.SUBSCRIPTION}))
        assert Difference.objects.get(id=found.id).state == "gone"

    def test_keeps_no_other_from_being_found(self, buyer: Buyer, make_tenant: MakeTenant) -> None:
        buyer.buy()
        other = Buyer(buyer.sandbox, make_tenant())
        other.pay(other.order())
        subscribe_again(buyer)
        assert find_new() == 1
        assert other.live.plan.key == "team"
        assert Subscription.for_tenant(buyer.id).count() == 1
