"""What the dashboards show. `make.py` writes them as Grafana reads them."""

from dataclasses import dataclass, field
from typing import Final

Lines = dict[str, str]  # by legend: what is asked


@dataclass(frozen=True)
class Panel:
    """One chart, or one number where `is_number`."""

    title: str
    lines: Lines
    unit: str = "short"
    words: str = ""
    is_number: bool = False
    limit: float | None = None  # from which on it is bad
    width: int = 8


@dataclass(frozen=True)
class Board:
    """A page of panels, in rows by heading."""

    uid: str  # for good: links lead to it
    title: str
    rows: dict[str, list[Panel]] = field(default_factory=dict)


def rate(name: str, by: str = "", **labels: str) -> str:
    """So much of a counter by the second, over all processes or by a label."""
    wanted = ", ".join(f'{key}="{value}"' for key, value in labels.items())
    return f"sum{f' by ({by})' if by else ''} (rate({name}{{{', '.join(filter(None, (ONE, wanted)))}}}[$__rate_interval]))"


def quantile(share: float, name: str, by: str = "") -> str:
    """What so large a share of a histogram stays below."""
    return f"histogram_quantile({share}, {rate(f'{name}_bucket', f'{by}, le' if by else 'le')})"


def quantiles(name: str) -> Lines:
    return {"half": quantile(0.5, name), "95 of 100": quantile(0.95, name), "99 of 100": quantile(0.99, name)}


def level(name: str, how: str = "sum") -> str:
    return f"{how} ({name}{{{ONE}}})"


def each(name: str) -> Lines:
    return {"{{instance}}": f"{name}{{{ONE}}}"}


POOL: Final = "porchlight_database_pool"
ONE: Final = 'job="porchlight", instance=~"$process"'

OVERVIEW: Final = Board(
    "porchlight-overview",
    "Porchlight: overview",
    {
        "Objectives: errors of the last hour, and what is allowed": [
            Panel(
                "Late deliveries",
                {"": "porchlight:delivery_errors:ratio_rate1h"},
                "percentunit",
                is_number=True,
                limit=0.005,
                width=4,
            ),
            Panel(
                "Late commits",
                {"": "porchlight:storing_errors:ratio_rate1h"},
                "percentunit",
                is_number=True,
                limit=0.005,
                width=4,
            ),
            Panel(
                "Sockets turned away",
                {"": "porchlight:accept_errors:ratio_rate1h"},
                "percentunit",
                is_number=True,
                limit=0.001,
                width=4,
            ),
            Panel(
                "Resumes that failed",
                {"": "porchlight:resume_errors:ratio_rate1h"},
                "percentunit",
                is_number=True,
                limit=0.0001,
                width=4,
            ),
            Panel(
                "Late webhooks",
                {"": "porchlight:webhooks_errors:ratio_rate1h"},
                "percentunit",
                is_number=True,
                limit=0.001,
                width=4,
            ),
            Panel("Rooms that lack a message", {"": level("porchlight_holes")}, is_number=True, limit=1, width=4),
        ],
        "What goes on": [
            Panel("Sockets", {"open": level("porchlight_sockets"), "polls": level("porchlight_polls")}),
            Panel(
                "Messages a second",
                {"stored": rate("porchlight_messages_total"), "deliveries": rate("porchlight_deliveries_total")},
            ),
            Panel("Requests a second", {"{{status}}": rate("porchlight_http_requests_total", "status")}),
        ],
        "How long it takes": [
            Panel("From arrival to commit", quantiles("porchlight_append_seconds"), "s", limit=0.5),
            Panel("From commit to the sockets", quantiles("porchlight_deliver_seconds"), "s", limit=0.5),
            Panel("From handshake to welcome", quantiles("porchlight_socket_welcome_seconds"), "s"),
        ],
        "What holds it up": [
            Panel("Event loops late", {"99 of 100": quantile(0.99, "porchlight_loop_lag_seconds")}, "s", limit=0.25),
            Panel("Rows that wait for the journal", {"": level("porchlight_journal_waiting", "max")}, limit=2000),
            Panel("Oldest job", {"{{queue}}": level("porchlight_jobs_oldest_seconds", "max by (queue)")}, "s", limit=300),
        ],
    },
)
REALTIME: Final = Board(
    "porchlight-realtime",
    "Porchlight: sockets and messages",
    {
        "Sockets": [
            Panel("By process", each("porchlight_sockets"), limit=4500),
            Panel("Opened, by result", {"{{result}}": rate("porchlight_socket_accepts_total", "result")}),
            Panel("Ended, by code", {"{{code}}": rate("porchlight_socket_closes_total", "code")}),
            Panel("Rooms and tenants", {"rooms": level("porchlight_rooms"), "tenants": level("porchlight_tenants", "max")}),
            Panel(
                "To be sent",
                {"all": level("porchlight_outbox_bytes"), "slowest": level("porchlight_outbox_most_bytes", "max")},
                "bytes",
            ),
            Panel("Ended as too slow", {"a second": rate("porchlight_outbox_shed_total")}),
            Panel("Refused frames, by code", {"{{code}}": rate("porchlight_frames_refused_total", "code")}),
            Panel("Refusals by limit", {"{{limit}}": rate("porchlight_limits_refused_total", "limit")}, width=16),
        ],
        "Messages": [
            Panel("From commit to the sockets, by way", {"{{way}}": quantile(0.99, "porchlight_deliver_seconds", "way")}, "s"),
            Panel("A flush takes", quantiles("porchlight_journal_flush_seconds"), "s"),
            Panel("Rows in a flush", quantiles("porchlight_journal_flush_rows")),
            Panel(
                "Later than half a second",
                {
                    "stored": rate("porchlight_appended_total", result="late"),
                    "delivered": rate("porchlight_delivered_total", result="late"),
                },
            ),
            Panel("Not stored", {"{{result}}": rate("porchlight_journal_refused_total", "result")}),
            Panel("Tenants put aside", {"a second": rate("porchlight_journal_aside_total")}),
            Panel("Slow", {"{{what}}": rate("porchlight_slow_total", "what")}, words="Beyond SLOW_..._MS; the log has them."),
        ],
        "Bus and repairs": [
            Panel("Said, by result", {"{{result}}": rate("porchlight_bus_publish_total", "result")}),
            Panel("Heard", {"a second": rate("porchlight_bus_heard_total")}),
            Panel(
                "Down, and back",
                {"lines down": level("porchlight_bus_down"), "reconnects": rate("porchlight_bus_reconnects_total")},
            ),
            Panel("Others that each hears", each("porchlight_bus_others")),
            Panel(
                "Repairs",
                {
                    "{{result}}": rate("porchlight_repairs_total", "result"),
                    "messages": rate("porchlight_repaired_messages_total"),
                },
            ),
            Panel(
                "Clients that come back",
                {"{{result}}": rate("porchlight_resumes_total", "result")},
                words="whole: they went on where they were; anew: too far behind, they began with the newest page.",
            ),
            Panel("What they had missed", quantiles("porchlight_resume_gap_messages")),
        ],
    },
)
BEHIND: Final = Board(
    "porchlight-behind",
    "Porchlight: database, jobs, processes",
    {
        "Database": [
            Panel(
                "Connections of the pools",
                {"open": level("porchlight_database_pool_size"), "free": level("porchlight_database_pool_free")},
            ),
            Panel("Callers that wait", each("porchlight_database_pool_waiting")),
            Panel(
                "Seconds waited for each",
                {"mean": f"{rate(f'{POOL}_wait_seconds_total')} / {rate(f'{POOL}_requests_total')}"},
                "s",
                limit=0.05,
            ),
            Panel(
                "Waits and failures",
                {
                    "had to wait": rate("porchlight_database_pool_queued_total"),
                    "failed": rate("porchlight_database_pool_errors_total"),
                },
            ),
            Panel("Threads at work", {"{{pool}}": level("porchlight_threads_busy", "sum by (pool)")}),
            Panel("Calls that wait for a thread", {"{{pool}}": level("porchlight_threads_waiting", "sum by (pool)")}),
        ],
        "Jobs, mail, Stripe": [
            Panel("Due jobs", {"{{queue}}": level("porchlight_jobs_waiting", "max by (queue)")}),
            Panel(
                "Running and failed",
                {"running": level("porchlight_jobs_running", "max"), "failed": level("porchlight_jobs_failed", "max")},
            ),
            Panel("Runs, by result", {"{{result}}": rate("porchlight_job_runs_total", "result")}),
            Panel("Runs that failed, by job", {"{{task}}": rate("porchlight_job_runs_total", "task", result="failed")}),
            Panel("A job takes", quantiles("porchlight_job_seconds"), "s"),
            Panel("Mail", {"{{result}}": rate("porchlight_mail_total", "result")}),
            Panel("Webhooks", {"{{result}}": rate("porchlight_stripe_webhooks_total", "result")}),
            Panel("Events of Stripe", {"{{result}}": rate("porchlight_stripe_events_total", "result")}),
            Panel("Until an event is worked off", quantiles("porchlight_stripe_event_seconds"), "s", limit=60),
        ],
        "HTTP": [
            Panel("Time, 95 of 100", {"{{kind}}": quantile(0.95, "porchlight_http_seconds", "kind")}, "s"),
            Panel("Requests by kind", {"{{kind}}": rate("porchlight_http_seconds_count", "kind")}),
            Panel("Answers by status", {"{{status}}": rate("porchlight_http_requests_total", "status")}),
        ],
        "Processes": [
            Panel("What runs", {"{{kind}}": level("porchlight_process", "count by (kind)")}),
            Panel("Processor", {"{{instance}}": rate("process_cpu_seconds_total", "instance")}),
            Panel("Memory", each("process_resident_memory_bytes"), "bytes"),
            Panel("Open files", each("process_open_fds")),
            Panel("Event loop late, 99 of 100", {"{{instance}}": quantile(0.99, "porchlight_loop_lag_seconds", "instance")}, "s"),
            Panel("Looks that found it late", {"{{instance}}": rate("porchlight_loop_looks_total", "instance", result="late")}),
        ],
    },
)
BOARDS: Final = {"overview": OVERVIEW, "realtime": REALTIME, "behind": BEHIND}
