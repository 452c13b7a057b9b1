"""Schedules: what a subscription will be later, phase by phase; so a plan goes down at the end of a period."""

from typing import Any, Final

from billing.sandbox import items, renewal, starting, subscriptions, values
from billing.sandbox.agenda import changing, keep
from billing.sandbox.errors import invalid
from billing.sandbox.periods import Interval, bound
from billing.sandbox.routes import route
from billing.sandbox.state import Object, State

KIND: Final = "subscription_schedule"
EVENT: Final = "subscription_schedule.updated"
PHASE: Final = frozenset(
    {"items", "start_date", "end_date", "duration", "proration_behavior", "billing_cycle_anchor", "currency", "metadata"}
)
LIVING: Final = frozenset({"active", "not_started"})
SETTINGS: Final = {
    "billing_cycle_anchor": "automatic",
    "collection_method": "charge_automatically",
    "invoice_settings": {"issuer": {"type": "self"}},
}


@route("POST", "/v1/subscription_schedules")
def create(state: State, params: dict[str, Any]) -> Object:
    """From a subscription that runs, or for one that begins with the first phase."""
    if "from_subscription" in params:
        return _from_subscription(state, params)
    state.get("customer", params.get("customer", ""), "customer")
    start = _second(state, params.get("start_date", "now"))
    schedule = _blank(state, params, params["customer"])
    schedule["phases"] = _phases(state, params.get("phases") or [], start)
    state.emit("subscription_schedule.created", keep(state, schedule))
    if start <= state.now():
        run(state, schedule)
    return schedule


@route("GET", "/v1/subscription_schedules/{id}")
def retrieve(state: State, params: dict[str, Any], schedule_id: str) -> Object:
    return state.get(KIND, schedule_id)


@route("GET", "/v1/subscription_schedules")
def list_all(state: State, params: dict[str, Any]) -> Object:
    return state.list(KIND, params, lambda row: params.get("customer", row["customer"]) == row["customer"])


@route("POST", "/v1/subscription_schedules/{id}")
def update(state: State, params: dict[str, Any], schedule_id: str) -> Object:
    """All phases from the current one on are given anew."""
    schedule = _living(state, schedule_id)
    with changing(state, schedule, EVENT):
        if "phases" in params:
            _replace_phases(state, schedule, params["phases"])
        schedule |= values.given(params, ("end_behavior",))
        if "metadata" in params:
            schedule["metadata"] = values.metadata(schedule["metadata"], params["metadata"])
    return schedule


@route("POST", "/v1/subscription_schedules/{id}/release")
def release(state: State, params: dict[str, Any], schedule_id: str) -> Object:
    """The subscription goes on as it is, and later phases never come."""
    schedule = _living(state, schedule_id)
    _release(state, schedule)
    return schedule


@route("POST", "/v1/subscription_schedules/{id}/cancel")
def cancel(state: State, params: dict[str, Any], schedule_id: str) -> Object:
    """The subscription ends with it."""
    schedule = _living(state, schedule_id)
    sub = state.table(subscriptions.KIND).get(schedule["subscription"] or "")
    if sub:
        subscriptions.cancel(state, {"invoice_now": params.get("invoice_now", True)}, sub["id"])
    if schedule["status"] in LIVING:
        with changing(state, schedule, EVENT):
            schedule |= {"status": "canceled", "canceled_at": state.now(), "current_phase": None}
        state.emit("subscription_schedule.canceled", schedule)
    return schedule


def run(state: State, schedule: Object) -> None:
    """Do what is due of a schedule at this second: begin the subscription, or its next phase."""
    if schedule["status"] == "not_started":
        _start(state, schedule)
    else:
        begin_phase(state, state.get(subscriptions.KIND, schedule["subscription"]))


def begin_phase(state: State, sub: Object) -> bool:
    """Begin the next phase of a subscription's schedule, if it is time; whether that renewed the subscription."""
    schedule = state.table(KIND).get(sub.get("schedule") or "")
    if not schedule or schedule["status"] != "active" or schedule["current_phase"]["end_date"] > state.now():
        return False
    following = [phase for phase in schedule["phases"] if phase["start_date"] >= schedule["current_phase"]["end_date"]]
    if not following:
        return _finish(state, schedule, sub)
    with changing(state, schedule, EVENT):
        schedule["current_phase"] = _bounds(following[0])
    return _enter(state, sub, following[0])


def _enter(state: State, sub: Object, phase: Object) -> bool:
    """Bring a phase's items: with the renewal, if all that changes has its period's end now; else as an update."""
    now = state.now()
    after = items.of_phase(state, sub, phase, now)
    if phase["billing_cycle_anchor"] != "phase_start" and _ends_now(sub, after, now):
        renewal.renew(state, sub, after)
        return True
    changes: dict[str, Any] = {"items": _difference(sub, phase), "proration_behavior": phase["proration_behavior"]}
    if phase["billing_cycle_anchor"] == "phase_start":
        changes["billing_cycle_anchor"] = {"type": "now"}
    subscriptions.update(state, changes, sub["id"])
    return bool(phase["billing_cycle_anchor"] == "phase_start")


def _ends_now(sub: Object, after: list[Object], now: int) -> bool:
    same = {item["id"]: item for item in after}
    changed = [item for item in items.of(sub) if item["id"] not in same or items.differs(item, same[item["id"]])]
    return all(item["current_period_end"] <= now for item in changed)


def _difference(sub: Object, phase: Object) -> list[Object]:
    """A phase's items as the parameters of an update."""
    wanted = {spec["price"]: spec for spec in phase["items"]}
    held = {item["price"]["id"]: item for item in items.of(sub)}
    gone: list[Object] = [{"id": item["id"], "deleted": True} for name, item in held.items() if name not in wanted]
    return [_spec(spec, held.get(name)) for name, spec in wanted.items()] + gone


def _spec(spec: Object, held: Object | None) -> Object:
    quantity = {"quantity": spec["quantity"]} if spec.get("quantity") is not None else {}
    return ({"id": held["id"]} if held else {"price": spec["price"]}) | quantity


def _finish(state: State, schedule: Object, sub: Object) -> bool:
    if schedule["end_behavior"] == "cancel":
        with changing(state, schedule, EVENT):
            schedule |= {"status": "completed", "completed_at": state.now(), "current_phase": None}
        state.emit("subscription_schedule.completed", schedule)
        renewal.end(state, sub)
        return True
    _release(state, schedule)
    return False


def _release(state: State, schedule: Object) -> None:
    with changing(state, schedule, EVENT):
        schedule |= {"status": "released", "released_at": state.now(), "current_phase": None}
        schedule |= {"released_subscription": schedule["subscription"], "subscription": None}
    state.emit("subscription_schedule.released", schedule)
    sub = state.table(subscriptions.KIND).get(schedule["released_subscription"] or "")
    if sub:
        with changing(state, sub, subscriptions.EVENT):
            sub["schedule"] = None


def _start(state: State, schedule: Object) -> None:
    phase = schedule["phases"][0]
    asked = {
        "customer": schedule["customer"],
        "items": [_spec(spec, None) for spec in phase["items"]],
        "metadata": phase["metadata"],
    }
    sub, found = starting.build(state, asked)
    sub["schedule"] = schedule["id"]
    starting.begin(state, sub, found)
    with changing(state, schedule, EVENT):
        schedule |= {"status": "active", "subscription": sub["id"], "current_phase": _bounds(phase)}


def _from_subscription(state: State, params: dict[str, Any]) -> Object:
    if "phases" in params:
        raise invalid("You cannot set `phases` if `from_subscription` is set.", "phases")
    sub = state.get(subscriptions.KIND, params["from_subscription"], "from_subscription")
    if sub.get("schedule"):
        raise invalid(
            f"You cannot migrate a subscription that is already attached to a schedule: {sub['schedule']}", "from_subscription"
        )
    schedule = _blank(state, params, sub["customer"])
    specs = [{"price": item["price"]["id"], "quantity": item.get("quantity")} for item in items.of(sub)]
    start = min(item["current_period_start"] for item in items.of(sub))
    end = max(item["current_period_end"] for item in items.of(sub))
    schedule["phases"] = [_phase(state, {"items": specs, "metadata": sub["metadata"]}, start, end)]
    schedule |= {"status": "active", "subscription": sub["id"], "current_phase": {"start_date": start, "end_date": end}}
    state.emit("subscription_schedule.created", keep(state, schedule))
    with changing(state, sub, subscriptions.EVENT):
        sub["schedule"] = schedule["id"]
    return schedule


def _replace_phases(state: State, schedule: Object, sent: list[Object]) -> None:
    current = schedule["current_phase"] or {"start_date": schedule["phases"][0]["start_date"]}
    phases = _phases(state, sent, current["start_date"])
    running = [phase for phase in phases if phase["start_date"] <= state.now() < phase["end_date"]]
    if schedule["status"] == "active" and not running:
        raise invalid("The phases must include the one that is under way.", "phases")
    schedule["phases"] = phases
    if running:
        schedule["current_phase"] = _bounds(running[0])


def _phases(state: State, sent: list[Object], start: int) -> list[Object]:
    """Phases that follow one another without a gap. Raises `Refusal`."""
    if not sent:
        raise invalid("A schedule must have at least one phase.", "phases")
    phases: list[Object] = []
    for number, spec in enumerate(sent):
        begins = _second(state, spec.get("start_date", start))
        if phases and begins != start:
            raise invalid(
                f"The phase must start when the one before it ends, at {start}, not at {begins}.", f"phases[{number}][start_date]"
            )
        phase = _phase(state, spec, begins, _end(state, spec, begins, f"phases[{number}]"))
        phases.append(phase)
        start = phase["end_date"]
    return phases


def _end(state: State, spec: Object, start: int, param: str) -> int:
    items.known(spec, PHASE, param)
    for number, item in enumerate(spec["items"]):
        items.known(item, items.SPEC, f"{param}[items][{number}]")
    prices = items.checked(state, spec["items"], spec.get("currency"), f"{param}[items]")
    if "end_date" in spec:
        end = _second(state, spec["end_date"])
    else:
        length = spec.get("duration")
        interval = Interval(length["interval"], length.get("interval_count", 1)) if length else Interval.of(prices[0])
        end = bound(start, interval, 1)
    if end <= start:
        raise invalid(f"The phase must end after it starts at {start}, not at {end}.", f"{param}[end_date]")
    return end


def _phase(state: State, spec: Object, start: int, end: int) -> Object:
    prices = [state.get("price", item.get("price") or item.get("plan", "")) for item in spec["items"]]
    return {
        "add_invoice_items": [],
        "billing_cycle_anchor": spec.get("billing_cycle_anchor"),
        "currency": prices[0]["currency"],
        "discounts": [],
        "end_date": end,
        "items": [_item(item, price) for item, price in zip(spec["items"], prices, strict=True)],
        "metadata": values.metadata({}, spec.get("metadata")),
        "proration_behavior": spec.get("proration_behavior", "create_prorations"),
        "start_date": start,
    }


def _item(spec: Object, price: Object) -> Object:
    quantity = None if price["recurring"]["usage_type"] == "metered" else spec.get("quantity") or 1
    return {"discounts": [], "metadata": {}, "plan": price["id"], "price": price["id"], "quantity": quantity, "tax_rates": []}


def _blank(state: State, params: dict[str, Any], customer: str) -> Object:
    schedule = values.new(state, KIND, "sub_sched")
    return schedule | {
        "billing_mode": {"type": "flexible"},
        "current_phase": None,
        "customer": customer,
        "default_settings": SETTINGS,
        "end_behavior": params.get("end_behavior", "release"),
        "metadata": values.metadata({}, params.get("metadata")),
        "pause_schedules": [],
        "phases": [],
        "status": "not_started",
        "subscription": None,
    }


def _bounds(phase: Object) -> Object:
    return {"start_date": phase["start_date"], "end_date": phase["end_date"]}


def _second(state: State, sent: Any) -> int:
    return state.now() if sent == "now" else int(sent)


def _living(state: State, schedule_id: str) -> Object:
    schedule = state.get(KIND, schedule_id)
    if schedule["status"] not in LIVING:
        raise invalid(f"This schedule is {schedule['status']}, and cannot be changed any more.")
    return schedule
