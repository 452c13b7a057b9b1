"""Logs: one JSON object a line in production, one plain line elsewhere, and in each what it belongs to.

What is bound (`structlog.contextvars.bind_contextvars`) stands in every line that is written there: the tenant, the connection of
a socket, the request, the job. What must never stand in a log is taken out here, whoever wrote it: e-mail addresses, tokens,
the values of a row that the database complains of, the arguments of a job, the path of a request, which may hold a secret link.
"""

import logging
import re
import time
from collections.abc import Iterator, MutableMapping
from contextvars import Context
from typing import Any, Final

import msgspec
import structlog
from structlog.typing import Processor, WrappedLogger

Event = MutableMapping[str, Any]

EMAIL: Final = re.compile(r"[\w.+%-]+@[\w-]+(?:\.[\w-]+)+")
TOKEN: Final = re.compile(r"\beyJ[\w-]+\.[\w-]+(?:\.[\w-]+)?|\b(?:sk|rk|whsec)_[A-Za-z0-9_]{8,}")
VALUES: Final = re.compile(r"(DETAIL|detail): [^\n]*")  # of PostgreSQL: the row or the key that it complains of
PATH: Final = re.compile(r"'path': '[^']*'")  # of Django's resolver, in a traceback
QUIET: Final = ("procrastinate", "stripe", "httpx")  # report each job that begins and ends, and each request
LINE: Final = "{at} {level} {logger}: {message}"


def logging_config(*, as_json: bool) -> dict[str, Any]:
    """Django's `LOGGING`, for the whole process: its own loggers, those of libraries, and structlog's."""
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *_shared(), structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    formatter = {
        "()": structlog.stdlib.ProcessorFormatter,
        "foreign_pre_chain": _shared(),
        "processors": [
            structlog.processors.format_exc_info,
            _without_secret_parts,
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            _clean_all,
            _as_json if as_json else _as_line,
        ],
    }
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"one": formatter},
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "one"}},
        "root": {"handlers": ["console"], "level": "INFO"},
        "loggers": {name: {"level": "WARNING"} for name in QUIET},
    }


def apart() -> Context:
    """What work is begun in that belongs to nobody in particular, though somebody's request or socket happens to begin it."""
    return Context()


def clean(text: str) -> str:
    """The text without addresses, tokens, the values of rows, and the paths of requests."""
    text = TOKEN.sub("<token>", EMAIL.sub("<e-mail>", text))
    return PATH.sub("'path': (left out)", VALUES.sub(r"\1: (left out)", text))


def _shared() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.PositionalArgumentsFormatter(),
    ]


def _without_secret_parts(_logger: WrappedLogger, _method: str, event: Event) -> Event:
    """Take out what the writer of the line put in as a whole: a request's path, the arguments of a job. Of a traceback, too."""
    record: logging.LogRecord | None = event.get("_record")
    for key in ("event", "exception") if record is not None else ():
        for secret, instead in _secrets_of(record):
            if key in event:
                event[key] = str(event[key]).replace(secret, instead)
    return event


def _secrets_of(record: Any) -> Iterator[tuple[str, str]]:
    """What to take out, and what to say instead."""
    request, job = getattr(record, "request", None), getattr(record, "job", None)
    path: str = getattr(request, "path", "")
    if len(path) > 1:
        yield path, route_of(request)
    if isinstance(job, dict) and "call_string" in job:
        yield job["call_string"], f"{job['task_name']}[{job['id']}]"


def route_of(request: Any) -> str:
    """The pattern that a request's path matched: it names a page, and nobody's."""
    match = getattr(request, "resolver_match", None)
    return f"/{match.route}" if match is not None else "(an address of no page)"


def _clean_all(_logger: WrappedLogger, _method: str, event: Event) -> Event:
    """Numbers stay what they are; all else is text now."""
    for key, value in event.items():
        if not isinstance(value, int | float | None):
            event[key] = clean(str(value))
    return event


def _as_json(_logger: WrappedLogger, _method: str, event: Event) -> str:
    """One object, in UTC with milliseconds; what is bound stands beside `message`."""
    first = {
        "at": _moment("%Y-%m-%dT%H:%M:%S", ".") + "Z",
        "level": event.pop("level", "info"),
        "logger": event.pop("logger", "root"),
        "message": event.pop("event", ""),
    }
    return msgspec.json.encode(first | dict(event)).decode()


def _as_line(_logger: WrappedLogger, _method: str, event: Event) -> str:
    """The same for people: a traceback below, what is bound behind."""
    level, name, message = event.pop("level", "info").upper(), event.pop("logger", "root"), event.pop("event", "")
    below = event.pop("exception", "")
    line = LINE.format(at=_moment("%Y-%m-%d %H:%M:%S", ","), level=level, logger=name, message=message)
    bound = "".join(f" {key}={value}" for key, value in event.items())
    return line + bound + (f"\n{below}" if below else "")


def _moment(form: str, point: str) -> str:
    now = time.time()
    return f"{time.strftime(form, time.gmtime(now))}{point}{int(now * 1000) % 1000:03d}"
