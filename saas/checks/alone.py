"""The one place of a server that has no Redis: two of them would not hear each other, and nobody would notice."""

import logging
import time
from typing import Any, Final

import psycopg

from saas.core.database import SEEN_TO_VANISH
from saas.core.logins import address_of, no_answer

log = logging.getLogger(__name__)

PLACE: Final = 0x706F7263685F31  # advisory lock
WAIT_MS: Final = 30_000  # for one that is draining
SAY_AGAIN: Final = 60.0  # seconds, as long as somebody else has what was ours
WAY_OUT: Final = "they do not hear each other: stop one of them, or set REDIS_URL for both"
# A database that vanished is noticed, here as there, so that the place is neither kept nor missed for hours.
HERE: Final = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 2, "tcp_user_timeout": 20_000}
HOLDER: Final = """
    SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted AND (classid, objid, objsubid) = (%s, %s, 1)
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


class Place:
    """The place on one database. A connection holds it: it is free as soon as that ends, also with the database."""

    def __init__(self, database: dict[str, Any]) -> None:
        self._address = address_of(database) | HERE
        self._connection: psycopg.Connection[Any] | None = None
        self._last: tuple[Any, ...] | None = None  # the server's process behind the session in which we had it last, in a row
        self._has_another = False
        self._said_at = -SAY_AGAIN

    def take(self, *, wait_ms: int) -> bool:
        """Whether it is ours from now on; nobody else had it, or left in time. Raises psycopg.OperationalError."""
        connection = psycopg.connect(**self._address, autocommit=True)
        try:
            connection.execute(f"{SEEN_TO_VANISH}; SET lock_timeout = {wait_ms}; SET statement_timeout = 0")
            taken = connection.execute("SELECT pg_backend_pid() FROM pg_advisory_lock(%s)", [PLACE]).fetchone()
        except psycopg.errors.LockNotAvailable:
            self._has_another = self._is_others(connection)
            connection.close()
            return False
        self._connection, self._last = connection, taken
        return True

    def _is_others(self, connection: psycopg.Connection[Any]) -> bool:
        """Whether it is not our own last session that has it still: the database hears late of a network that was cut."""
        holder: tuple[Any, ...] | None = connection.execute(HOLDER, divmod(PLACE, 1 << 32)).fetchone()
        return holder not in {None, self._last}

    def look(self) -> None:
        """Take it again where it was lost. This process serves on in any case: it has people, who would be cut off."""
        if self._is_held():
            return
        try:
            is_ours = self.take(wait_ms=1)
        except psycopg.Error:  # nobody else can have it either
            return
        if is_ours:
            log.warning("The database had forgotten that this server holds its one place, and knows it again")
        elif self._has_another and time.monotonic() - self._said_at >= SAY_AGAIN:
            self._said_at = time.monotonic()
            log.error("Another server without Redis took the place of this one while the database was away; %s", WAY_OUT)

    def leave(self) -> None:
        """Somebody else may have it."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _is_held(self) -> bool:
        if self._connection is None:
            return False
        try:
            self._connection.execute("SELECT 1")
        except psycopg.Error:
            self.leave()
            return False
        return True


_held: list[Place] = []  # for as long as this process lives


def hold_the_place(database: dict[str, Any]) -> list[str]:
    """Take the place, for as long as this process lives; what speaks against it."""
    place = Place(database)
    try:
        if not place.take(wait_ms=WAIT_MS):
            return ["another server without Redis serves from this database; they hear each other through REDIS_URL only; set it"]
    except psycopg.OperationalError as error:
        return [no_answer("DATABASE_URL", error)]
    _held.append(place)
    return []


def keep_the_place() -> None:
    """To be called every few seconds, on a thread; does nothing where no place is held."""
    for place in _held:
        place.look()
