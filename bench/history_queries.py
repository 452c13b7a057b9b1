"""`python -m bench.history_queries SCHEMA ROOM TIMES`: reads a long room through the selectors, as the server does.

Prints the milliseconds of every read, by what was read, as JSON. Run with the server's environment.
"""

import json
import os
import random
import sys
import time
from collections.abc import Callable
from uuid import UUID

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "saas.settings")
django.setup()

from chat.models import Message, Room
from chat.realtime.protocol.codes import CATCH_UP
from chat.selectors.messages import history, messages_of, snapshot
from tenants.context import TenantRef, in_tenant
from tenants.models import Tenant
from tenants.resolve import ref
from tenants.tokens import Principal

Read = Callable[[], object]


def measure(tenant: TenantRef, room_id: UUID, times: int) -> dict[str, list[float]]:
    """Each kind of read so often, at places by chance; one that is not counted goes before."""
    with in_tenant(tenant):
        reads = _reads(tenant, Room.objects.get(id=room_id))
        return {name: [_milliseconds(read) for _ in range(times + 1)][1:] for name, read in reads.items()}


def _reads(tenant: TenantRef, room: Room) -> dict[str, Read]:
    last = room.last_seq
    somebody = Message.objects.get(room_id=room.id, seq=last // 2)
    assert somebody.author_id is not None
    who = Principal(tenant.id, "visitor", somebody.author_id, "Vic", None, room.site_id, None, "bench", 0.0)
    chance = random.Random(1)

    return {
        "newest page": lambda: snapshot(who, room.id),
        "page up": lambda: history(who, room.id, before=chance.randint(100, last)),
        "catch-up": lambda: snapshot(who, room.id, epoch=room.epoch, after=last - chance.randint(1, CATCH_UP)),
        "one author's messages": lambda: messages_of(who, room.id, who.id, before=chance.randint(100, last)),
    }


def _milliseconds(read: Read) -> float:
    start = time.perf_counter()
    read()
    return (time.perf_counter() - start) * 1e3


if __name__ == "__main__":
    schema, room, times = sys.argv[1:]
    print(json.dumps(measure(ref(Tenant.objects.get(schema_name=schema)), UUID(room), int(times))))
