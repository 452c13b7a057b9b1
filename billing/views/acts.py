"""Leaving a plan and coming back to it: cancel, take that back, pause, resume. Each is asked about once, with what it means."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from billing.models import Meter
from billing.plans import FREE
from billing.selectors.bill import Bill, bill_of
from billing.selectors.plans import FREE_SEATS
from billing.services.stripe.plan_change import cancel, pause, reactivate, resume
from billing.views.gate import READ, Desk, page
from billing.views.notices import PAUSED, TRYING, day
from billing.views.pages import UNPROCESSABLE, Refusal, show, words_of
from saas.core.errors import NotFound

Do = Callable[..., Any]  # (account_id: UUID, *, actor: Actor)


@dataclass(frozen=True, slots=True)
class Act:
    """Something that is asked about first. `fits`: whether it means anything now."""

    key: str
    link: str
    title: str
    button: str
    words: Callable[[Bill], str]
    done: Callable[[Bill], str]
    do: Do
    fits: Callable[[Bill], bool]
    is_grave: bool = False


@page(*READ, "POST")
def act(request: HttpRequest, desk: Desk, key: str) -> HttpResponse:
    """A GET says what it means, a POST does it. What does not fit the subscription now is not found."""
    bill = bill_of(desk.account)
    asked = next((one for one in acts_for(bill) if one.key == key), None)
    if asked is None:
        return _nothing_to_do(request, key)
    refused = ""
    if request.method == "POST":
        try:
            asked.do(desk.id, actor=desk.actor)
        except Refusal as refusal:
            refused = words_of(refusal)
        else:
            messages.success(request, asked.done(bill))
            return redirect("billing_plans")
    context = {"act": asked, "words": asked.words(bill), "refused": refused}
    return show(request, desk, "act", bill=bill, status=UNPROCESSABLE if refused else 200, **context)


def acts_for(bill: Bill) -> list[Act]:
    """What can be done to the subscription now."""
    return [one for one in ACTS if bill.is_stripes and one.fits(bill)]


def _nothing_to_do(request: HttpRequest, key: str) -> HttpResponse:
    """A page that was left open: the other tab was faster."""
    if key not in {one.key for one in ACTS}:
        raise NotFound(f"There is no {key!r}.")
    messages.info(request, "There is nothing to do: your plan is as it stands here.")
    return redirect("billing_plans")


def _end(bill: Bill) -> str:
    assert bill.subscription
    ends = bill.subscription.trial_end if bill.subscription.status == TRYING else bill.subscription.seat_period_end
    return day(ends or bill.subscription.seat_period_end)


def _cancel_words(bill: Bill) -> str:
    too_many = bill.seats.used - FREE_SEATS
    of_seats = f"{too_many} too many hold one now: until they are viewers, new rooms and members wait from that day on. "
    return (
        f"{bill.plan.name} goes on until {_end(bill)}: it is paid. That day a last invoice comes for what was used beyond the "
        "allowances, and the free plan's limits count: two seats, one site, messages older than 90 days are deleted. "
        f"{of_seats if too_many > 0 else ''}You can take this back until then."
    )


def _pause_words(bill: Bill) -> str:
    most, found = FREE.meters[Meter.MESSAGE].included, bill.used[Meter.MESSAGE]
    return (
        "What was used beyond the allowances is invoiced now, and what is paid and not used is credited. From then on no "
        f"invoices are made, and you have what Free includes: of {most:,} messages in this period {found:,} are used, and beyond "
        "that your team cannot send. Visitors can always write. New rooms, members and sites wait until you resume. Nothing is "
        "deleted."
    )


def _runs(bill: Bill) -> bool:
    return bill.subscription is not None and bill.subscription.status != PAUSED and bill.subscription.cancel_at is None


ACTS: Final = (
    Act(
        key="cancel",
        link="Cancel",
        title="Cancel the plan?",
        button="Cancel the plan",
        words=_cancel_words,
        done=lambda bill: f"Cancelled. {bill.plan.name} goes on until {_end(bill)}.",
        do=cancel,
        fits=_runs,
        is_grave=True,
    ),
    Act(
        key="reactivate",
        link="Keep the plan",
        title="Keep the plan?",
        button="Keep the plan",
        words=lambda bill: f"{bill.plan.name} renews on {_end(bill)} as before. Nothing is charged now.",
        done=lambda bill: f"{bill.plan.name} goes on.",
        do=reactivate,
        fits=lambda bill: bill.subscription is not None and bill.subscription.cancel_at is not None,
    ),
    Act(
        key="pause",
        link="Pause",
        title="Pause the plan?",
        button="Pause the plan",
        words=_pause_words,
        done=lambda bill: "Paused. Resume whenever you like.",
        do=pause,
        fits=lambda bill: _runs(bill) and bill.subscription is not None and bill.subscription.status == "active",
    ),
    Act(
        key="resume",
        link="Resume",
        title="Resume the plan?",
        button="Resume the plan",
        words=lambda bill: f"A new period of {bill.plan.name} begins now, and its seats are charged at once.",
        done=lambda bill: f"{bill.plan.name} goes on.",
        do=resume,
        fits=lambda bill: bill.subscription is not None and bill.subscription.status == PAUSED,
    ),
)
