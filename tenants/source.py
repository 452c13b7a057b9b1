"""Where what is done right now came from: the address, the browser and the way in, for whoever writes it down.

The middleware and the socket router set it, once for each request or socket, and the threads that serve them carry it along. A
job has none: what it does comes from Porchlight itself.
"""

import contextvars
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

Way = Literal["console", "api", "socket", "widget", ""]

LONGEST: Final = 80  # characters of a browser's name
BROWSERS: Final = (
    ("Edg", "Edge"),
    ("OPR", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Firefox", "Firefox"),
    ("FxiOS", "Firefox"),
    ("CriOS", "Chrome"),
    ("HeadlessChrome", "Chrome"),
    ("Chrome", "Chrome"),
    ("Version", "Safari"),
)  # by the mark in the header; the first that is there counts, since each names those before it too
SYSTEMS: Final = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)


@dataclass(frozen=True, slots=True)
class Source:
    """A network address, a browser's name for people, and the way in."""

    address: str = ""
    browser: str = ""
    way: Way = ""


_NOWHERE: Final = Source()
_source: contextvars.ContextVar[Source] = contextvars.ContextVar("where it came from", default=_NOWHERE)


def came_from() -> Source:
    """Where the request or socket came from that is being served now; an empty one in a job."""
    return _source.get()


def arrive(source: Source) -> None:
    """Say it for the rest of this task."""
    _source.set(source)


@contextmanager
def arriving(source: Source) -> Iterator[None]:
    """Say it for what is inside."""
    token = _source.set(source)
    try:
        yield
    finally:
        _source.reset(token)


@lru_cache(1_024)
def browser_of(user_agent: str) -> str:
    """A User-Agent header in words, such as "Firefox 128 on Linux"; the program's own name for what is no browser."""
    found = next((f"{name} {major}" for mark, name in BROWSERS if (major := _major(mark, user_agent))), "")
    system = next((name for mark, name in SYSTEMS if mark in user_agent), "")
    if not found:
        return user_agent.strip().partition(" ")[0][:LONGEST]
    return f"{found} on {system}" if system else found


def _major(mark: str, user_agent: str) -> str:
    found = re.search(rf"\b{mark}[A-Za-z]*/(\d{{1,4}})", user_agent)
    return found[1] if found else ""
