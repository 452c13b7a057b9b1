"""Statements that go to the database in one write: what comes back, and what a refused one leaves behind."""

import os
from collections.abc import AsyncIterator

import psycopg
import pytest

from chat.realtime import round_trip
from chat.realtime.packing import pack, text
from chat.realtime.round_trip import Command, Failed, RoundTrips, numbered

ECHO = Command(b"SELECT $1::text, 7::bigint, '[1]'::jsonb", [text("said")])
BAD = Command(b"SELECT 1 / length($1::text)", [text("")])
NOWHERE = Command(b"SELECT * FROM nowhere.at_all", [])


@pytest.fixture
async def connection() -> AsyncIterator[psycopg.AsyncConnection[tuple[object, ...]]]:
    connection = await psycopg.AsyncConnection.connect(os.environ["TEST_SUPERUSER_URL"], autocommit=True)
    async with connection:
        yield connection


@pytest.fixture
def trips(connection: psycopg.AsyncConnection[tuple[object, ...]]) -> RoundTrips:
    return RoundTrips(connection)


async def test_each_command_gets_its_rows_and_jsonb_stays_text(trips: RoundTrips) -> None:
    many = Command(
        numbered("SELECT unnest(%s::text[]), unnest(%s::boolean[])"), [pack("text", ["a", None]), pack("boolean", [True, False])]
    )
    assert await trips.run([ECHO, many, ECHO]) == [[("said", 7, "[1]")], [("a", True), (None, False)], [("said", 7, "[1]")]]


@pytest.mark.parametrize(("refused", "error"), [(BAD, psycopg.errors.DivisionByZero), (NOWHERE, psycopg.errors.UndefinedTable)])
async def test_a_refused_command_is_named_and_those_after_the_trip_go_on(
    trips: RoundTrips, refused: Command, error: type[psycopg.Error]
) -> None:
    for _ in range(2):  # once before its statement is known, once after
        with pytest.raises(Failed) as raised:
            await trips.run([ECHO, refused, ECHO])
        assert (raised.value.place, type(raised.value.error)) == (1, error)
    assert await trips.run([ECHO]) == [[("said", 7, "[1]")]]


async def test_nothing_of_a_refused_trip_is_stored(
    trips: RoundTrips, connection: psycopg.AsyncConnection[tuple[object, ...]]
) -> None:
    await connection.execute("CREATE TEMP TABLE kept (word text)")
    keep = Command(b"INSERT INTO kept VALUES ($1)", [text("said")])
    with pytest.raises(Failed):
        await trips.run([keep, BAD])
    await trips.run([keep])
    assert await (await connection.execute("SELECT count(*) FROM kept")).fetchone() == (1,)


async def test_what_the_commit_refuses_is_behind_the_last_command(
    trips: RoundTrips, connection: psycopg.AsyncConnection[tuple[object, ...]]
) -> None:
    await connection.execute("CREATE TEMP TABLE kept (word text UNIQUE DEFERRABLE INITIALLY DEFERRED)")
    keep = Command(b"INSERT INTO kept VALUES ($1) RETURNING word", [text("said")])
    with pytest.raises(Failed) as raised:
        await trips.run([keep, keep])
    assert (raised.value.place, type(raised.value.error)) == (2, psycopg.errors.UniqueViolation)
    assert await trips.run([keep]) == [[("said",)]]


async def test_a_statement_is_prepared_once(
    trips: RoundTrips, connection: psycopg.AsyncConnection[tuple[object, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(round_trip, "MOST_PREPARED", 2)
    await trips.run([ECHO, ECHO])
    await trips.run([ECHO])
    assert await (await connection.execute("SELECT count(*) FROM pg_prepared_statements")).fetchone() == (1,)
    assert not trips.is_worn
    await trips.run([Command(b"SELECT 1", [])])
    assert trips.is_worn
