"""Moving the clock, and doing what falls due on the way, in the order of time."""

from typing import Final

from billing.sandbox.errors import invalid
from billing.sandbox.routes import SOURCES, Act
from billing.sandbox.state import State

FARTHEST: Final = 10 * 366 * 86_400  # seconds in one move
STUCK: Final = 100_000  # acts at one second: a source that never gets rid of its act


def move(state: State, to: int) -> None:
    """Move the clock forward to a second; everything due until then is done at its own second first.

    Raises `Refusal` for a second in the past or more than ten years away.
    """
    now = state.now()
    if not now <= to <= now + FARTHEST:
        raise invalid(f"Invalid time: {to}. The clock shows {now} and moves forward, by ten years at most.", "to")
    run_due(state, to)
    state.move_to(to)


def run_due(state: State, until: int) -> int:
    """Do what is due at or before a second; how many things that was."""
    done, at, times = 0, 0, 0
    while (soonest := _soonest(state)) and soonest[0] <= until:
        when, act = soonest
        at, times = when, times + 1 if when == at else 1
        if times > STUCK:
            raise RuntimeError(f"{act} is due at {when} again and again.")
        with state.standing(when):
            act(state)
        done += 1
    return done


def next_due(state: State) -> int | None:
    """The second of the next thing that falls due, or None."""
    soonest = _soonest(state)
    return soonest[0] if soonest else None


def _soonest(state: State) -> tuple[int, Act] | None:
    found = [due for source in SOURCES if (due := source(state))]
    return min(found, key=lambda item: item[0]) if found else None
