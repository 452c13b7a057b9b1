"""Choosing a plan, changing it, leaving it and coming back, through the pages and the stand-in for Stripe."""

import re

import pytest

from billing.models import Subscription
from tests.billing.buyer import Buyer
from tests.billing.pages.conftest import House, text_of
from tests.support.stripe import Sandbox

ORDER = {"interval": "month", "seats": "5", "coupon": ""}


@pytest.fixture
def buyer(sandbox: Sandbox, house: House) -> Buyer:
    return Buyer(sandbox, house.tenant)


def hidden(page: str) -> dict[str, str]:
    """The hidden fields of a page's form, as a browser sends them."""
    tags = re.findall(r"<input[^>]*type=\"hidden\"[^>]*>", page)
    pairs = [(re.search(r'name="(\w+)"', tag), re.search(r'value="([^"]*)"', tag)) for tag in tags]
    return {name[1]: value[1] if value else "" for name, value in pairs if name and name[1] != "csrfmiddlewaretoken"}


def test_a_plan_is_ordered_paid_at_stripe_and_confirmed(buyer: Buyer, house: House) -> None:
    answer = house.post("plans/team/", ORDER)
    assert answer.status_code == 302
    assert answer["Location"].startswith(buyer.sandbox.access.public)
    waiting = house.get("confirming/")
    assert "Confirming your plan" in text_of(waiting)
    assert house.get("confirming/state/").json() == {"confirmed": False}
    buyer.pay(answer["Location"])
    assert house.get("confirming/state/").json() == {"confirmed": True}
    assert house.get("confirming/")["Location"] == "/billing/"
    assert "Team" in text_of(house.get())


def test_a_trial_is_offered_once(buyer: Buyer, house: House) -> None:
    assert "Try it for 14 days" in text_of(house.get("plans/team/"))
    buyer.pay(house.post("plans/team/", ORDER | {"trial": "on"})["Location"])
    assert house.get("confirming/").status_code == 302
    assert buyer.live.status == "trialing"
    page = text_of(house.get())
    assert "Trial of Team" in page
    assert "In the trial nothing beyond it is billed" in page


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"seats": "3"}, "3 is too few: 4 is the least here."),
        ({"seats": "many"}, "Enter a whole number."),
        ({"interval": "week"}, "Select a valid choice"),
        ({"coupon": "NOSUCH"}, "There is no coupon &#x27;NOSUCH&#x27;."),
    ],
)
def test_an_order_that_cannot_be_says_why_and_keeps_what_was_typed(
    buyer: Buyer, house: House, changed: dict[str, str], words: str
) -> None:
    """The house has four members, of whom a viewer needs no seat: with one more it needs four."""
    buyer.hire("Gil")
    answer = house.post("plans/team/", ORDER | changed)
    assert answer.status_code == 422
    assert words in text_of(answer)
    if "interval" not in changed:
        assert f'value="{next(iter(changed.values()))}"' in text_of(answer)


def test_a_dearer_plan_comes_now_for_the_price_that_was_shown(buyer: Buyer, house: House) -> None:
    buyer.buy()
    page = text_of(house.get("plans/business/?interval=month"))
    shown = hidden(page)
    assert shown["is_now"] == "True"
    assert house.post("plans/business/", shown).status_code == 302
    assert (buyer.live.plan.key, buyer.live.seats) == ("business", 5)
    assert buyer.invoices()[-1]["total"] == int(shown["amount_now"])


def test_a_cheaper_plan_waits_for_the_end_of_what_is_paid(buyer: Buyer, house: House) -> None:
    buyer.buy(plan_key="business")
    shown = hidden(text_of(house.get("plans/team/?interval=month")))
    assert (shown["is_now"], shown["amount_now"]) == ("False", "0")
    assert house.post("plans/team/", shown).status_code == 302
    assert buyer.live.plan.key == "business"
    assert buyer.live.next_plan is not None
    assert "Team from" in text_of(house.get("plans/"))


def test_a_price_that_was_tampered_with_buys_nothing(buyer: Buyer, house: House) -> None:
    buyer.buy()
    shown = hidden(text_of(house.get("plans/business/?interval=month")))
    answer = house.post("plans/business/", shown | {"amount_now": "1"})
    assert answer.status_code == 422
    assert "another" in text_of(answer) or "something else" in text_of(answer)
    assert buyer.live.plan.key == "team"


def test_a_plan_is_cancelled_after_one_question_and_taken_back(buyer: Buyer, house: House) -> None:
    buyer.buy()
    assert "Cancel the plan?" in text_of(house.get("plan/cancel/"))
    assert buyer.live.cancel_at is None
    assert house.post("plan/cancel/").status_code == 302
    assert buyer.live.cancel_at is not None
    assert "You cancelled" in text_of(house.get())
    assert house.post("plan/reactivate/").status_code == 302
    assert buyer.live.cancel_at is None


def test_a_plan_is_paused_and_resumed(buyer: Buyer, house: House) -> None:
    buyer.buy()
    assert house.post("plan/pause/").status_code == 302
    assert buyer.live.status == "paused"
    assert "/billing/plan/resume/" in text_of(house.get("plans/"))
    assert house.post("plan/resume/").status_code == 302
    assert buyer.live.status == "active"


def test_what_does_not_fit_now_does_nothing(buyer: Buyer, house: House) -> None:
    """As when another tab was faster."""
    buyer.buy()
    assert house.post("plan/reactivate/")["Location"] == "/billing/plans/"
    assert "There is nothing to do" in text_of(house.get("plans/"))


def test_a_coupon_counts_from_the_next_invoice_on(buyer: Buyer, house: House) -> None:
    buyer.buy()
    buyer.sandbox.client().v1.coupons.create({"id": "HALF", "name": "Half off", "percent_off": 50, "duration": "forever"})
    wrong = house.post("plan/coupon/", {"coupon": "HALV"})
    assert wrong.status_code == 422
    assert 'value="HALV"' in text_of(wrong)
    assert house.post("plan/coupon/", {"coupon": "HALF"}).status_code == 302
    page = text_of(house.get("plans/"))
    assert "Half off" in page
    assert "50 %" in page


def test_the_portal_is_stripes(buyer: Buyer, house: House) -> None:
    buyer.buy()
    assert house.post("portal/")["Location"].startswith(buyer.sandbox.access.public)


def test_stripe_away_is_said_and_changes_nothing(buyer: Buyer, house: House, sandbox: Sandbox) -> None:
    sandbox.fail("cut", times=None)
    answer = house.post("plans/team/", ORDER)
    assert answer.status_code == 422
    assert "Stripe does not answer just now" in text_of(answer)
    assert not Subscription.for_tenant(house.tenant.id).exists()


class TestWithoutAKey:
    """An installation that takes no money."""

    def test_the_pages_say_so_and_show_plan_and_usage(self, house: House) -> None:
        page = text_of(house.get())
        assert "Payment is not set up on this installation" in page
        assert "Free" in page
        assert "of 1,000 messages" in page

    def test_nothing_can_be_ordered(self, house: House) -> None:
        assert "/billing/plans/team/" not in text_of(house.get("plans/"))
        answer = house.post("plans/team/", ORDER)
        assert answer.status_code == 422
        assert "Payment is not set up" in text_of(answer)
