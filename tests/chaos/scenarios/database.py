"""A database that is killed, that has no connections left, and whose answers do not come."""

import asyncio

from psycopg import sql

from tests.chaos.cast import Cast
from tests.chaos.person import Person
from tests.chaos.scenarios.scenario import Scenario, until_over
from tests.chaos.setting import Setting
from tests.chaos.stage import Stage


async def kill_database(run: Stage) -> None:
    """kill -9 every process of the database; its keeper starts it again, and it recovers from its log."""
    async for _ in until_over(run):
        await run.pause(1.0, 2.0)
        began = run.clock()
        killed = await asyncio.to_thread(run.ground.kill_database)
        run.kills += 1
        await is_back(run, killed)
        await run.recovered(began)


async def is_back(run: Stage, killed: int) -> None:
    """Wait until another first process answers."""
    async with asyncio.timeout(60):
        while not await asyncio.to_thread(run.ground.is_back, killed):
            await asyncio.sleep(0.1)


async def connections_exhausted(run: Stage) -> None:
    """All connections are cut and no place is free for new ones (SQLSTATE 53300): who sends hears `busy`, and nothing is lost."""
    async for _ in until_over(run):
        await run.pause(0.5, 1.5)
        began = run.clock()
        await asyncio.to_thread(_limit, run, 0)
        run.kills += 1
        await run.pause(2.0, 5.0)
        await asyncio.to_thread(_limit, run, -1)
        await run.recovered(began)


def _limit(run: Stage, places: int) -> None:
    """So many connections for the servers from now on; -1 for no limit of their own."""
    with run.ground.connect() as operator:
        operator.execute(sql.SQL("ALTER ROLE porch_app CONNECTION LIMIT {}").format(sql.Literal(places)))
        operator.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'porch_app'")


async def pool_starved(run: Stage) -> None:
    """One tenant's table is locked until all threads and connections of the servers wait for it. The other tenant still sends."""
    mine, other = run.casts
    async for _ in until_over(run):
        await run.pause(0.5, 1.0)
        began = run.clock()
        with run.ground.connect() as operator, operator.transaction():
            operator.execute(sql.SQL("LOCK TABLE {}.chat_participant").format(sql.Identifier(mine.tenant.schema)))
            for person in _of(run, mine):
                person.cut()
            run.kills += 1
            await run.pause(0.5, 1.0)
            await run.recovered(people=[one for one in _of(run, other) if one.is_here])
            await run.pause(1.0, 3.0)
        await run.recovered(began)


def _of(run: Stage, cast: Cast) -> list[Person]:
    return [person for person in run.people if person.log.tenant == cast.ref.slug]


SCENARIOS = (
    Scenario("kill_database", kill_database, least=10),
    Scenario("database_connections_exhausted", connections_exhausted, least=10),
    Scenario("pool_starved", pool_starved, Setting(variables={"DATABASE_POOL": "4"}), least=8),
)
