"""The page of live figures: what every process holds and does now. Its own script fetches it anew every few seconds."""

from typing import Any, Final

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse

from billing.roles import StaffMay
from billing.staff.roles import for_staff_who
from billing.staff.tables import BAD, GOOD, PLAIN, WARN, Cell, Table, moment, number, show
from chat.staff.now import Busy, Now, now
from saas.core.activity import MB, Database, RedisServer
from saas.core.job_figures import Queue
from saas.core.processes import Seen
from saas.core.staff import staff

LATE_MS: Final = 250.0  # an event loop that is later is busy
OLD_SECONDS: Final = 60.0  # a job that is due for longer waits for a worker
FULL: Final = 0.8  # of the connections that the database allows
TONES: Final = {"well": GOOD, "in memory": GOOD, "down": BAD, "none yet": PLAIN}
SERVES: Final = {"all": "Pages and sockets", "web": "Pages", "ws": "Sockets", "worker": "Jobs"}
PROCESS_COLUMNS: Final = (
    "Process",
    "Bus",
    "Sockets",
    "Rooms",
    "Messages/s",
    "Deliveries/s",
    "Requests/s",
    "Loop late, ms",
    "Journal waits",
    "To be sent, KB",
    "Pool in use",
    "Pool waits",
    "Since",
)


def add_pages() -> None:
    """Put them on the staff's site. Called once, while apps start."""
    staff.add_page("live/", live, "live")
    staff.add_page("live/figures.json", figures, "live_figures")


@for_staff_who(StaffMay.LOOK)
def live(request: HttpRequest) -> HttpResponse:
    """The page; with `?part=1` only what changes on it."""
    found = now()
    context: dict[str, Any] = {"now": found, "cards": _cards(found), **_tables(found)}
    if request.GET.get("part"):
        return render(request, "staff/live_part.html", context)
    return show(request, "live", "Live", **context)


@for_staff_who(StaffMay.LOOK)
def figures(_request: HttpRequest) -> JsonResponse:
    """The same for programs."""
    return JsonResponse(now().as_json())


def _tables(found: Now) -> dict[str, Table]:
    return {
        "processes": Table(
            "processes",
            PROCESS_COLUMNS,
            [_process(one) for one in found.processes],
            empty="No process has told of itself in the last twenty seconds.",
        ),
        "tenants": Table(
            "tenants",
            ("Tenant", "Sockets", "Messages in 5 min"),
            [_tenant(one) for one in found.tenants],
            empty="No tenant has a socket open or wrote anything in the last five minutes.",
        ),
        "sessions": _sessions(found.database),
        "redis": Table(
            "redis",
            ("Redis", "Memory", "When full", "Clients", "Commands/s", "Places", "Evicted"),
            [_redis(one) for one in found.redis],
            empty="One process serves alone, and needs no Redis.",
        ),
        "jobs": Table(
            "jobs",
            ("Queue", "Due", "Running", "Failed", "Oldest, s"),
            [_queue(one) for one in found.jobs],
            empty="No job waits, runs or has failed.",
        ),
    }


def _cards(found: Now) -> list[dict[str, object]]:
    sums = found.sums
    waits = sums["requests_waiting"]
    return [
        _card("Sockets", f"{sums['sockets']:,.0f}", f"in {sums['rooms']:,.0f} rooms; {sums['polls']:,.0f} more by polls"),
        _card("Messages a second", f"{sums['messages_rate']:,.1f}", f"{sums['deliveries_rate']:,.1f} deliveries a second"),
        _card("Event loop", f"{found.lag:,.0f} ms late", "the latest of all, lately", is_bad=found.lag > LATE_MS),
        _card(
            "Layer",
            "down" if sums["bus_down"] else "well",
            f"{_rooms(sums['holes'])} a message; {sums['journal_waiting']:,.0f} rows wait for the journal",
            is_bad=bool(sums["bus_down"] or sums["holes"]),
        ),
        _database_card(found.database, waits),
        _jobs_card(found.jobs),
    ]


def _rooms(lacking: float) -> str:
    return "no room lacks" if not lacking else "1 room lacks" if lacking == 1 else f"{lacking:,.0f} rooms lack"


def _card(name: str, value: str, note: str, *, is_bad: bool = False) -> dict[str, object]:
    return {"name": name, "value": value, "note": note, "is_bad": is_bad}


def _database_card(database: Database | None, waits: float) -> dict[str, object]:
    if database is None:
        return _card("Database", "away", "it did not answer within a second", is_bad=True)
    return _card(
        "Database connections",
        f"{database.connections:,} of {database.most:,}",
        f"{waits:,.0f} calls wait for one; {database.locked:,} wait for a lock; oldest transaction {database.oldest:.0f} s",
        is_bad=bool(waits or database.locked) or database.connections > FULL * database.most,
    )


def _jobs_card(queues: list[Queue]) -> dict[str, object]:
    oldest = max((queue.oldest for queue in queues), default=0.0)
    failed, running = sum(queue.failed for queue in queues), sum(queue.running for queue in queues)
    due = sum(queue.waiting for queue in queues)
    note = f"{running:,} run, {failed:,} failed; the oldest is due for {oldest:,.0f} s"
    return _card("Jobs", f"{due:,} due", note, is_bad=oldest > OLD_SECONDS or failed > 0)


def _process(one: Seen) -> list[Cell]:
    said = one.figures
    size, free = int(said.get("pool_pool_size", 0)), int(said.get("pool_pool_available", 0))
    bus = "draining" if said.get("draining") else str(said.get("bus", "")) or "none"
    return [
        Cell(f"{SERVES.get(one.kind, one.kind)}, {one.host} {one.pid}"),
        Cell(bus, tone=TONES.get(bus, WARN if bus == "draining" else PLAIN)),
        *(_figure(said, name) for name in ("sockets", "rooms", "messages_rate", "deliveries_rate", "http_rate", "lag_ms")),
        _figure(said, "journal_waiting"),
        number(int(said.get("outbox_bytes", 0)) // 1024),
        Cell(f"{size - free} of {size}", raw=size - free, is_number=True),
        _figure(said, "pool_requests_waiting"),
        moment(one.began_at),
    ]


def _figure(said: object, name: str) -> Cell:
    """What the process did not tell of, it does not do: a worker has no sockets."""
    assert isinstance(said, dict)
    value = said.get(name)
    return Cell("", raw="", is_number=True) if value is None else Cell(f"{value:,}", raw=value, is_number=True)


def _tenant(one: Busy) -> list[Cell]:
    return [Cell(one.name, href=reverse("admin:money_tenant", args=[one.id])), number(one.sockets), number(one.messages)]


def _sessions(database: Database | None) -> Table:
    rows = sorted(database.sessions, key=lambda one: (-one.is_locked, -one.count)) if database else []
    return Table(
        "sessions",
        ("State", "Waits for", "Connections", "Oldest transaction, s"),
        [[Cell(one.state), Cell(one.wait or "nothing"), number(one.count), number(round(one.oldest))] for one in rows],
        empty="The database does not answer." if database is None else "Nobody else is connected.",
    )


def _redis(one: RedisServer) -> list[Cell]:
    if one.error:
        return [Cell(one.host), Cell(f"away: {one.error}", tone=BAD), *[Cell("", raw="")] * 5]
    most = f" of {one.most_memory / MB:,.0f}" if one.most_memory else ""
    return [
        Cell(one.host),
        Cell(f"{one.memory / MB:,.1f}{most} MB", raw=one.memory, is_number=True),
        Cell(one.policy, tone=GOOD if one.policy == "noeviction" else WARN),
        *(number(value) for value in (one.clients, one.per_second, one.places, one.evicted)),
    ]


def _queue(one: Queue) -> list[Cell]:
    return [Cell(one.name), *(number(value) for value in (one.waiting, one.running, one.failed, round(one.oldest)))]
