"""Jobs of a test's own queue."""

from django.db import connection


def try_again(queue: str) -> None:
    """What failed and is to be tried once more in some seconds is tried now."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE public.procrastinate_jobs SET scheduled_at = NULL WHERE queue_name = %s", [queue])
