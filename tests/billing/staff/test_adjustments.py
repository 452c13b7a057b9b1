"""Money that staff give: once for each form, above a limit only with a second person; at Stripe and in the audit."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from pytest_django import Settings

from billing.clock import now
from billing.models import Adjustment, BillingAudit, MeterReport, Subscription
from billing.services import adjustments
from billing.services.asked import Asked
from billing.services.corrections import end_comps
from saas.core.errors import BadFrame, Conflict, Forbidden, NotFound
from tenants.models import User
from tests.billing.payer import Payer
from tests.billing.staff.conftest import subscribe
from tests.support.cast import MakeTenant
from tests.support.stripe import Sandbox


@pytest.fixture
def payer(sandbox: Sandbox, make_tenant: MakeTenant) -> Payer:
    return Payer(sandbox, make_tenant())


def credit(account_id: UUID, amount: int = 25_00) -> Asked:
    return Asked(kind="credit", account_id=account_id, reason="The chat was away on Sunday.", form_key=uuid4(), amount=amount)


def balance(payer: Payer) -> int:
    """What Stripe owes the customer."""
    return -int(payer.stripe.v1.customers.retrieve(payer.customer).balance or 0)


def test_a_small_credit_needs_one_person(payer: Payer, sam: User) -> None:
    made = adjustments.ask(credit(payer.tenant.id), by=sam)
    assert (made.status, made.error) == ("done", "")
    assert balance(payer) == 25_00
    assert made.stripe_ref


def test_a_large_credit_needs_two(payer: Payer, sam: User, lea: User) -> None:
    """Acceptance 19: a second person; then it is at Stripe, in the audit, and sending the form again gives nothing more."""
    asked = credit(payer.tenant.id, 250_00)
    made = adjustments.ask(asked, by=sam)
    assert (made.status, balance(payer)) == ("waiting", 0)
    with pytest.raises(Forbidden, match="Somebody else"):
        adjustments.approve(made.id, by=sam)
    assert balance(payer) == 0
    assert adjustments.approve(made.id, by=lea).status == "done"
    assert balance(payer) == 250_00
    assert adjustments.ask(asked, by=sam).id == made.id
    with pytest.raises(Conflict):
        adjustments.approve(made.id, by=lea)
    assert balance(payer) == 250_00
    acts = BillingAudit.objects.filter(tenant_id=payer.tenant.id, action__startswith="adjustment.").order_by("at", "id")
    assert [(act.action, act.actor) for act in acts] == [
        ("adjustment.ask", sam.email),
        ("adjustment.approve", lea.email),
        ("adjustment.done", lea.email),
    ]


def test_the_limit_itself_is_still_small(payer: Payer, sam: User, settings: Settings) -> None:
    settings.BILLING_TWO_PERSON_ABOVE = 50_00
    assert adjustments.ask(credit(payer.tenant.id, 50_00), by=sam).status == "done"
    assert adjustments.ask(credit(payer.tenant.id, 50_01), by=sam).status == "waiting"


def test_a_declined_credit_gives_nothing(payer: Payer, sam: User, lea: User) -> None:
    made = adjustments.ask(credit(payer.tenant.id, 250_00), by=sam)
    with pytest.raises(BadFrame, match="why"):
        adjustments.decline(made.id, by=lea, reason=" ")
    assert adjustments.decline(made.id, by=lea, reason="Not ours to give.").status == "declined"
    with pytest.raises(Conflict):
        adjustments.approve(made.id, by=lea)
    assert balance(payer) == 0


def test_a_credit_while_stripe_is_away_is_given_once_later(payer: Payer, sam: User) -> None:
    payer.sandbox.fail("cut_after", on="POST /v1/customers/*/balance_transactions", times=None)
    made = adjustments.ask(credit(payer.tenant.id), by=sam)
    assert made.status == "approved"
    assert made.error
    payer.sandbox.mend()
    Adjustment.objects.filter(id=made.id).update(requested_at=now() - timedelta(minutes=2))
    assert adjustments.carry_out_again() >= 1
    assert Adjustment.objects.get(id=made.id).status == "done"
    assert balance(payer) == 25_00


def test_the_same_form_with_something_else_in_it_is_refused(payer: Payer, sam: User) -> None:
    asked = credit(payer.tenant.id)
    adjustments.ask(asked, by=sam)
    with pytest.raises(Conflict, match="Open it anew"):
        adjustments.ask(replace(asked, kind="usage", meter="message"), by=sam)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"kind": "gift"}, "'gift' is not one of"),
        ({"reason": "  "}, "Say why"),
        ({"amount": 0}, "0 is not an amount above zero"),
        ({"amount": -5}, "-5 is not an amount above zero"),
        ({"kind": "usage", "meter": "steps"}, "'steps' is not one of"),
        ({"kind": "comp", "subject": "team", "until": None}, "still to come"),
    ],
)
def test_what_cannot_be_given(make_tenant: MakeTenant, sam: User, changes: dict[str, object], words: str) -> None:
    asked = credit(make_tenant().id)
    with pytest.raises(BadFrame, match=words):
        adjustments.ask(replace(asked, **changes), by=sam)  # type: ignore[arg-type]
    assert not Adjustment.objects.filter(form_key=asked.form_key).exists()


def test_nothing_is_given_to_a_tenant_that_is_not_there(sam: User) -> None:
    with pytest.raises(NotFound):
        adjustments.ask(credit(uuid4()), by=sam)


def test_a_comp_is_a_plan_until_its_day(make_tenant: MakeTenant, sam: User) -> None:
    tenant = make_tenant()
    until = now() + timedelta(days=20)
    asked = Asked("comp", tenant.id, "A charity.", uuid4(), amount=3, subject="team", until=until)
    assert adjustments.ask(asked, by=sam).status == "done"
    comp = Subscription.objects.get(account_id=tenant.id)
    assert (comp.source, comp.status, comp.seats, comp.cancel_at) == ("comp", "active", 3, until)
    Subscription.objects.filter(id=comp.id).update(cancel_at=now())
    assert end_comps() >= 1
    assert Subscription.objects.get(id=comp.id).status == "canceled"


def test_a_long_comp_needs_two_people(make_tenant: MakeTenant, sam: User) -> None:
    asked = Asked("comp", make_tenant().id, "A charity.", uuid4(), amount=3, subject="team", until=now() + timedelta(days=365))
    assert adjustments.ask(asked, by=sam).status == "waiting"


def test_who_pays_gets_no_comp(make_tenant: MakeTenant, sam: User) -> None:
    tenant = make_tenant()
    subscribe(tenant.id)
    asked = Asked("comp", tenant.id, "A friend.", uuid4(), amount=1, subject="team", until=now() + timedelta(days=3))
    made = adjustments.ask(asked, by=sam)
    assert made.status == "failed"
    assert "has a subscription" in made.error


def batch(account_id: UUID, **values: object) -> MeterReport:
    begun = now().replace(minute=0, second=0, microsecond=0)
    given: dict[str, object] = {
        "meter": "message",
        "window_start": begun,
        "window_end": begun + timedelta(hours=1),
        "event_time": begun,
        "quantity": 40,
    }
    given |= {"account_id": account_id, "identifier": f"{account_id}:message:{uuid4().hex[:8]}"}
    made: MeterReport = MeterReport.objects.create(**given | values)
    return made


def test_a_batch_is_waived_while_it_is_not_counted(make_tenant: MakeTenant, sam: User) -> None:
    tenant = make_tenant()
    open_one, sent = batch(tenant.id, status="rejected"), batch(tenant.id, status="sent", seq=1)
    waive = Asked("waive", tenant.id, "A test of theirs.", uuid4(), subject=open_one.identifier)
    assert adjustments.ask(waive, by=sam).status == "done"
    assert MeterReport.objects.get(id=open_one.id).status == "waived"
    refused = adjustments.ask(replace(waive, subject=sent.identifier, form_key=uuid4()), by=sam)
    assert refused.status == "failed"
    assert MeterReport.objects.get(id=sent.id).status == "sent"


def test_wrong_usage_is_taken_back_by_a_negative_batch(make_tenant: MakeTenant, sam: User) -> None:
    tenant = make_tenant()
    subscribe(tenant.id)
    asked = Asked("usage", tenant.id, "Counted twice by an import.", uuid4(), amount=120, meter="message")
    assert adjustments.ask(asked, by=sam).status == "done"
    fix = MeterReport.objects.get(account_id=tenant.id)
    assert (fix.quantity, fix.is_correction, fix.status) == (-120, True, "pending")
