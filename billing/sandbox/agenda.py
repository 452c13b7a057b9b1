"""What falls due next among subscriptions, invoices, schedules and checkout sessions, without looking at all of them.

Whoever changes one of these keeps it with `keep`, which notes its next second; an entry that no longer holds is dropped when it
comes up. `changing` keeps, and tells of the difference.
"""

import heapq
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from billing.sandbox.periods import DAY
from billing.sandbox.state import Object, State

MEMORY: Final = "agenda"
NOTICE: Final = "_trial_notice"  # one for each trial whose end was not announced yet
RUNNING: Final = frozenset({"active", "past_due", "unpaid", "trialing"})
FIRST_PAYMENT: Final = 23 * 3600  # seconds that an incomplete subscription waits for its first payment
ANNOUNCED: Final = 3 * DAY  # before its end, a trial is announced to end


@dataclass(slots=True)
class Agenda:
    """A heap of (second, rank, kind, id); `noted` has each object's last entry, so that none is noted twice."""

    heap: list[tuple[int, int, str, str]] = field(default_factory=list)
    noted: dict[tuple[str, str], int] = field(default_factory=dict)


def keep(state: State, obj: Object) -> Object:
    """Store an object, and note when it is due; returns it."""
    kind = str(obj["object"])
    state.put(kind, obj)
    _note(_agenda(state), state, kind, obj)
    return obj


@contextmanager
def changing(state: State, obj: Object, event: str) -> Iterator[Object]:
    """Keep what the block does to an object, and emit the event with what it was before; nothing, if it stays the same."""
    before = _copied(obj)
    yield obj
    keep(state, obj)
    previous = {name: before.get(name) for name in obj.keys() | before.keys() if before.get(name) != obj.get(name)}
    if previous:
        state.emit(event, obj, previous)


def announce_trial(state: State, subscription: Object) -> None:
    """Note that the end of a trial is to be announced three days before it."""
    notice = {"id": subscription["id"], "object": NOTICE, "at": subscription["trial_end"] - ANNOUNCED}
    keep(state, notice)


def soonest(state: State) -> tuple[int, str, str] | None:
    """(second, kind, id) of what falls due first, or None."""
    agenda = _agenda(state)
    while agenda.heap:
        when, _, kind, id = agenda.heap[0]
        obj = state.table(kind).get(id)
        if obj is not None and due_at(obj) == when:
            return when, kind, id
        heapq.heappop(agenda.heap)
        if agenda.noted.get((kind, id)) == when:
            del agenda.noted[kind, id]
    return None


def due_at(obj: Object) -> int | None:
    """The second at which something happens to an object by itself."""
    rule = RULES.get(str(obj["object"]))
    return rule(obj) if rule else None


def _subscription(sub: Object) -> int | None:
    if sub["status"] == "incomplete":
        return int(sub["created"]) + FIRST_PAYMENT
    if sub["status"] not in RUNNING:
        return None
    ends = [item["current_period_end"] for item in sub["items"]["data"]]
    ends += [sub.get("cancel_at"), (sub.get("pause_collection") or {}).get("resumes_at")]
    ends += [sub["trial_end"]] if sub["status"] == "trialing" else []
    return min((end for end in ends if end is not None), default=None)


def _invoice(invoice: Object) -> int | None:
    if not invoice.get("auto_advance"):
        return None
    when = {"draft": "automatically_finalizes_at", "open": "next_payment_attempt"}.get(invoice["status"])
    return invoice.get(when) if when else None


def _schedule(schedule: Object) -> int | None:
    if schedule["status"] == "not_started":
        return int(schedule["phases"][0]["start_date"])
    return int(schedule["current_phase"]["end_date"]) if schedule["status"] == "active" else None


def _session(session: Object) -> int | None:
    return int(session["expires_at"]) if session["status"] == "open" else None


def _notice(notice: Object) -> int | None:
    return int(notice["at"])


RULES: Final[dict[str, Callable[[Object], int | None]]] = {  # in the order of one second
    "subscription": _subscription,
    "subscription_schedule": _schedule,
    "invoice": _invoice,
    "checkout.session": _session,
    NOTICE: _notice,
}
RANKS: Final = {kind: rank for rank, kind in enumerate(RULES)}


def _copied(value: Any) -> Any:
    """A copy of plain data, faster than `deepcopy`."""
    if isinstance(value, dict):
        return {name: _copied(item) for name, item in value.items()}
    return [_copied(item) for item in value] if isinstance(value, list) else value


def _agenda(state: State) -> Agenda:
    agenda: Agenda | None = state.memory.get(MEMORY)
    if agenda is None:
        agenda = state.memory[MEMORY] = Agenda()
        for kind in RULES:
            for obj in state.table(kind).values():
                _note(agenda, state, kind, obj)
    return agenda


def _note(agenda: Agenda, state: State, kind: str, obj: Object) -> None:
    when = due_at(obj)
    if when is None or agenda.noted.get((kind, obj["id"])) == when:
        return
    agenda.noted[kind, obj["id"]] = when
    heapq.heappush(agenda.heap, (when, RANKS[kind], kind, obj["id"]))
