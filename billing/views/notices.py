"""What a tenant must know before it reads anything else: what happens, on which day, and how to mend it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.utils import timezone

from billing.access import Reason, State
from billing.models import Subscription
from billing.selectors.bill import Bill
from billing.selectors.plans import FREE_SEATS
from billing.words import of_state

TRYING: Final = "trialing"
PAUSED: Final = "paused"
PORTAL: Final = "/billing/portal/"
PLAN: Final = "/billing/plan/"


@dataclass(frozen=True, slots=True)
class Notice:
    """A few sentences above a page, with the way out. `is_grave`: something has stopped, or will on a day that is named."""

    title: str
    words: str
    act: str = ""  # what the way out is called
    url: str = ""
    is_grave: bool = False
    is_post: bool = False  # the way out is a form


def notices_of(bill: Bill) -> list[Notice]:
    """The gravest first. Days are told in the time zone that is active."""
    found = [_of_access(bill), _of_subscription(bill), _of_installation(bill)]
    return [notice for notice in found if notice]


def day(moment: datetime) -> str:
    """A day for people: "28 November 2026"."""
    local = timezone.localtime(moment)
    return f"{local.day} {local:%B %Y}"


def _of_access(bill: Bill) -> Notice | None:
    """In the words of the mails and the refusals. An unpaid invoice is led to directly."""
    state, reason = bill.account.access_state, bill.account.access_reason
    if state == State.OK:
        return None
    told = of_state(state, reason, bill.next_step, bill.limits)
    if reason == Reason.TRIAL_ENDED:
        return Notice(told.title, told.text, "Add a card", PORTAL, is_grave=True, is_post=True)
    is_unpaid = reason in {Reason.UNPAID, Reason.CANCELED_UNPAID}
    url = f"{told.path}{bill.unpaid[0].id}/" if is_unpaid and bill.unpaid else told.path
    return Notice(told.title, told.text, told.label, url, is_grave=True)


def _of_subscription(bill: Bill) -> Notice | None:
    """Of a plan that ends by itself or by its owner's wish."""
    subscription, name = bill.subscription, bill.plan.name
    if subscription is None or subscription.status == PAUSED:
        return None
    if subscription.cancel_at and subscription.source == Subscription.Source.STRIPE:
        words = f"{name} ends on {day(subscription.cancel_at)} and the free plan's limits begin. Until then nothing changes."
        if bill.seats.used > FREE_SEATS:
            words = f"{words} Free has {FREE_SEATS} seats and {bill.seats.used} are held: make the others viewers by then."
        return Notice("You cancelled", words, "Keep the plan", f"{PLAN}reactivate/")
    if subscription.status == TRYING and subscription.trial_end:
        words = f"You try {name} until {day(subscription.trial_end)}. To keep it, add a card by then; nothing is charged earlier."
        return Notice(f"Trial of {name}", words, "Add a card", PORTAL, is_post=True)
    return None


def _of_installation(bill: Bill) -> Notice | None:
    """That it takes no money."""
    if bill.can_pay:
        return None
    words = "Nobody is charged. Usage is counted all the same. Whoever runs Porchlight here can set it up: STRIPE_SECRET_KEY."
    return Notice("Payment is not set up on this installation", words)
