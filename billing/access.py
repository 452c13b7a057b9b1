"""What a tenant may do, and what moves it from one state to the next: two tables and one pure function.

`ok -> grace -> restricted -> suspended -> closed`. Money moves a tenant down by days, a limit that was reached only to
`restricted`. What visitors write is the last thing that is cut: only suspension stops it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

from billing.models import BillingAccount

State = BillingAccount.Access


class Act(StrEnum):
    """Something that a tenant does, by whomever of its people."""

    VISIT = "visit"  # what visitors do: come in, open rooms, write
    READ = "read"
    ANSWER = "answer"  # agents write in rooms that are there
    OPEN_ROOM = "open_room"  # the team makes a community or team room
    INVITE = "invite"  # one more member of the team
    MAKE_SITE = "make_site"
    API_WRITE = "api_write"  # a program changes something
    PAY = "pay"
    EXPORT = "export"


class Reason(StrEnum):
    """Why a tenant is in its state, as it is stored."""

    FINE = ""
    UNPAID = "unpaid"  # a payment failed, and is still owed
    CANCELED_UNPAID = "canceled_unpaid"  # the subscription ended, and money is still owed
    TRIAL_ENDED = "trial_ended"  # and no card was given
    PAUSED = "paused"  # by the tenant
    SPEND_CAP = "spend_cap"  # its own
    PLAN_LIMIT = "plan_limit"  # a hard one of its plan
    SEATS = "seats"  # more are held than there are, after a renewal with fewer or the fall to a smaller plan
    STAFF = "staff"
    CLOSED = "closed"  # by its owner


_LAST: Final = frozenset({Act.PAY, Act.EXPORT})
ALLOWED: Final[Mapping[str, frozenset[Act]]] = {
    State.OK: frozenset(Act),
    State.GRACE: frozenset(Act),
    State.RESTRICTED: _LAST | {Act.VISIT, Act.READ, Act.ANSWER},
    State.SUSPENDED: _LAST,
    State.CLOSED: frozenset(),
}
SEVERITY: Final[Mapping[str, int]] = {state: place for place, state in enumerate(ALLOWED)}
LONGEST_HOLD: Final = timedelta(days=2 * 366)  # of staff, and of a plan that they give
LATEST: Final = datetime(9000, 1, 1, tzinfo=UTC)  # that a hold is taken for: days are still added to it
NOTICES: Final = (30, 7, 1)  # days before a tenant's data is deleted on which it is told


def allows(state: str, act: Act) -> bool:
    """Whether a tenant in this state may do this."""
    return act in ALLOWED[state]


@dataclass(frozen=True, slots=True)
class Days:
    """Days without payment after which the next state begins."""

    grace: int = 7
    restricted: int = 21
    closed: int = 90


@dataclass(frozen=True, slots=True)
class Step:
    """What comes next if nobody does anything, and when."""

    state: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Facts:
    """What the state follows from. All of it was read under one lock."""

    now: datetime
    owed_since: datetime | None = None  # since when a failed payment is open
    status: str = ""  # Stripe's word for the subscription; empty without one that lives or is owed for
    is_trial_over: bool = False  # paused by Stripe, since no card was given
    has_spent_cap: bool = False
    is_over_plan: bool = False  # a hard limit of the plan
    lacks_seats: bool = False  # fewer than are held
    limit_ends: datetime | None = None  # when the period ends, and what was counted in it
    exempt_until: datetime | None = None
    by_staff: bool = False
    by_owner: bool = False  # its owner closed it
    warned_at: datetime | None = None  # of the deletion, for the last time
    days: Days = field(default_factory=Days)

    @property
    def held_until(self) -> datetime | None:
        """When staff's hold ends, as a moment that days can be added to."""
        return None if self.exempt_until is None else min(self.exempt_until, LATEST)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Where a tenant stands."""

    state: str
    reason: str = Reason.FINE
    next_step: Step | None = None


FINE: Final = Verdict(State.OK)


def next_state(state: str, facts: Facts) -> Verdict:
    """Where a tenant in this state stands by these facts: the gravest of its causes counts.

    While staff hold it, money restricts nothing. Nothing leads out of `closed`.
    """
    if state == State.CLOSED or facts.by_owner:
        return Verdict(State.CLOSED, Reason.CLOSED if facts.by_owner else Reason.UNPAID)
    if facts.by_staff:
        return Verdict(State.SUSPENDED, Reason.STAFF)
    return max((_held(facts), *_limits(facts)), key=lambda verdict: SEVERITY[verdict.state])


def _held(facts: Facts) -> Verdict:
    """What money says; at most `grace` until the hold ends."""
    found = _money(facts)
    until = facts.held_until
    if until is None or until <= facts.now or SEVERITY[found.state] <= SEVERITY[State.GRACE]:
        return found
    held = State.OK if facts.owed_since is None else State.GRACE
    return Verdict(held, found.reason if held == State.GRACE else Reason.FINE, Step(found.state, until))


def _money(facts: Facts) -> Verdict:
    if facts.owed_since is not None:
        return _unpaid(facts, facts.owed_since)
    if facts.status == "paused":
        return Verdict(State.RESTRICTED, Reason.TRIAL_ENDED if facts.is_trial_over else Reason.PAUSED)
    return FINE


def _unpaid(facts: Facts, since: datetime) -> Verdict:
    """By days; an unpaid subscription is not waited for, nor one that rests, and one that was canceled even less."""
    days = facts.days
    steps = [Step(State.GRACE, since), Step(State.RESTRICTED, _after(facts, since, days.grace))]
    steps += [Step(State.SUSPENDED, _after(facts, since, days.restricted)), Step(State.CLOSED, _closing(facts, since))]
    reached = [step.state for step in steps if step.at <= facts.now]
    state, reason = (reached[-1] if reached else State.GRACE), Reason.UNPAID
    if facts.status in {"unpaid", "paused"}:
        state = _graver(state, State.RESTRICTED)
    if facts.status == "canceled":
        state, reason = _graver(state, State.SUSPENDED), Reason.CANCELED_UNPAID
    return Verdict(state, reason, next((step for step in steps if SEVERITY[step.state] > SEVERITY[state]), None))


def _after(facts: Facts, since: datetime, day: int) -> datetime:
    """The moment of a step. Days that staff held the tenant do not count: the steps follow in their distance from its end."""
    at, held = since + timedelta(days=day), facts.held_until
    return max(at, held + timedelta(days=day - facts.days.grace)) if held else at


def _closing(facts: Facts, since: datetime) -> datetime:
    """Nothing is deleted before the last notice of it is a day old."""
    at = _after(facts, since, facts.days.closed)
    earliest = (facts.warned_at or facts.now) + timedelta(days=NOTICES[-1])
    return max(at, earliest)


def _limits(facts: Facts) -> Iterator[Verdict]:
    step = Step(State.OK, facts.limit_ends) if facts.limit_ends else None
    if facts.has_spent_cap:
        yield Verdict(State.RESTRICTED, Reason.SPEND_CAP, step)
    if facts.is_over_plan:
        yield Verdict(State.RESTRICTED, Reason.PLAN_LIMIT, step)
    if facts.lacks_seats:
        yield Verdict(State.RESTRICTED, Reason.SEATS)


def _graver(one: str, other: str) -> str:
    return max(one, other, key=lambda state: SEVERITY[state])
