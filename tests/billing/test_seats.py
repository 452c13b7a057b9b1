"""Seats: more of them now, for what was shown; fewer from the next renewal on."""

from contextlib import nullcontext
from dataclasses import replace

import pytest
from django.db import transaction

from billing.access import Reason
from billing.clock import now
from billing.gateway.errors import Declined
from billing.models import PlanMove, SeatEntry, Subscription
from billing.selectors.due import due_accounts
from billing.selectors.limits import limits_of
from billing.selectors.plans import seats
from billing.services.access import tick
from billing.services.seating import give_seat
from billing.services.stripe.asking import seat_item
from billing.services.stripe.mirror import fetch_subscription
from billing.services.stripe.plan_change import cancel, pause
from billing.services.stripe.seats import buy_seats, check_shown, lower_seats_at_renewal, preview_seats
from billing.standing import forget_standing
from billing.words import cause
from saas.core.errors import BadFrame, Conflict, PlanLimit
from tenants.models import Membership, Role
from tenants.services import disable
from tests.billing.buyer import ADA, Buyer
from tests.support.cast import MakeTenant
from tests.support.money import paying
from tests.support.owing import mails
from tests.support.stripe import Sandbox

DAY = 86_400


@pytest.fixture
def buyer(sandbox: Sandbox, make_tenant: MakeTenant) -> Buyer:
    """Has Team with 5 seats."""
    found = Buyer(sandbox, make_tenant())
    found.buy()
    return found


def entries(buyer: Buyer) -> list[tuple[int, int]]:
    return list(SeatEntry.for_tenant(buyer.id).order_by("at", "id").values_list("seats", "seats_next"))


def ask_for_seat(buyer: Buyer, role: Role) -> None:
    with transaction.atomic():
        give_seat(tenant_id=buyer.id, role=role)


def test_more_seats_cost_what_was_shown(buyer: Buyer) -> None:
    """Acceptance 17, first half: the amount of the preview is charged, though time went on in between."""
    buyer.sandbox.advance(10 * DAY)
    preview = preview_seats(buyer.id, 7)
    assert 0 < preview.amount_now < 2 * 15_00
    assert preview.renewal_amount == 7 * 15_00
    buyer.sandbox.advance(1800)
    buy_seats(buyer.id, preview, actor=ADA)
    invoice = buyer.invoices()[-1]
    assert (invoice["amount_paid"], invoice["status"]) == (preview.amount_now, "paid")
    assert seats(buyer.id).bought == 7
    move = PlanMove.for_tenant(buyer.id).order_by("at").last()
    assert move is not None
    assert (move.kind, move.before, move.after) == ("expansion", 5 * 15_00, 7 * 15_00)


def test_fewer_seats_change_nothing_until_the_renewal(buyer: Buyer) -> None:
    """Acceptance 17, second half."""
    before = len(buyer.invoices())
    lower_seats_at_renewal(buyer.id, 3, actor=ADA)
    held = seats(buyer.id)
    assert (held.bought, held.next) == (5, 3)
    assert buyer.live.seats == 5
    assert len(buyer.invoices()) == before
    assert buyer.to_renewal().seats == 3
    assert buyer.invoices()[-1]["total"] == 3 * 15_00
    assert (seats(buyer.id).bought, seats(buyer.id).next) == (3, 3)
    assert entries(buyer) == [(5, 5), (5, 3), (3, 3)]


def test_a_reduction_can_be_taken_back(buyer: Buyer) -> None:
    lower_seats_at_renewal(buyer.id, 3, actor=ADA)
    lower_seats_at_renewal(buyer.id, 5, actor=ADA)
    assert seats(buyer.id).next == 5
    assert buyer.live.schedule_id == ""
    assert buyer.to_renewal().seats == 5


def test_a_seat_that_ends_with_the_renewal_is_given_to_nobody(buyer: Buyer) -> None:
    """It would stay held after the renewal, and nobody would pay for it."""
    buyer.hire("Ben")
    ask_for_seat(buyer, Role.AGENT)
    lower_seats_at_renewal(buyer.id, 2, actor=ADA)
    with pytest.raises(PlanLimit) as refusal:
        ask_for_seat(buyer, Role.AGENT)
    assert refusal.value.message == (
        "Team has 5 seats here, 2 from the next renewal on, and 2 are held. Make somebody a viewer, which needs no seat, or take"
        " the reduction back under Billing."
    )
    ask_for_seat(buyer, Role.VIEWER)
    lower_seats_at_renewal(buyer.id, 5, actor=ADA)
    ask_for_seat(buyer, Role.AGENT)


def test_what_is_left_after_a_reduction_can_be_given(buyer: Buyer) -> None:
    lower_seats_at_renewal(buyer.id, 3, actor=ADA)
    buyer.hire("Ben")
    assert seats(buyer.id).free == 1
    ask_for_seat(buyer, Role.AGENT)


def test_a_team_that_falls_to_free_with_more_than_its_seats_waits_until_they_fit(buyer: Buyer) -> None:
    ben, *_ = [buyer.hire(name) for name in ("Ben", "Cy", "Di")]
    cancel(buyer.id, actor=ADA)
    assert buyer.account.access_state == "ok"
    buyer.to_renewal()
    assert (buyer.account.access_state, buyer.account.access_reason) == ("restricted", "seats")
    assert buyer.id in due_accounts()
    forget_standing(tenant_id=buyer.id)
    with pytest.raises(PlanLimit, match=r"Free has 2 seats here and 4 are held\. .*make them a viewer.*get more seats"):
        ask_for_seat(buyer, Role.AGENT)
    disable(ben, by=None)
    assert tick(buyer.id) == "restricted"
    Membership.objects.filter(tenant_id=buyer.id, user__name="Cy").update(role=Role.VIEWER)
    assert tick(buyer.id) == "ok"


def test_a_team_that_fits_falls_to_free_and_nothing_waits(buyer: Buyer) -> None:
    buyer.hire("Ben")
    cancel(buyer.id, actor=ADA)
    buyer.to_renewal()
    assert buyer.account.access_state == "ok"


def test_fewer_seats_at_stripe_than_are_held_are_told_and_more_open_at_once(buyer: Buyer) -> None:
    """Somebody changed them in Stripe's dashboard, or was let in while the reduction was on its way."""
    for name in ("Ben", "Cy"):
        buyer.hire(name)
    stripe, live = buyer.sandbox.client(), buyer.live
    stripe.v1.subscriptions.update(str(live.stripe_id), {"items": [{"id": seat_item(live), "quantity": 2}]})
    fetch_subscription(str(live.stripe_id))
    assert (buyer.account.access_state, buyer.account.access_reason) == ("restricted", "seats")
    assert mails(buyer.tenant) == [f"{buyer.tenant.name}: Some things wait"]
    assert cause(Reason.SEATS, limits_of(buyer.account)) == "Team has 2 seats here and 3 are held."
    buy_seats(buyer.id, preview_seats(buyer.id, 3), actor=ADA)
    assert buyer.account.access_state == "ok"


def test_more_seats_take_a_reduction_back(buyer: Buyer) -> None:
    lower_seats_at_renewal(buyer.id, 3, actor=ADA)
    buy_seats(buyer.id, preview_seats(buyer.id, 6), actor=ADA)
    assert (seats(buyer.id).bought, seats(buyer.id).next) == (6, 6)
    assert buyer.to_renewal().seats == 6


def test_another_amount_than_was_shown_is_not_charged(buyer: Buyer) -> None:
    preview, before = preview_seats(buyer.id, 7), len(buyer.invoices())
    with pytest.raises(Conflict, match="something else"):
        buy_seats(buyer.id, replace(preview, amount_now=preview.amount_now - 1), actor=ADA)
    assert (len(buyer.invoices()), seats(buyer.id).bought) == (before, 5)


def test_a_price_counts_for_an_hour(buyer: Buyer) -> None:
    preview = preview_seats(buyer.id, 7)
    buyer.sandbox.advance(3700)
    with pytest.raises(Conflict, match="more than an hour ago"):
        buy_seats(buyer.id, preview, actor=ADA)
    assert seats(buyer.id).bought == 5


@pytest.mark.parametrize("ahead", [120, 20 * DAY, 10**400], ids=["minutes", "days", "no second"])
def test_a_price_from_a_moment_to_come_buys_nothing(buyer: Buyer, ahead: int) -> None:
    """Seats cost less the later they begin: whoever writes the end of the period into the form would have them for nothing."""
    preview, before = preview_seats(buyer.id, 500), len(buyer.invoices())
    later = replace(preview, proration_date=preview.proration_date + ahead, amount_now=0)
    with pytest.raises(Conflict, match="still to come"):
        buy_seats(buyer.id, later, actor=ADA)
    assert (len(buyer.invoices()), seats(buyer.id).bought) == (before, 5)


@pytest.mark.parametrize(("second", "is_taken"), [(-3_700, False), (-3_500, True), (0, True), (30, True), (120, False)])
def test_a_price_counts_for_an_hour_and_from_a_clock_that_is_a_little_ahead(second: int, is_taken: bool) -> None:
    with nullcontext() if is_taken else pytest.raises(Conflict, match="Look at it anew"):
        check_shown(int(now().timestamp()) + second)


def test_a_declined_card_buys_no_seats(buyer: Buyer) -> None:
    buyer.sandbox.advance(DAY)
    buyer.fails()
    with pytest.raises(Declined) as refusal:
        buy_seats(buyer.id, preview_seats(buyer.id, 7), actor=ADA)
    assert "declined" in refusal.value.message
    assert fetch_subscription(str(buyer.live.stripe_id)).seats == 5
    assert entries(buyer) == [(5, 5)]


def test_no_fewer_than_are_held_and_it_says_by_whom(buyer: Buyer) -> None:
    buyer.hire("Ben")
    buyer.hire("Eve", Role.VIEWER)
    assert seats(buyer.id).used == 2
    with pytest.raises(BadFrame, match="2 seats are held, by Ben, Olga") as refusal:
        lower_seats_at_renewal(buyer.id, 1, actor=ADA)
    assert refusal.value.field == "seats"
    lower_seats_at_renewal(buyer.id, 2, actor=ADA)
    assert seats(buyer.id).next == 2


def test_what_is_no_increase_is_not_bought(buyer: Buyer) -> None:
    with pytest.raises(BadFrame, match="There are 5 seats already"):
        preview_seats(buyer.id, 5)
    with pytest.raises(BadFrame, match="buy more instead"):
        lower_seats_at_renewal(buyer.id, 6, actor=ADA)


def test_seats_of_a_plan_that_ends_or_rests_stay(buyer: Buyer) -> None:
    cancel(buyer.id, actor=ADA)
    with pytest.raises(Conflict, match="take the cancellation back"):
        preview_seats(buyer.id, 7)


def test_seats_of_a_paused_plan_stay(buyer: Buyer) -> None:
    pause(buyer.id, actor=ADA)
    with pytest.raises(Conflict, match="resume it first"):
        preview_seats(buyer.id, 7)


def test_in_a_trial_seats_cost_nothing_yet(sandbox: Sandbox, make_tenant: MakeTenant) -> None:
    buyer = Buyer(sandbox, make_tenant())
    buyer.buy(trial=True)
    preview = preview_seats(buyer.id, 7)
    assert preview.amount_now == 0
    buy_seats(buyer.id, preview, actor=ADA)
    lower_seats_at_renewal(buyer.id, 2, actor=ADA)
    assert (buyer.live.seats, buyer.live.status) == (2, "trialing")
    assert sum(row["total"] for row in buyer.invoices()) == 0


def test_a_plan_that_was_given_has_no_seats_to_buy(make_tenant: MakeTenant) -> None:
    tenant = make_tenant()
    with pytest.raises(Conflict, match="choose one first"):
        preview_seats(tenant.id, 7)
    given = paying(tenant)
    Subscription.objects.filter(pk=given.pk).update(source="comp", stripe_id=None)
    with pytest.raises(Conflict, match="given by us"):
        preview_seats(tenant.id, 7)


def test_without_a_plan_there_are_the_free_ones(make_tenant: MakeTenant) -> None:
    held = seats(make_tenant().id)
    assert (held.bought, held.used, held.next, held.most) == (2, 1, 2, 2)
