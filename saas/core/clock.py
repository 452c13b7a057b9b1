"""The clock of the database, which is the same for every process: those of two processes may be seconds apart."""

from datetime import datetime

from django.db import connection


def database_time() -> datetime:
    """Now, by the clock of the database; also within a transaction not the moment when that began."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        moment: datetime = cursor.fetchone()[0]
        return moment
