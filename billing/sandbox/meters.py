"""Meters and their events: what is accepted, what is refused at once, and what is only reported later."""

import re
from datetime import datetime
from typing import Any, Final

from billing.sandbox import shapes, usage, values
from billing.sandbox.errors import Refusal, invalid
from billing.sandbox.routes import exclusive, route
from billing.sandbox.state import Object, State, paged

KIND: Final = "billing.meter"
BACK: Final = 35 * 86_400  # seconds that an event may be old
AHEAD: Final = 300  # seconds that it may be early
WINDOW: Final = 86_400  # seconds in which an identifier is refused a second time, and in which an event can be cancelled
IDENTIFIER: Final = 100  # characters
DIGITS: Final = 15  # of a value
VALUE: Final = re.compile(r"-?\d+")
STEPS: Final = {None: 60, "hour": 3600, "day": 86_400}  # to which the bounds of summaries are aligned, by window


@route("POST", "/v1/billing/meters")
def create(state: State, params: dict[str, Any]) -> Object:
    name = params["event_name"]
    if any(meter["event_name"] == name and meter["status"] == "active" for meter in state.table(KIND).values()):
        raise invalid(f"There is already an active meter for the event name {name}.", "event_name")
    meter = values.new(state, KIND, "mtr")
    meter |= {
        "customer_mapping": params.get("customer_mapping", {"event_payload_key": "stripe_customer_id", "type": "by_id"}),
        "default_aggregation": params["default_aggregation"],
        "display_name": params["display_name"],
        "event_name": name,
        "event_time_window": params.get("event_time_window"),
        "status": "active",
        "status_transitions": {"deactivated_at": None},
        "updated": state.now(),
        "value_settings": params.get("value_settings", {"event_payload_key": "value"}),
    }
    state.put(KIND, meter)
    state.emit("billing.meter.created", meter)
    return meter


@route("GET", "/v1/billing/meters")
def list_all(state: State, params: dict[str, Any]) -> Object:
    return state.list(KIND, params, lambda meter: params.get("status", meter["status"]) == meter["status"])


@route("GET", "/v1/billing/meters/{id}")
def retrieve(state: State, params: dict[str, Any], meter_id: str) -> Object:
    return state.get(KIND, meter_id)


@route("POST", "/v1/billing/meters/{id}")
def update(state: State, params: dict[str, Any], meter_id: str) -> Object:
    return _change(state, meter_id, values.given(params, ("display_name",)), "updated")


@route("POST", "/v1/billing/meters/{id}/deactivate")
def deactivate(state: State, params: dict[str, Any], meter_id: str) -> Object:
    transitions = {"deactivated_at": state.now()}
    return _change(state, meter_id, {"status": "inactive", "status_transitions": transitions}, "deactivated")


@route("POST", "/v1/billing/meters/{id}/reactivate")
def reactivate(state: State, params: dict[str, Any], meter_id: str) -> Object:
    transitions = {"deactivated_at": None}
    return _change(state, meter_id, {"status": "active", "status_transitions": transitions}, "reactivated")


def _change(state: State, meter_id: str, changes: Object, what: str) -> Object:
    changes["updated"] = state.now()
    return values.change(state, state.get(KIND, meter_id), changes, f"billing.meter.{what}")


# --- events


@exclusive("POST", "/v1/billing/meter_events")
def lock_of(params: dict[str, Any]) -> Any:
    """One call at a time for a customer and a meter."""
    return params["event_name"], params["payload"].get("stripe_customer_id")


@route("POST", "/v1/billing/meter_events")
def record(state: State, params: dict[str, Any]) -> Object:
    at = params.get("timestamp", state.now())
    event = _recorded(state, params, at)
    return {
        "object": "billing.meter_event",
        "created": state.now(),
        "event_name": event["event_name"],
        "identifier": event["identifier"],
        "livemode": False,
        "payload": params["payload"],
        "timestamp": at,
    }


@route("POST", "/v2/billing/meter_events")
def record_v2(state: State, params: dict[str, Any]) -> Object:
    at = _second(params["timestamp"]) if "timestamp" in params else state.now()
    event = _recorded(state, params, at)
    return {
        "object": "v2.billing.meter_event",
        "created": shapes.instant(state.now()),
        "event_name": event["event_name"],
        "identifier": event["identifier"],
        "livemode": False,
        "payload": params["payload"],
        "timestamp": shapes.instant(at),
    }


def _recorded(state: State, params: dict[str, Any], at: int) -> Object:
    """Take an event that is sound in itself; whether it can be billed is found out afterwards."""
    name, payload = params["event_name"], params["payload"]
    identifier = params.get("identifier") or state.new_id("idmp")
    meter = usage.meter_of(state, name)
    if meter is None:
        raise Refusal(400, "resource_missing", f"No active meter found for event_name {name}.", "event_name")
    _must_be_in_time(state, at)
    _must_be_new(state, identifier)
    event = {"id": state.new_id("mev"), "event_name": name, "identifier": identifier, "meter": meter["id"], "timestamp": at}
    event |= {"received": state.now(), "customer": payload.get(meter["customer_mapping"]["event_payload_key"])}
    event["value"] = payload.get(meter["value_settings"]["event_payload_key"])
    if complaint := _complaint(state, meter, event):
        event["rejected"] = complaint[0]
        _report(state, meter, *complaint)
    usage.add(state, event)
    return event


def _must_be_in_time(state: State, at: int) -> None:
    now = state.now()
    if at < now - BACK:
        message = f"The timestamp {at} is too far in the past. It must be within the past 35 calendar days."
        raise Refusal(400, "timestamp_too_far_in_past", message, "timestamp")
    if at > now + AHEAD:
        message = f"The timestamp {at} is too far in the future. It must be at most 5 minutes ahead."
        raise Refusal(400, "timestamp_in_future", message, "timestamp")


def _must_be_new(state: State, identifier: str) -> None:
    if len(identifier) > IDENTIFIER:
        raise invalid(f"The identifier has {len(identifier)} characters; {IDENTIFIER} are allowed.", "identifier")
    known = usage.by_identifier(state, identifier)
    if known and known["received"] > state.now() - WINDOW:
        message = f"An event already exists with identifier {identifier}."
        raise Refusal(400, None, message, headers={"stripe-should-retry": "false"})


def _complaint(state: State, meter: Object, event: Object) -> tuple[str, str] | None:
    """Why an accepted event will not count: a code and a sentence."""
    customer, value = event["customer"], event["value"]
    if meter["status"] != "active":
        return "archived_meter", f"The meter {meter['id']} is archived."
    if not customer:
        return "meter_event_no_customer_defined", "The event names no customer."
    if customer not in state.table("customer"):
        return "meter_event_customer_not_found", f"No such customer: '{customer}'"
    if meter["default_aggregation"]["formula"] == "count":
        return None
    if value is None or not VALUE.fullmatch(value):
        return "meter_event_invalid_value", f"Invalid value: {value!r}. It must be a whole number."
    if len(value.lstrip("-")) > DIGITS:
        return "meter_event_value_too_many_digits", f"Invalid value: {value!r}. It has more than {DIGITS} digits."
    return None


def _report(state: State, meter: Object, code: str, message: str) -> None:
    sample = {"error_message": message, "request": {"identifier": state.request[1] or ""}}
    error_type = {"code": code, "error_count": 1, "sample_errors": [sample]}
    window = state.now() // 10 * 10
    data = {
        "developer_message_summary": f"There is 1 invalid event for the meter {meter['id']}.",
        "reason": {"error_count": 1, "error_types": [error_type]},
        "validation_start": shapes.instant(window),
        "validation_end": shapes.instant(window + 10),
    }
    related = {"id": meter["id"], "type": KIND, "url": f"/v1/billing/meters/{meter['id']}"}
    state.emit_thin("v1.billing.meter.error_report_triggered", related, data)


@route("POST", "/v1/billing/meter_event_adjustments")
def adjust(state: State, params: dict[str, Any]) -> Object:
    """Cancel an event. 400 after a day, or if there is no such event."""
    identifier = params.get("cancel", {}).get("identifier", "")
    event = usage.by_identifier(state, identifier)
    if event is None or event["event_name"] != params["event_name"]:
        raise invalid(f"No event was found with the identifier {identifier!r}.", "cancel[identifier]", "resource_missing")
    if event["received"] <= state.now() - WINDOW:
        raise invalid(
            f"The event {identifier!r} was received more than 24 hours ago, and cannot be cancelled.", "cancel[identifier]"
        )
    usage.cancel(state, event)
    return {
        "object": "billing.meter_event_adjustment",
        "cancel": {"identifier": identifier},
        "event_name": params["event_name"],
        "livemode": False,
        "status": "pending",
        "type": params["type"],
    }


@route("GET", "/v1/billing/meters/{id}/event_summaries")
def summaries(state: State, params: dict[str, Any], meter_id: str) -> Object:
    """Newest first: one summary per hour or day with events, or one of all of it."""
    meter = state.get(KIND, meter_id)
    start, end, window = params["start_time"], params["end_time"], params.get("value_grouping_window")
    step = STEPS[window]
    for name, at in (("start_time", start), ("end_time", end)):
        if at % step:
            raise invalid(f"Invalid {name}: {at}. It must be aligned to {step} seconds.", name)
    if end <= start:
        raise invalid(f"Invalid end_time: {end}. It must be after start_time, {start}.", "end_time")
    bounds = [(start, end)] if window is None else [(at, at + step) for at in range(start, end, step)]
    rows = [_summary(state, meter, params["customer"], *bound) for bound in reversed(bounds)]
    return paged([row for row in rows if row], params)


def _summary(state: State, meter: Object, customer_id: str, start: int, end: int) -> Object | None:
    if not usage.count(state, meter["id"], customer_id, start, end):
        return None
    value = usage.total(state, meter["id"], customer_id, start, end)
    return {
        "id": f"mtrusg_{customer_id[4:]}_{meter['id'][4:]}_{start}_{end}",
        "object": "billing.meter_event_summary",
        "aggregated_value": int(value) if value == int(value) else float(value),
        "end_time": end,
        "livemode": False,
        "meter": meter["id"],
        "start_time": start,
    }


def _second(text: str) -> int:
    try:
        return int(datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp())
    except ValueError as error:
        raise invalid(f"Invalid timestamp: {text!r}. It is written as 2026-01-31T12:00:00Z.", "timestamp") from error
