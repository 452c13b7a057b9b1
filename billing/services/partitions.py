"""The partitions of usage events, one for each month: made ahead of their time, dropped when nobody may ask for them any more."""

from typing import Final

from django.db import connection

AHEAD: Final = 12  # months
KEPT: Final = "18 months"  # of events; batches, days and invoices are kept for good


def make_ahead() -> int:
    """Make those that are missing, of this month, the one before it and the next ones; how many there were.

    Raises OperationalError if the table is busy for longer than three seconds, in which whoever writes usage waits.
    """
    return _called("SELECT public.make_usage_partitions(%s)", AHEAD)


def drop_old() -> int:
    """Drop those that ended longer ago than `KEPT`; how many. Raises OperationalError as `make_ahead` does."""
    return _called("SELECT public.drop_usage_partitions(now() - %s::interval)", KEPT)


def _called(statement: str, argument: int | str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, [argument])
        row = cursor.fetchone()
    return int(row[0]) if row else 0
