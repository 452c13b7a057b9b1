"""Asking Stripe: written down before the call, under a key that is the same until somebody has answered."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import UUID

import pytest
from django.db import connections

from billing.gateway import gateway
from billing.gateway.errors import Away, Refused
from billing.models import BillingAccount, BillingAudit, StripeCommand
from billing.services.stripe.commands import KEPT, ask
from billing.services.stripe.customer import ensure_customer, portal_url, tell_customer
from tenants.context import TenantRef
from tests.billing.buyer import ADA
from tests.support.cast import MakeTenant
from tests.support.stripe import Sandbox


@pytest.fixture
def tenant(sandbox: Sandbox, make_tenant: MakeTenant) -> TenantRef:
    return make_tenant()


def commands(tenant: TenantRef) -> list[tuple[str, str]]:
    return list(StripeCommand.for_tenant(tenant.id).order_by("asked_at").values_list("key", "status"))


def wish(tenant: TenantRef, call: Callable[[str], object], *, amount: int = 1) -> object:
    return ask(tenant.id, "test.wish", actor=ADA, params={"amount": amount}, call=call)


def died(key: str) -> str:
    """The process goes in the middle of the call."""
    raise KeyboardInterrupt(key)


def test_a_crash_between_the_row_and_the_answer_is_asked_for_again_with_the_same_key(tenant: TenantRef) -> None:
    with pytest.raises(KeyboardInterrupt) as crash:
        wish(tenant, died)
    assert [status for _, status in commands(tenant)] == ["asked"]
    keys: list[str] = []
    wish(tenant, keys.append)
    assert keys == [str(crash.value)]
    assert [status for _, status in commands(tenant)] == ["done"]


def test_what_was_done_and_then_lost_is_done_once(tenant: TenantRef, sandbox: Sandbox) -> None:
    sandbox.fail("cut_after", on="POST /v1/customers", times=3)
    with pytest.raises(Away):
        ensure_customer(tenant.id, actor=ADA)
    assert [status for _, status in commands(tenant)] == ["failed"]
    customer = ensure_customer(tenant.id, actor=ADA)
    assert [row["id"] for row in sandbox.state("customer")] == [customer]
    assert [status for _, status in commands(tenant)] == ["done"]


def test_an_answer_ends_the_wish_and_the_next_is_another(tenant: TenantRef) -> None:
    keys: list[str] = []
    wish(tenant, keys.append)
    wish(tenant, keys.append)
    wish(tenant, keys.append, amount=2)
    assert len(set(keys)) == 3


def test_a_refusal_is_final(tenant: TenantRef) -> None:
    def refused(key: str) -> str:
        raise Refused("No such thing.", code="resource_missing")

    with pytest.raises(Refused):
        wish(tenant, refused)
    row = StripeCommand.for_tenant(tenant.id).get()
    assert (row.status, row.error) == ("refused", "No such thing.")
    assert not BillingAudit.objects.filter(tenant_id=tenant.id).exists()
    keys: list[str] = []
    wish(tenant, keys.append)
    assert keys != [row.key]


def test_a_key_that_stripe_has_forgotten_is_not_used_again(tenant: TenantRef) -> None:
    with pytest.raises(KeyboardInterrupt) as crash:
        wish(tenant, died)
    StripeCommand.for_tenant(tenant.id).update(
        asked_at=StripeCommand.for_tenant(tenant.id).get().asked_at - KEPT - timedelta(minutes=1)
    )
    keys: list[str] = []
    wish(tenant, keys.append)
    assert keys != [str(crash.value)]


def test_two_who_ask_at_once_are_one_customer(tenant: TenantRef, sandbox: Sandbox) -> None:
    def make(_: int) -> str:
        try:
            return ensure_customer(tenant.id, actor=ADA)
        finally:
            connections.close_all()

    sandbox.fail("delay", on="POST /v1/customers", times=2, seconds=0.2)
    with ThreadPoolExecutor(4) as pool:
        made = set(pool.map(make, range(4)))
    assert len(made) == 1
    assert len(sandbox.state("customer")) == 1


def test_who_looked_before_there_was_a_customer_makes_no_second_one(
    tenant: TenantRef, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []

    def overtaken(account_id: UUID) -> str:
        monkeypatch.undo()
        made.append(ensure_customer(account_id, actor=ADA))
        return ADA.email

    monkeypatch.setattr("billing.services.stripe.customer._owner", overtaken)
    assert ensure_customer(tenant.id, actor=ADA) == made[0]
    assert [row["id"] for row in sandbox.state("customer")] == made


def test_a_done_command_is_in_the_audit_with_its_actor(tenant: TenantRef) -> None:
    made = ensure_customer(tenant.id, actor=ADA)
    act = BillingAudit.objects.get(tenant_id=tenant.id)
    assert (act.action, act.actor, act.after["result"]) == ("stripe.customer.create", ADA.email, made)


def test_stripe_knows_what_the_tenant_says_of_itself(tenant: TenantRef) -> None:
    values = {"billing_name": "Acme Ltd", "country": "DE", "tax_id_type": "eu_vat", "tax_id": "DE123456789"}
    tell_customer(tenant.id, values, actor=ADA)
    assert commands(tenant) == []
    customer = ensure_customer(tenant.id, actor=ADA)
    tell_customer(tenant.id, values, actor=ADA)
    found = gateway().customer(customer)
    assert (found.name, found.country, found.tax_id) == ("Acme Ltd", "DE", "DE123456789")
    BillingAccount.objects.filter(pk=tenant.id).update(**values)
    before = commands(tenant)
    tell_customer(tenant.id, values, actor=ADA)
    assert commands(tenant) == before


def test_the_portal_leads_back_to_the_tenant(tenant: TenantRef, sandbox: Sandbox) -> None:
    assert portal_url(tenant, actor=ADA).startswith(sandbox.access.public)
    (session,) = sandbox.state("billing_portal.session")
    assert session["return_url"].endswith(f"{tenant.slug}.localhost:8000/billing/")
