"""A list of rooms looks at the rooms that it shows, however many there are."""

from collections.abc import Callable

import psycopg
import pytest
from django.db import connection, transaction

from chat.models import Room
from chat.selectors.rooms import agents_first, visitors_first
from chat.services.visitor_names import spread_name
from tenants.context import TenantRef, in_tenant
from tenants.models import User
from tests.support import talk
from tests.support.cast import MakeTenant

ROOMS = 3_000
READ = """
    SELECT coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0) FROM pg_stat_xact_user_tables
    WHERE relid = 'chat_room'::regclass
"""
# Each of a visitor of its own, and the newest of each minute.
FILL = """
    WITH people AS (
        INSERT INTO {schema}.chat_visitor (id, site_id, name, handle_hash, locale, page, created_at, seen_at)
        SELECT uuidv7(), site.id, 'Vic', sha256(n::text::bytea), '', '{{}}', now(), now()
        FROM (SELECT id FROM {schema}.chat_site LIMIT 1) site, generate_series(1, {rooms}) n RETURNING id, site_id
    )
    INSERT INTO {schema}.chat_room (id, kind, site_id, visitor_id, title, status, labels, epoch, last_at, created_at)
    SELECT uuidv7(), 'support', site_id, id, 'Vic', 'open', '[]', uuidv7(),
        now() - row_number() OVER () * interval '1 minute', now()
    FROM people;
"""

COUNTED = ["", "chat_room", "chat_room chat_participant chat_visitor"]  # by the database, until autovacuum comes

Superuser = psycopg.Connection[tuple[object, ...]]


@pytest.fixture
def crowded(make_tenant: MakeTenant, superuser: Superuser, request: pytest.FixtureRequest) -> TenantRef:
    """A tenant of many rooms, of whose tables the database has counted these."""
    tenant = make_tenant()
    superuser.execute(FILL.format(schema=tenant.schema, rooms=ROOMS))
    for table in request.param.split():
        superuser.execute(f"ANALYZE {tenant.schema}.{table}")
    return tenant


def read_so_far() -> int:
    """Rows of rooms that this connection has looked at, and has not told the server of: of late."""
    with connection.cursor() as cursor:
        cursor.execute(READ)
        return int(cursor.fetchone()[0])


@pytest.mark.parametrize("crowded", COUNTED, indirect=True)
def test_a_visitors_rooms_are_found_without_a_look_at_others(crowded: TenantRef) -> None:
    vic = talk.visitor(crowded)
    room = talk.room_of(crowded, vic, "hello")
    with in_tenant(crowded), transaction.atomic():
        before = read_so_far()
        ((found, onward),) = visitors_first([vic])
        assert 0 < read_so_far() - before <= 10
    assert ([one.id for one in found], onward) == ([room], None)


@pytest.mark.parametrize("crowded", COUNTED[1:], indirect=True)
def test_the_newest_rooms_are_found_by_their_minutes(crowded: TenantRef, ben: User) -> None:
    agent = talk.agent(crowded, ben)
    with in_tenant(crowded), transaction.atomic():
        before = read_so_far()
        ((_rooms, onward),) = agents_first([agent], limit=20)
        assert 20 < read_so_far() - before <= 200
    assert onward is not None


def rows_read(tenant: TenantRef, act: Callable[[], None]) -> int:
    """How many rows of rooms it looks at, entering the tenant by itself."""
    seen = []
    with transaction.atomic():
        for do in (act, lambda: None):
            with in_tenant(tenant):
                seen.append(read_so_far())
            do()
    return seen[1] - seen[0]


@pytest.mark.parametrize("crowded", COUNTED, indirect=True)
def test_a_visitors_rooms_are_called_anew_without_a_look_at_others(crowded: TenantRef) -> None:
    vic = talk.visitor(crowded)
    rooms, name = [talk.room_of(crowded, vic, "hello") for _ in range(2)], f"{vic.name} Two"
    first, second = (rows_read(crowded, lambda: spread_name(crowded, vic.id, name)) for _ in range(2))
    assert 0 < first <= 40  # rooms and their notes are found, locked, changed and told of
    assert 0 < second <= len(rooms)
    with in_tenant(crowded):
        called = set(Room.objects.filter(title=name).values_list("notes_of_id", "visitor_id"))
    assert called == {(None, vic.id), *((room, None) for room in rooms)}
