"""What customers used: the events of meters, kept by customer, meter and hour so that nothing looks through all of them.

    usage.total(state, meter_id, customer_id, start, end)     # of the events in [start, end), never below 0

The tables are the truth; this index is made from them again after a start.
"""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from billing.sandbox.state import Object, State

EVENT: Final = "_meter_event"
MEMORY: Final = "usage"
HOUR: Final = 3600


@dataclass(slots=True)
class Hour:
    """The events of one hour, and their sum."""

    sum: int = 0
    events: list[tuple[int, int, int]] = field(default_factory=list)  # second, order of arrival, value


@dataclass(slots=True)
class Index:
    """The index of a state. `taken` is how many events came so far."""

    identifiers: dict[str, Object] = field(default_factory=dict)
    meters: dict[str, str] = field(default_factory=dict)  # a meter's id by the name of its events
    hours: dict[tuple[str, str], dict[int, Hour]] = field(default_factory=dict)  # (meter, customer) -> hour -> its events
    taken: int = 0


def add(state: State, event: Object) -> None:
    """Keep an event. One with `rejected` does not count."""
    index = _index(state)
    state.put(EVENT, event)
    _take(state, index, event)


def cancel(state: State, event: Object) -> None:
    """An event does not count any more."""
    if event.get("rejected") or event.get("cancelled"):
        return
    index = _index(state)
    state.put(EVENT, event | {"cancelled": True})
    hour = index.hours[event["meter"], event["customer"]][event["timestamp"] // HOUR]
    value = _value(state, event)
    hour.events.remove(next(row for row in hour.events if row[0] == event["timestamp"] and row[2] == value))
    hour.sum -= value
    index.identifiers[event["identifier"]] = state.table(EVENT)[event["id"]]


def by_identifier(state: State, identifier: str) -> Object | None:
    """The last event that came with an identifier."""
    return _index(state).identifiers.get(identifier)


def meter_of(state: State, event_name: str) -> Object | None:
    """The meter of events of a name: the active one, else one that was."""
    meters = state.table("billing.meter")
    known = meters.get(_index(state).meters.get(event_name, ""))
    if known is None or known["status"] != "active":
        named = [meter for meter in meters.values() if meter["event_name"] == event_name]
        known = max(named, key=lambda meter: meter["status"] == "active", default=None)
        if known:
            _index(state).meters[event_name] = known["id"]
    return known


def count(state: State, meter_id: str, customer_id: str, start: int, end: int) -> int:
    """How many events count in [start, end)."""
    return len(_events(state, meter_id, customer_id, start, end))


def total(state: State, meter_id: str, customer_id: str, start: int, end: int) -> Decimal:
    """What the events in [start, end) come to by the meter's formula; never below 0."""
    formula = state.get("billing.meter", meter_id)["default_aggregation"]["formula"]
    if formula == "sum":
        return max(Decimal(_sum(state, meter_id, customer_id, start, end)), Decimal(0))
    events = _events(state, meter_id, customer_id, start, end)
    if formula == "count":
        return Decimal(len(events))
    return max(Decimal(max(events)[2]), Decimal(0)) if events else Decimal(0)


def _sum(state: State, meter_id: str, customer_id: str, start: int, end: int) -> int:
    """Whole hours by their sums, the two at the ends by their events."""
    result = 0
    for number, hour in _index(state).hours.get((meter_id, customer_id), {}).items():
        first = number * HOUR
        if start <= first and first + HOUR <= end:
            result += hour.sum
        elif first < end and start < first + HOUR:
            result += sum(value for second, _, value in hour.events if start <= second < end)
    return result


def _events(state: State, meter_id: str, customer_id: str, start: int, end: int) -> list[tuple[int, int, int]]:
    hours = _index(state).hours.get((meter_id, customer_id), {})
    wanted = (hour for number, hour in hours.items() if number * HOUR < end and start < (number + 1) * HOUR)
    return [event for hour in wanted for event in hour.events if start <= event[0] < end]


def _index(state: State) -> Index:
    index: Index | None = state.memory.get(MEMORY)
    if index is None:
        index = state.memory[MEMORY] = Index()
        for event in state.table(EVENT).values():
            _take(state, index, event)
    return index


def _take(state: State, index: Index, event: Object) -> None:
    index.identifiers[event["identifier"]] = event
    if event.get("rejected") or event.get("cancelled"):
        return
    index.taken += 1
    hours = index.hours.setdefault((event["meter"], event["customer"]), {})
    hour = hours.setdefault(event["timestamp"] // HOUR, Hour())
    value = _value(state, event)
    hour.events.append((event["timestamp"], index.taken, value))
    hour.sum += value


def _value(state: State, event: Object) -> int:
    counts = state.get("billing.meter", event["meter"])["default_aggregation"]["formula"] == "count"
    return 1 if counts else int(event["value"])
