"""The table of access: pure, one line for each case."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from billing.access import ALLOWED, LATEST, SEVERITY, Act, Facts, Reason, State, Step, allows, next_state

START = datetime(2027, 1, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)


def facts(after: timedelta = timedelta(0), **more: Any) -> Facts:
    """So long after START, when the payment failed if `owed_since` is not said otherwise."""
    return Facts(now=START + after, **more)


def owes(after: timedelta, **more: Any) -> Facts:
    return facts(after, owed_since=START, **{"status": "past_due", **more})


CASES: dict[str, tuple[Facts, str, str]] = {
    "nothing to say": (facts(), "ok", Reason.FINE),
    "a payment failed just now": (owes(0 * DAY), "grace", Reason.UNPAID),
    "a second before day 7": (owes(7 * DAY - SECOND), "grace", Reason.UNPAID),
    "day 7": (owes(7 * DAY), "restricted", Reason.UNPAID),
    "a second before day 21": (owes(21 * DAY - SECOND), "restricted", Reason.UNPAID),
    "day 21": (owes(21 * DAY), "suspended", Reason.UNPAID),
    "day 90, and nobody was told": (owes(90 * DAY), "suspended", Reason.UNPAID),
    "day 90, told just now": (owes(90 * DAY, warned_at=START + 90 * DAY), "suspended", Reason.UNPAID),
    "day 90, told a day before": (owes(90 * DAY, warned_at=START + 89 * DAY), "closed", Reason.UNPAID),
    "told, but not yet day 90": (owes(90 * DAY - SECOND, warned_at=START + 80 * DAY), "suspended", Reason.UNPAID),
    "Stripe gave up": (owes(1 * DAY, status="unpaid"), "restricted", Reason.UNPAID),
    "Stripe gave up, day 21": (owes(21 * DAY, status="unpaid"), "suspended", Reason.UNPAID),
    "paused with a debt": (owes(1 * DAY, status="paused"), "restricted", Reason.UNPAID),
    "paused with a debt, day 21": (owes(21 * DAY, status="paused"), "suspended", Reason.UNPAID),
    "cancelled with a debt": (owes(1 * DAY, status="canceled"), "suspended", Reason.CANCELED_UNPAID),
    "cancelled without one": (facts(1 * DAY, status="canceled"), "ok", Reason.FINE),
    "a trial without a card": (facts(status="paused", is_trial_over=True), "restricted", Reason.TRIAL_ENDED),
    "a trial without a card, long ago": (facts(400 * DAY, status="paused", is_trial_over=True), "restricted", Reason.TRIAL_ENDED),
    "paused": (facts(status="paused"), "restricted", Reason.PAUSED),
    "the spend cap": (facts(has_spent_cap=True), "restricted", Reason.SPEND_CAP),
    "a hard limit": (facts(is_over_plan=True), "restricted", Reason.PLAN_LIMIT),
    "more seats held than there are": (facts(lacks_seats=True), "restricted", Reason.SEATS),
    "that, and a hard limit": (facts(lacks_seats=True, is_over_plan=True), "restricted", Reason.PLAN_LIMIT),
    "that, and very late": (owes(22 * DAY, lacks_seats=True), "suspended", Reason.UNPAID),
    "late, and a hard limit": (owes(1 * DAY, is_over_plan=True), "restricted", Reason.PLAN_LIMIT),
    "very late, and a hard limit": (owes(22 * DAY, is_over_plan=True), "suspended", Reason.UNPAID),
    "staff": (facts(by_staff=True), "suspended", Reason.STAFF),
    "staff, and it owes": (owes(8 * DAY, by_staff=True), "suspended", Reason.STAFF),
    "its owner": (facts(by_owner=True), "closed", Reason.CLOSED),
    "held, and it owes": (owes(30 * DAY, exempt_until=START + 31 * DAY), "grace", Reason.UNPAID),
    "held, and Stripe gave up": (owes(30 * DAY, status="unpaid", exempt_until=START + 31 * DAY), "grace", Reason.UNPAID),
    "held, and paused": (facts(status="paused", exempt_until=START + DAY), "ok", Reason.FINE),
    "held, and a hard limit": (facts(is_over_plan=True, exempt_until=START + DAY), "restricted", Reason.PLAN_LIMIT),
    "the hold ends": (owes(31 * DAY, exempt_until=START + 31 * DAY), "restricted", Reason.UNPAID),
    "14 days after the hold": (owes(45 * DAY, exempt_until=START + 31 * DAY), "suspended", Reason.UNPAID),
    "a second before that": (owes(45 * DAY - SECOND, exempt_until=START + 31 * DAY), "restricted", Reason.UNPAID),
    "held for good, and it owes": (owes(30 * DAY, exempt_until=datetime.max.replace(tzinfo=UTC)), "grace", Reason.UNPAID),
    "a hold that ended in time": (owes(7 * DAY, exempt_until=START + 2 * DAY), "restricted", Reason.UNPAID),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("before", [State.OK, State.GRACE, State.RESTRICTED, State.SUSPENDED])
def test_the_state_follows_from_the_facts_wherever_one_comes_from(before: str, name: str) -> None:
    given, state, reason = CASES[name]
    verdict = next_state(before, given)
    assert (verdict.state, verdict.reason) == (state, reason)


def test_nothing_leads_out_of_closed() -> None:
    assert next_state(State.CLOSED, facts()).state == State.CLOSED


@pytest.mark.parametrize(
    ("given", "step"),
    [
        (owes(0 * DAY), Step(State.RESTRICTED, START + 7 * DAY)),
        (owes(8 * DAY), Step(State.SUSPENDED, START + 21 * DAY)),
        (owes(22 * DAY), Step(State.CLOSED, START + 90 * DAY)),
        (owes(90 * DAY), Step(State.CLOSED, START + 91 * DAY)),  # it must be told first
        (owes(3 * DAY, exempt_until=START + 31 * DAY), Step(State.RESTRICTED, START + 31 * DAY)),
        (owes(8 * DAY, exempt_until=datetime.max.replace(tzinfo=UTC)), Step(State.RESTRICTED, LATEST)),
        (facts(has_spent_cap=True, limit_ends=START + 9 * DAY), Step(State.OK, START + 9 * DAY)),
        (facts(status="paused", is_trial_over=True), None),
        (facts(), None),
    ],
)
def test_what_comes_next_has_its_date(given: Facts, step: Step | None) -> None:
    assert next_state(State.OK, given).next_step == step


@pytest.mark.parametrize("name", [name for name in CASES if "day 90" not in name])
def test_the_next_step_is_where_one_stands_at_its_moment(name: str) -> None:
    """What a tenant is told of the future comes true if nothing else happens."""
    given, *_ = CASES[name]
    verdict = next_state(State.OK, given)
    if verdict.next_step is None or verdict.next_step.state == State.CLOSED:
        return
    later = Facts(**{field: getattr(given, field) for field in Facts.__slots__} | {"now": verdict.next_step.at})
    assert SEVERITY[next_state(verdict.state, later).state] >= SEVERITY[verdict.next_step.state]


def test_what_visitors_do_is_stopped_by_suspension_alone() -> None:
    assert [state for state in ALLOWED if not allows(state, Act.VISIT)] == [State.SUSPENDED, State.CLOSED]


def test_paying_and_exporting_stay_open_as_long_as_there_is_a_tenant() -> None:
    for act in (Act.PAY, Act.EXPORT):
        assert [state for state in ALLOWED if not allows(state, act)] == [State.CLOSED]


def test_a_graver_state_allows_nothing_that_a_milder_one_refuses() -> None:
    for milder, graver in zip(list(ALLOWED)[:-1], list(ALLOWED)[1:], strict=True):
        assert ALLOWED[graver] <= ALLOWED[milder]


def test_a_restricted_tenant_answers_and_begins_nothing() -> None:
    refused = {act for act in Act if not allows(State.RESTRICTED, act)}
    assert refused == {Act.OPEN_ROOM, Act.INVITE, Act.MAKE_SITE, Act.API_WRITE}
