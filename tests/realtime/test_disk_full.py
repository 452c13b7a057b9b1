"""The disk of the database is full. None can be made and filled here, so the table says what PostgreSQL would say."""

import asyncio
from collections.abc import Iterator
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from tenants.context import TenantRef
from tests.support.server import Server, running
from tests.support.shop import Shop
from tests.support.sockets import Doors, key_of
from tests.support.stored import texts

pytestmark = pytest.mark.xdist_group("realtime-endings")

FULL = """
    CREATE FUNCTION {schema}.no_space() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION USING ERRCODE = 'disk_full', MESSAGE = 'could not extend file: No space left on device';
    END $$;
    CREATE TRIGGER no_space BEFORE INSERT ON {schema}.chat_message EXECUTE FUNCTION {schema}.no_space()
"""
SPACE = "DROP FUNCTION {schema}.no_space() CASCADE"

Superuser = psycopg.Connection[tuple[object, ...]]


@pytest.fixture
def impatient(acme: TenantRef) -> Iterator[Server]:
    """A server of this test alone: what it cannot store for a while it refuses to everybody."""
    with running() as server:
        yield server


async def test_nothing_is_acknowledged_all_is_readable_and_space_mends_it(
    impatient: Server, shop: Shop, superuser: Superuser
) -> None:
    who = await shop.visitor()
    room = await shop.room(who, "before")
    key_of(shop.tenant)
    doors, cid, of = Doors(impatient), uuid4(), {"schema": sql.Identifier(shop.tenant.schema)}
    async with doors.visitor(shop.tenant, who) as widget, doors.agent(shop.tenant, shop.owner) as inbox:
        for socket in (widget, inbox):
            await socket.join(room)
        superuser.execute(sql.SQL(FULL).format(**of))
        await widget.say("send", cid=cid, room=room, text="while it is full")
        refused = await widget.expect_error("busy", cid=str(cid))
        assert refused["retry_after"] > 0
        assert widget.came("ack") == []
        joined = await inbox.join(room)
        assert [joined["head"], [one["text"] for one in joined["messages"]]] == [1, ["before"]]
        superuser.execute(sql.SQL(SPACE).format(**of))
        await asyncio.sleep(refused["retry_after"])
        ack = await widget.send(room, "while it is full", cid=cid)
        assert (ack["seq"], (await inbox.expect("msg"))["message"]["text"]) == (2, "while it is full")
        assert (await widget.send(room, "and after it"))["seq"] == 3
    assert await texts(shop.tenant, room) == ["before", "while it is full", "and after it"]
    assert impatient.complaints() == []
