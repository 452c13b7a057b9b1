"""Typed reading of environment variables; every setting that may differ between machines comes from here."""

import os
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

NO_ADDRESS: Final = (
    "is not of the form postgresql://user:password@host:port/database; "
    "in a password write %2F for /, %3F for ?, %23 for #, %40 for @, %5B and %5D for [ and ]"
)


class BadEnvironment(SystemExit):
    """An environment variable is missing or malformed; the message names it and what was expected."""


def text(name: str, default: str | None = None) -> str:
    """The variable, or the contents of the file that `<name>_FILE` points to, or the default."""
    if value := os.environ.get(name):
        return value
    if path := os.environ.get(f"{name}_FILE"):
        return Path(path).read_text().strip()
    if default is None:
        raise BadEnvironment(f"{name} is not set; see .env.example for what it holds")
    return default


def flag(name: str, *, default: bool = False) -> bool:
    """True for 1, true, yes, on; False for 0, false, no, off."""
    value = text(name, "1" if default else "0").lower()
    if value in {"1", "true", "yes", "on"}:
        return True
    if value in {"0", "false", "no", "off"}:
        return False
    raise BadEnvironment(f"{name}={value!r} is not a yes or no; use 1 or 0")


def number(name: str, default: int) -> int:
    """A whole number."""
    value = text(name, str(default))
    try:
        return int(value)
    except ValueError:
        raise BadEnvironment(f"{name}={value!r} is not a whole number") from None


def choice(name: str, *known: str) -> str:
    """One of the known words; the first of them is the default."""
    value = text(name, known[0])
    if value not in known:
        raise BadEnvironment(f"{name}={value!r} is none of {', '.join(known)}")
    return value


def limits(name: str) -> dict[str, tuple[int, float]]:
    """`chat.send.ip=5000/10 sign_up_ip=3/3600`: for each limit so many times in so many seconds."""
    return dict(map(_limit, text(name, "").split()))


def _limit(word: str) -> tuple[str, tuple[int, float]]:
    try:
        limit, numbers = word.split("=")
        times, seconds = numbers.split("/")
        found = (int(times), float(seconds))
    except ValueError:
        raise BadEnvironment(f"LIMITS: {word!r} is not of the form name=times/seconds") from None
    if min(found) <= 0:
        raise BadEnvironment(f"LIMITS: {word!r} must be more than nothing")
    return limit, found


def database(name: str, default: str | None = None) -> dict[str, str]:
    """`postgresql://user:password@host:port/database` as Django's connection settings.

    Nothing may follow. PostgreSQL's own variables say what a connection must be: all of ours read them, and its programs do.
    Raises BadEnvironment, which names no part of the value: whichever it is may be half of a password.
    """
    try:
        url = urlsplit(text(name, default))
        port = url.port or 5432
    except ValueError:  # Python's own words would quote what it stumbled over
        raise BadEnvironment(f"{name} {NO_ADDRESS}") from None
    if url.query or url.fragment:
        raise BadEnvironment(
            f"{name} has a ? or a # in it, and what follows would not be heeded: put sslmode, sslrootcert and the like into "
            "PGSSLMODE, PGSSLROOTCERT and so on instead; in a password write %3F and %23"
        )
    database = url.path.removeprefix("/")
    if url.scheme not in {"postgresql", "postgres"} or not url.hostname or set("/@") & set(database):
        raise BadEnvironment(f"{name} {NO_ADDRESS}")
    return {
        "NAME": database,
        "USER": unquote(url.username or ""),
        "PASSWORD": unquote(url.password or ""),
        "HOST": url.hostname,
        "PORT": str(port),
    }
