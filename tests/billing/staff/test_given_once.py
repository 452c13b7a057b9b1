"""What Stripe did not answer is given once, also when it has forgotten the key; and one that fails stops no other."""

from datetime import timedelta
from typing import Final
from uuid import uuid4

import pytest

from billing.clock import now
from billing.models import Adjustment, PlanVersion
from billing.services import adjustments
from billing.services.asked import Asked
from billing.services.stripe.mirror import fetch_invoice
from tenants.models import User
from tests.billing.payer import Payer
from tests.billing.staff.conftest import MakeStaff
from tests.support.cast import MakeTenant
from tests.support.stripe import Sandbox

CREDITS: Final = "POST /v1/customers/*/balance_transactions"
NOTES: Final = "POST /v1/credit_notes"


@pytest.fixture
def payer(sandbox: Sandbox, make_tenant: MakeTenant) -> Payer:
    return Payer(sandbox, make_tenant())


def credit(payer: Payer) -> Asked:
    return Asked("credit", payer.tenant.id, "The chat was away on Sunday.", uuid4(), amount=25_00)


def note(payer: Payer) -> Asked:
    """On the invoice of a subscription, which is paid."""
    invoice = str(payer.subscribe().latest_invoice)
    fetch_invoice(invoice)
    return Asked("credit_note", payer.tenant.id, "The chat was away on Sunday.", uuid4(), amount=25_00, subject=invoice)


def balance(payer: Payer) -> int:
    """What Stripe owes the customer."""
    return -int(payer.stripe.v1.customers.retrieve(payer.customer).balance or 0)


@pytest.mark.parametrize("fault", ["cut", "cut_after"])
@pytest.mark.parametrize("hours", [1, 25])
@pytest.mark.parametrize(("make", "on"), [(credit, CREDITS), (note, NOTES)], ids=["credit", "note"])
def test_what_was_not_answered_is_given_once(payer: Payer, sam: User, fault: str, hours: int, make: object, on: str) -> None:
    """Stripe did it and was cut off, or was cut off before: a day later nobody can tell by the key."""
    asked = make(payer)  # type: ignore[operator]
    payer.sandbox.fail(fault, on=on, times=None)
    made = adjustments.ask(asked, by=sam)
    assert made.status == "approved"
    payer.sandbox.mend()
    assert balance(payer) == (25_00 if fault == "cut_after" else 0)
    payer.sandbox.advance(hours * 3600)
    assert adjustments.carry_out_again() >= 1
    done = Adjustment.objects.get(id=made.id)
    assert (done.status, done.error, balance(payer)) == ("done", "", 25_00)
    assert done.stripe_ref


def test_somebody_elses_credit_is_not_taken_for_it(payer: Payer, sam: User) -> None:
    payer.sandbox.fail("cut", on=CREDITS, times=None)
    made = adjustments.ask(credit(payer), by=sam)
    payer.sandbox.mend()
    payer.stripe.v1.customers.balance_transactions.create(payer.customer, {"amount": -25_00, "currency": "usd"})
    assert adjustments.carry_out(made.id, by=sam).status == "done"
    assert balance(payer) == 2 * 25_00


def test_one_that_cannot_be_done_stops_no_other(payer: Payer, sam: User, make_staff: MakeStaff) -> None:
    """Its plan is not sold any more when a second person approves it."""
    until = now() + timedelta(days=700)
    comp = adjustments.ask(
        Asked("comp", payer.tenant.id, "A charity.", uuid4(), amount=3, subject="business", until=until), by=sam
    )
    assert comp.status == "waiting"
    PlanVersion.objects.filter(key="business").update(is_current=False)
    failed = adjustments.approve(comp.id, by=make_staff("billing"))
    assert (failed.status, failed.error) == ("failed", "There is no plan 'business'.")
    Adjustment.objects.filter(id=comp.id).update(status="approved", requested_at=now() - timedelta(hours=1))
    payer.sandbox.fail("cut", on=CREDITS, times=None)
    waits = adjustments.ask(credit(payer), by=sam)
    payer.sandbox.mend()
    payer.sandbox.advance(120)
    assert adjustments.carry_out_again() >= 1
    assert Adjustment.objects.get(id=waits.id).status == "done"
    assert Adjustment.objects.get(id=comp.id).status == "failed"
