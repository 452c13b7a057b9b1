"""`python -m bench.usage_row_times SCHEMA FLUSH TIMES`: appends messages with and without their usage row, in turn.

Prints the milliseconds of every transaction, by its kind, as JSON. Run with the server's environment.
"""

import json
import os
import sys
import time
from collections.abc import Sequence
from uuid import uuid4

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "saas.settings")
django.setup()

from django.db import connection, transaction

from chat.models import Room
from chat.realtime.append import APPEND, Row
from chat.realtime.protocol.outgoing import Author
from tenants.context import TenantRef, in_tenant
from tenants.models import Tenant
from tenants.resolve import ref

COUNTING = APPEND.statement.format(schema="")
STATEMENTS = {"": COUNTING, ", not counted": COUNTING.replace("append(", "append_uncounted(")}


def measure(tenant: TenantRef, flush: int, times: int) -> dict[str, list[float]]:
    """Each kind so often; the first tenth, while the database learns, is not counted."""
    taken: dict[str, list[float]] = {f"{size}{what}": [] for size in ("alone", "flush") for what in STATEMENTS}
    with in_tenant(tenant):
        rooms = list(Room.objects.order_by("id")[:flush])
        for turn in range(times + times // 10):
            for size, chosen in (("alone", rooms[:1]), ("flush", rooms)):
                for what in sorted(STATEMENTS, reverse=turn % 2 == 0):  # neither is always the first
                    taken[size + what].append(_milliseconds(STATEMENTS[what], chosen))
    return {name: found[times // 10 :] for name, found in taken.items()}


def _milliseconds(statement: str, rooms: Sequence[Room]) -> float:
    columns = APPEND.columns([_row(room) for room in rooms])
    start = time.perf_counter()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, columns)
        cursor.fetchall()
    return (time.perf_counter() - start) * 1e3


def _row(room: Room) -> Row:
    return Row(room.id, Author(kind="visitor", id=room.visitor_id, name="Vic"), uuid4(), "About as long as what people say.")


if __name__ == "__main__":
    schema, flush, times = sys.argv[1:]
    print(json.dumps(measure(ref(Tenant.objects.get(schema_name=schema)), int(flush), int(times))))
