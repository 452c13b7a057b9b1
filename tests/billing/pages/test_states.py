"""What a tenant is told of its access, and the way out, on every page."""

from datetime import timedelta
from typing import Any

import pytest

from billing.clock import now
from billing.models import BillingAccount, Invoice, Subscription
from billing.services.access import settle, suspend
from billing.services.audit import Actor
from tenants.models import Membership, Tenant
from tests.billing.pages.conftest import House, text_of
from tests.billing.test_alerts import use
from tests.support.money import paying

SAM = Actor("sam@staff.example", is_staff=True)


def owing(house: House, state: str, days: int) -> Invoice:
    """An invoice that a card has not paid for so many days."""
    paying(house.tenant, status="past_due")
    since = now() - timedelta(days=days)
    values: dict[str, Any] = {"access_state": state, "access_reason": "unpaid", "failing_since": since, "state_since": since}
    BillingAccount.objects.filter(pk=house.tenant.id).update(**values)
    return house.invoice(status="open", amount_paid=0, amount_remaining=76_20, attempt_count=1, created_at=since)


@pytest.mark.parametrize(
    ("state", "days", "words"),
    [
        ("grace", 1, "Your payment failed"),
        ("restricted", 8, "Some things wait"),
        ("suspended", 22, "Your tenant is suspended"),
    ],
)
@pytest.mark.parametrize("path", ["", "usage/", "settings/"])
def test_an_unpaid_invoice_is_one_click_away_on_every_page(house: House, state: str, days: int, words: str, path: str) -> None:
    invoice = owing(house, state, days)
    page = text_of(house.get(path))
    assert words in page
    assert f'href="/billing/invoices/{invoice.id}/"' in page


def test_an_agent_reads_what_happens_without_the_way_to_pay(house: House) -> None:
    invoice = owing(house, "grace", 1)
    page = text_of(house.get(role="agent"))
    assert "Your payment failed" in page
    assert str(invoice.id) not in page


def test_who_owes_nothing_reads_nothing(house: House) -> None:
    paying(house.tenant)
    assert 'class="note bad"' not in text_of(house.get())


def test_an_unpaid_invoice_can_be_paid_where_it_stands(house: House, settings: Any) -> None:
    settings.STRIPE_SECRET_KEY = "sk_test_shown_only"
    invoice = owing(house, "grace", 1)
    assert "Pay $76.20" in text_of(house.get(f"invoices/{invoice.id}/"))
    Invoice.objects.filter(id=invoice.id).update(status="paid", amount_remaining=0)
    assert "Pay $76.20" not in text_of(house.get(f"invoices/{invoice.id}/"))


def test_billing_stays_open_for_who_is_suspended(house: House) -> None:
    house.get()
    suspend(house.tenant.id, actor=SAM, reason="Spam.")
    assert Tenant.objects.get(id=house.tenant.id).status == "suspended"
    for path in ("", "usage/", "invoices/", "settings/", "plans/"):
        assert house.get(path).status_code == 200, path
    assert "Your tenant is suspended" in text_of(house.get())
    assert b"".join(house.post("export/"))[:2] == b"PK"


def test_a_plan_that_ends_says_when_and_how_to_keep_it(house: House) -> None:
    live = paying(house.tenant)
    Subscription.objects.filter(id=live.id).update(cancel_at=live.period_end)
    page = text_of(house.get())
    assert "You cancelled" in page
    assert "/billing/plan/reactivate/" in page


def test_a_paused_plan_says_what_it_includes_and_what_is_used(house: House) -> None:
    paying(house.tenant, plan="business", status="paused")
    use(house.tenant, 1_050)
    settle(house.tenant.id)
    page = text_of(house.get())
    assert "The subscription is paused. Until you go on, you have what Free includes." in page
    assert "While Business rests, 1,000 messages a month are included as on Free, and 1,050 are used." in page
    assert "Your team can read, and visitors can write." in page
    assert "While Business rests, it stops there, as on Free." in page
    assert "nothing renews until you go on" in page
    assert "Renews on" not in page


def test_whoever_pauses_reads_first_what_stops(house: House) -> None:
    paying(house.tenant)
    use(house.tenant, 400)
    page = text_of(house.get("plan/pause/"))
    assert "of 1,000 messages in this period 400 are used, and beyond that your team cannot send" in page


def test_a_team_that_holds_too_many_seats_reads_how_many_and_the_way_out(house: House) -> None:
    settle(house.tenant.id)  # an owner, an admin and an agent on Free
    page = text_of(house.get())
    assert "Free has 2 seats here and 3 are held." in page
    assert 'href="/billing/seats/"' in page
    Membership.objects.filter(tenant_id=house.tenant.id, role="agent").update(role="viewer")
    settle(house.tenant.id)
    assert "Some things wait" not in text_of(house.get())


def test_whoever_cancels_reads_of_the_seats_that_are_too_many(house: House) -> None:
    live = paying(house.tenant)
    assert "1 too many hold one now" in text_of(house.get("plan/cancel/"))
    Subscription.objects.filter(id=live.id).update(cancel_at=live.period_end)
    assert "Free has 2 seats and 3 are held: make the others viewers by then." in text_of(house.get())
    Membership.objects.filter(tenant_id=house.tenant.id, role="agent").update(role="viewer")
    assert "are held" not in text_of(house.get())


def test_closing_wants_the_address_typed(house: House) -> None:
    refused = house.post("close/", {"slug": "another"})
    assert refused.status_code == 422
    assert "Nothing was closed." in text_of(refused)
    assert house.get().status_code == 200


def test_who_owes_is_asked_to_pay_before_closing(house: House) -> None:
    owing(house, "grace", 1)
    answer = house.post("close/", {"slug": house.tenant.slug})
    assert answer.status_code == 422
    assert "Pay it under Billing, Invoices" in text_of(answer)
    assert Tenant.objects.get(id=house.tenant.id).status == "active"


def test_an_owner_closes_their_tenant(house: House) -> None:
    assert house.get("close/", role="admin").status_code == 403
    answer = house.post("close/", {"slug": house.tenant.slug})
    assert answer["Location"].endswith("/home/")
    assert Tenant.objects.get(id=house.tenant.id).status == "closed"
