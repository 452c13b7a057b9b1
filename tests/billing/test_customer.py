"""A tenant as Stripe's customer: whoever asks, and however many at once, it is one."""

from typing import Any

import pytest

from billing.gateway import Gateway, shapes
from billing.models import BillingAccount
from billing.services.stripe.customer import ensure_customer
from tests.support.cast import MakeTenant
from tests.support.stripe import Sandbox


def test_who_is_asked_for_twice_is_made_once(sandbox: Sandbox, make_tenant: MakeTenant) -> None:
    tenant = make_tenant()
    assert ensure_customer(tenant.id) == ensure_customer(tenant.id)
    assert len(sandbox.state("customer")) == 1


def test_two_at_once_get_the_same_customer(sandbox: Sandbox, make_tenant: MakeTenant, monkeypatch: pytest.MonkeyPatch) -> None:
    """While one call is under way the tenant is renamed, and somebody else asks: that is another call to Stripe."""
    tenant, create = make_tenant(), Gateway.create_customer
    faster: list[str] = []

    def slow(self: Gateway, **asked: Any) -> shapes.Customer:
        made = create(self, **asked)
        if not faster:
            faster.append("")
            BillingAccount.objects.filter(pk=tenant.id).update(billing_name="Acme & Sons")
            faster[0] = ensure_customer(tenant.id)
        return made

    monkeypatch.setattr(Gateway, "create_customer", slow)
    found = ensure_customer(tenant.id)
    assert len(sandbox.state("customer")) == 2
    assert [found] == faster == [BillingAccount.objects.get(pk=tenant.id).stripe_customer_id]
