"""What people are told of limits and access: the same words in mails, on the billing page and in refusals.

Each says which limit, how much is used, and the way out.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from billing.access import Act, Reason, State, Step
from billing.models import Meter
from billing.money import text
from billing.plans import METER_NAMES
from billing.selectors.limits import Limits

BILLING: Final = "/billing/"
PLANS: Final = "/billing/plans/"
SETTINGS: Final = "/billing/settings/"
INVOICES: Final = "/billing/invoices/"
SEATS: Final = "/billing/seats/"

REFUSED: Final = {
    Act.ANSWER: "Your message was not sent.",
    Act.OPEN_ROOM: "No new room was made.",
    Act.INVITE: "Nobody was invited.",
    Act.MAKE_SITE: "No site was made.",
    Act.API_WRITE: "Nothing was changed over the API.",
}
WHAT_STOPS: Final = (
    "Your team can read and answer, and visitors can write. New rooms, new members, new sites and changes over the API wait."
)
SHUT: Final = "Your inbox is closed and your chat says that it is unavailable. Billing and the export of your data stay open."


@dataclass(frozen=True, slots=True)
class Told:
    """What is said of a state, and the page on which it can be put right."""

    title: str
    text: str
    label: str
    path: str


def of_state(state: str, reason: str, step: Step | None, limits: Limits | None = None) -> Told:
    """A tenant's state, for its banner and its mails. With `limits` the numbers are named."""
    if state == State.OK:
        return Told("Everything is open", "Nothing is restricted any more.", "Billing", BILLING)
    title, means, out, label, path = _state_words(state, reason, limits)
    return Told(title, " ".join(filter(None, (means, _comes(step, reason), out))), label, path)


def refusal(act: Act, reason: str, limits: Limits | None, currency: str = "usd") -> str:
    """The sentence of a refusal: what did not happen, which limit, how much is used, the way out."""
    return f"{REFUSED.get(act, 'This was not done.')} {cause(reason, limits, currency)} {_way_out(reason, limits)[0]}"


def cause(reason: str, limits: Limits | None, currency: str = "usd") -> str:
    """Which limit stands in the way, and how much is used of it."""
    if reason == Reason.PLAN_LIMIT and limits is not None:
        return " ".join(used_of(limits, meter) for meter in sorted(limits.over or {Meter.MESSAGE}))
    if reason == Reason.SPEND_CAP and limits is not None and limits.spend_cap is not None:
        cap, spent = text(limits.spend_cap, currency), text(limits.spend, currency)
        return f"Your spend cap is {cap} for each period, and {spent} is used."
    if reason == Reason.SEATS and limits is not None:
        return f"{limits.plan.name} has {seats_of(limits.seats)} here and {limits.seats_held:,} are held."
    said = CAUSES.get(reason, "The tenant's billing stands in the way.")
    if limits is not None and limits.is_resting:
        return " ".join((said, *(used_of(limits, meter) for meter in sorted(limits.over))))
    return said


def used_of(limits: Limits, meter: Meter, counted: Mapping[Meter, int] | None = None) -> str:
    """How much of an allowance is used, for people. Storage is counted in MB-days: so many MB, held for a day each."""
    most, found = limits.plan.meters[meter].included, (limits.used if counted is None else counted).get(meter, 0)
    unit = f"MB-days of {METER_NAMES[meter]}" if meter == Meter.STORAGE else METER_NAMES[meter]
    if limits.is_resting:
        return f"While {limits.plan.name} rests, {most:,} {unit} a month are included as on Free, and {found:,} are used."
    return f"The plan {limits.plan.name} includes {most:,} {unit} a month, and {found:,} are used."


def seats_of(number: int) -> str:
    """So many seats, for people."""
    return "1 seat" if number == 1 else f"{number:,} seats"


def day(moment: datetime) -> str:
    """A day as people write it, in UTC: 5 January 2027."""
    return f"{moment.day} {moment:%B %Y}"


CAUSES: Final[Mapping[str, str]] = {
    Reason.UNPAID: "A payment failed, and the invoice is still open.",
    Reason.CANCELED_UNPAID: "The subscription has ended with an open invoice.",
    Reason.TRIAL_ENDED: "The trial has ended, and no card was given. Until you go on, you have what Free includes.",
    Reason.PAUSED: "The subscription is paused. Until you go on, you have what Free includes.",
    Reason.SEATS: "More people hold a seat than there are seats.",
    Reason.STAFF: "Porchlight's staff have suspended this tenant.",
    Reason.CLOSED: "This tenant is closed.",
}
_TITLES: Final[Mapping[str, str]] = {
    State.GRACE: "Your payment failed",
    State.RESTRICTED: "Some things wait",
    State.SUSPENDED: "Your tenant is suspended",
    State.CLOSED: "Your tenant is closed",
}
_MEANS: Final[Mapping[str, str]] = {
    State.GRACE: "Everything goes on for now.",
    State.RESTRICTED: WHAT_STOPS,
    State.SUSPENDED: SHUT,
    State.CLOSED: "Its data is deleted. Your invoices stay with us, as the law asks.",
}
_STEPS: Final[Mapping[str, str]] = {
    State.RESTRICTED: "From {day} on new rooms, members and sites wait",
    State.SUSPENDED: "On {day} the inbox and the chat close",
    State.CLOSED: "On {day} all data is deleted",
    State.OK: "On {day} a new period begins and everything opens",
}


def _state_words(state: str, reason: str, limits: Limits | None) -> tuple[str, str, str, str, str]:
    out, label, path = _way_out(reason, limits)
    means = _MEANS[state]
    means = means.replace("can read and answer", "can read") if _stops_answers(reason, limits) else means
    return _TITLES[state], f"{cause(reason, limits)} {means}", "" if state == State.CLOSED else out, label, path


def _stops_answers(reason: str, limits: Limits | None) -> bool:
    return reason == Reason.SPEND_CAP or (limits is not None and Meter.MESSAGE in limits.over)


def _comes(step: Step | None, reason: str) -> str:
    if step is None or step.state not in _STEPS:
        return ""
    waits = "" if step.state == State.OK or reason in {Reason.PAUSED} else ", unless it is paid before"
    return f"{_STEPS[step.state].format(day=day(step.at))}{waits}."


def _way_out(reason: str, limits: Limits | None = None) -> tuple[str, str, str]:
    """In words, and as a link: what it is called and where it leads. What a resting plan refuses opens by going on with it."""
    is_resting = reason == Reason.PLAN_LIMIT and limits is not None and limits.is_resting
    match Reason.PAUSED if is_resting else reason:
        case Reason.PLAN_LIMIT:
            return "An owner or admin can choose a larger plan under Billing, Plans.", "Choose a plan", PLANS
        case Reason.SEATS:
            viewer = "make them a viewer, which needs no seat"
            words = f"An owner or admin can take somebody out, {viewer}, or get more seats under Billing."
            return f"{words} Then everything opens within a minute.", "See the seats", SEATS
        case Reason.SPEND_CAP:
            return "An owner or admin can raise the cap under Billing, Settings.", "Raise the cap", SETTINGS
        case Reason.TRIAL_ENDED | Reason.PAUSED:
            return "An owner or admin can go on under Billing, Plans.", "Go on", PLANS
        case Reason.STAFF:
            return "Write to us, and we will look at it together.", "Billing", BILLING
        case _:
            return "An owner or admin can pay it under Billing, Invoices.", "Pay", INVOICES
