"""The console's pages about money: who may open them, what they show, what their forms do."""

import csv
import io
from datetime import timedelta
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import pytest

from billing.clock import now
from billing.models import Adjustment, BillingAccount, BillingAudit, Difference, Invoice, ReconciliationRun, Subscription
from billing.services.plans import write_plans
from tenants.context import TenantRef
from tenants.models import Tenant, User
from tests.billing.payer import Payer, hear
from tests.billing.staff.conftest import MakeStaff, invoice, move, subscribe
from tests.support.cast import MakeTenant
from tests.support.stripe import Sandbox
from tests.support.web import PLATFORM, Browser, Page

MONEY = f"{PLATFORM}/staff/money"
LISTS = [f"{MONEY}/{name}/" for name in ("tenants", "payments", "adjustments", "metering", "audit")]
WHY = "They asked for it by telephone."


@pytest.fixture
def payer(make_tenant: MakeTenant) -> TenantRef:
    """A tenant with a subscription, a paid invoice and one that a card did not pay."""
    tenant = make_tenant()
    subscribe(tenant.id)
    invoice(tenant.id)
    invoice(
        tenant.id,
        status="open",
        amount_paid=0,
        amount_remaining=75_00,
        paid_at=None,
        attempt_count=2,
        decline_reason="insufficient_funds",
    )
    move(tenant.id, "new", 0, 75_00)
    return tenant


def as_staff(browser: Browser, user: User, url: str) -> Page:
    return browser.sign_in(url, user.email)


def words(page: Page) -> str:
    return str(page.content.decode())


def page_of(tenant_id: UUID) -> str:
    return f"{MONEY}/tenants/{tenant_id}/"


@pytest.mark.parametrize("group", ["support", "billing", ""])
def test_staff_see_every_page(browser: Browser, make_staff: MakeStaff, payer: TenantRef, group: str) -> None:
    sam = make_staff(group)
    assert "Monthly recurring revenue" in words(as_staff(browser, sam, f"{PLATFORM}/staff/"))
    for url in LISTS:
        assert browser.get(url).status_code == 200, url
    page = words(browser.get(page_of(payer.id)))
    assert payer.name in page
    assert "insufficient_funds" in page
    assert "New: $0.00 to $75.00 a month" in page


def test_staff_of_no_group_see_no_money(browser: Browser, make_staff: MakeStaff, payer: TenantRef) -> None:
    sam = make_staff("support")
    as_staff(browser, sam, f"{PLATFORM}/staff/")
    sam.groups.clear()
    for url in [*LISTS, page_of(payer.id)]:
        assert browser.get(url).status_code == 403, url


def test_nobody_else_sees_any(browser: Browser, payer: TenantRef) -> None:
    for url in [*LISTS, page_of(payer.id)]:
        answer = browser.get(url)
        assert answer.status_code == 302
        assert "sign-in" in answer["Location"] or "login" in answer["Location"]


def test_the_list_as_csv(browser: Browser, make_staff: MakeStaff, payer: TenantRef) -> None:
    as_staff(browser, make_staff("support"), f"{PLATFORM}/staff/")
    answer = browser.get(f"{MONEY}/tenants/?q={payer.name}&csv=tenants")
    assert answer["Content-Type"].startswith("text/csv")
    (row,) = csv.DictReader(io.StringIO(words(answer)))
    assert (row["Tenant"], row["Plan"], row["MRR"], row["Last payment"], row["Seats bought"]) == (
        payer.name,
        "Team",
        "7500",
        "7500",
        "5",
    )


def test_a_name_that_is_a_formula_is_text_in_the_csv(browser: Browser, make_staff: MakeStaff, make_tenant: MakeTenant) -> None:
    tenant = make_tenant()
    Tenant.objects.filter(id=tenant.id).update(name=f"=1+1 {tenant.slug}")
    as_staff(browser, make_staff("support"), f"{PLATFORM}/staff/")
    (row,) = csv.DictReader(io.StringIO(words(browser.get(f"{MONEY}/tenants/?q={tenant.slug}&csv=tenants"))))
    assert row["Tenant"].startswith("'=1+1")


def test_failed_payments_name_the_reason(browser: Browser, make_staff: MakeStaff, payer: TenantRef) -> None:
    page = words(as_staff(browser, make_staff("support"), f"{MONEY}/payments/"))
    assert payer.name in page
    assert "insufficient_funds" in page


def test_suspend_and_resume_with_a_reason(browser: Browser, make_staff: MakeStaff, payer: TenantRef) -> None:
    """Acceptance 15: lifting needs a reason and is audited."""
    sam = make_staff("billing")
    as_staff(browser, sam, page_of(payer.id))
    assert browser.post(f"{page_of(payer.id)}suspend/", {"reason": ""}).status_code == 422
    assert not BillingAccount.objects.get(pk=payer.id).suspended_by_staff
    assert browser.post(f"{page_of(payer.id)}suspend/", {"reason": WHY}).status_code == 302
    assert BillingAccount.objects.get(pk=payer.id).access_state == "suspended"
    assert browser.post(f"{page_of(payer.id)}resume/", {"reason": ""}).status_code == 422
    assert BillingAccount.objects.get(pk=payer.id).suspended_by_staff
    assert browser.post(f"{page_of(payer.id)}resume/", {"reason": WHY}).status_code == 302
    assert not BillingAccount.objects.get(pk=payer.id).suspended_by_staff
    acts = BillingAudit.objects.filter(tenant_id=payer.id, actor=sam.email, is_staff=True)
    assert {act.reason for act in acts} == {WHY}
    assert acts.count() >= 2


def test_a_hold_keeps_a_tenant_from_stepping_down(browser: Browser, make_staff: MakeStaff, payer: TenantRef) -> None:
    as_staff(browser, make_staff("support"), page_of(payer.id))
    day = (now() + timedelta(days=9)).date()
    assert browser.post(f"{page_of(payer.id)}hold/", {"reason": WHY, "until": day.isoformat()}).status_code == 302
    until = BillingAccount.objects.get(pk=payer.id).exempt_until
    assert until is not None
    assert until.date() == day


@pytest.mark.parametrize(("deed", "more"), [("hold", {}), ("comp", {"plan": "team", "seats": "1", "form_key": str(uuid4())})])
def test_what_staff_give_ends_within_two_years(
    browser: Browser, make_staff: MakeStaff, make_tenant: MakeTenant, deed: str, more: dict[str, str]
) -> None:
    write_plans()
    tenant = make_tenant()
    as_staff(browser, make_staff("billing"), page_of(tenant.id))
    answer = browser.post(f"{page_of(tenant.id)}{deed}/", {"reason": WHY, "until": "9999-12-31", **more})
    assert answer.status_code == 422
    assert "9999-12-31 is too far ahead." in words(answer)
    assert 'value="9999-12-31"' in words(answer)
    assert BillingAccount.objects.get(pk=tenant.id).exempt_until is None
    assert not Subscription.for_tenant(tenant.id).exists()


def test_support_moves_no_money(browser: Browser, make_staff: MakeStaff, payer: TenantRef) -> None:
    as_staff(browser, make_staff("support"), page_of(payer.id))
    form = {"reason": WHY, "form_key": str(uuid4()), "amount": "5.00"}
    assert browser.post(f"{page_of(payer.id)}credit/", form).status_code == 403
    assert browser.post(f"{page_of(payer.id)}suspend/", {"reason": WHY}).status_code == 403
    assert not Adjustment.objects.filter(account_id=payer.id).exists()
    assert not BillingAccount.objects.get(pk=payer.id).suspended_by_staff


def test_a_form_that_is_not_in_order_comes_back_as_typed(browser: Browser, make_staff: MakeStaff, payer: TenantRef) -> None:
    as_staff(browser, make_staff("billing"), page_of(payer.id))
    answer = browser.post(f"{page_of(payer.id)}credit/", {"reason": WHY, "form_key": str(uuid4()), "amount": "5.001"})
    assert answer.status_code == 422
    assert "5.001" in words(answer)
    assert WHY in words(answer)
    assert f'href="{urlsplit(page_of(payer.id)).path}?kind=' in words(answer), "a link leads to the page, not to the form"


def test_a_large_credit_waits_on_the_list_for_somebody_else(browser: Browser, make_staff: MakeStaff, payer: TenantRef) -> None:
    sam, lea = make_staff("billing"), make_staff("billing")
    as_staff(browser, sam, page_of(payer.id))
    form = {"reason": WHY, "form_key": str(uuid4()), "amount": "500.00"}
    for _ in range(2):  # a double click
        assert browser.post(f"{page_of(payer.id)}credit/", form).status_code == 302
    made = Adjustment.objects.get(account_id=payer.id)
    assert made.status == "waiting"
    browser.post(f"{MONEY}/adjustments/{made.id}/approve/", {})
    assert Adjustment.objects.get(id=made.id).status == "waiting"
    other = Browser()
    assert "Approve" in words(as_staff(other, lea, f"{MONEY}/adjustments/"))
    other.post(f"{MONEY}/adjustments/{made.id}/decline/", {"reason": "Too much."})
    assert Adjustment.objects.get(id=made.id).status == "declined"


def test_a_difference_is_settled_with_words(browser: Browser, make_staff: MakeStaff, payer: TenantRef) -> None:
    run = ReconciliationRun.objects.create()
    said = {"kind": "usage", "meter": "message", "day": now().date(), "ours": 5, "stripe": 4, "delta": -1}
    found = Difference.objects.create(account_id=payer.id, run=run, **said)
    as_staff(browser, make_staff("billing"), f"{MONEY}/metering/")
    browser.post(f"{MONEY}/metering/differences/{found.id}/", {"note": " "})
    assert Difference.objects.get(id=found.id).state == "open"
    browser.post(f"{MONEY}/metering/differences/{found.id}/", {"note": "A test of Stripe's."})
    settled = Difference.objects.get(id=found.id)
    assert (settled.state, settled.note) == ("accepted", "A test of Stripe's.")


def test_the_timeline_shows_one_kind_alone(browser: Browser, make_staff: MakeStaff, payer: TenantRef) -> None:
    as_staff(browser, make_staff("support"), page_of(payer.id))
    page = words(browser.get(f"{page_of(payer.id)}?kind=plan"))
    timeline = page[page.index('<ol class="timeline">') :]
    assert "New: $0.00 to $75.00 a month" in timeline
    assert "Invoice P-" not in timeline


def test_a_tenant_that_is_not_there(browser: Browser, make_staff: MakeStaff) -> None:
    as_staff(browser, make_staff("support"), f"{PLATFORM}/staff/")
    assert browser.get(page_of(uuid4())).status_code == 404


@pytest.fixture
def late(sandbox: Sandbox, make_tenant: MakeTenant) -> Payer:
    """A tenant whose card fails at the renewal."""
    payer = Payer(sandbox, make_tenant())
    payer.subscribe()
    payer.card("pm_card_chargeCustomerFail")
    sandbox.advance(32 * 86_400)
    hear(sandbox.take())
    return payer


def test_a_failed_payment_is_tried_again(browser: Browser, make_staff: MakeStaff, late: Payer) -> None:
    failed = Invoice.objects.get(account_id=late.tenant.id, status="open")
    late.card("pm_card_visa")
    page = as_staff(browser, make_staff("billing"), f"{MONEY}/payments/")
    assert "Charge the card now" in words(page)
    assert browser.post(f"{MONEY}/payments/{failed.stripe_id}/retry/", {}).status_code == 302
    assert Invoice.objects.get(id=failed.id).status == "paid"
    assert BillingAccount.objects.get(pk=late.tenant.id).access_state == "ok"
