"""The door under load: many threads, few connections, statements cut at any moment. Nobody sees another tenant's rows."""

import asyncio
import random
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from django.db import DatabaseError, ProgrammingError, connection, connections, transaction
from django.db.models import QuerySet

from chat.models import Site
from tenants.context import TenantRef, in_tenant, run_in_tenant, run_on_platform
from tenants.models import User
from tenants.postgresql.base import connection_of

Superuser = psycopg.Connection[tuple[object, ...]]
Backends = Callable[[], list[int]]


def who() -> tuple[str, str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user, current_schema()")
        role, schema = cursor.fetchone()
        return role, schema


@pytest.fixture
def backends(superuser: Superuser, monkeypatch: pytest.MonkeyPatch) -> Iterator[Backends]:
    """Asks for the server's processes of this test's own connections: others are in the same cluster."""
    name = f"test {uuid4()}"
    monkeypatch.setenv("PGAPPNAME", name)
    new_pool()

    def pids() -> list[int]:
        found = superuser.execute("SELECT pid FROM pg_stat_activity WHERE application_name = %s", [name])
        return [int(str(pid)) for (pid,) in found]

    yield pids
    new_pool()


def new_pool() -> None:
    connections.close_all()
    connection_of("default").close_pool()


async def test_each_of_many_hops_is_in_its_own_tenant(acme: TenantRef, globex: TenantRef) -> None:
    tenants = random.choices([acme, globex], k=300)
    seen = await asyncio.gather(*(run_in_tenant(tenant, who) for tenant in tenants))
    assert seen == [(tenant.role, tenant.schema) for tenant in tenants]


async def test_a_hop_on_the_platform_is_in_no_tenant(acme: TenantRef) -> None:
    await run_in_tenant(acme, who)
    assert await run_on_platform(who) == ("porch_platform", "public")


async def test_many_hops_use_few_connections(acme: TenantRef, backends: Backends) -> None:
    await asyncio.gather(*(run_in_tenant(acme, who) for _ in range(200)))
    assert 1 <= len(backends()) <= 10  # DATABASE_POOL


async def test_an_error_in_a_hop_reaches_the_caller_and_leaves_the_tenant(acme: TenantRef) -> None:
    def fail() -> None:
        with transaction.atomic():
            Site.objects.create(name="never")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await run_in_tenant(acme, fail)
    assert await run_on_platform(who) == ("porch_platform", "public")
    assert not await run_in_tenant(acme, Site.objects.filter(name="never").exists)


async def test_a_cancelled_caller_does_not_cut_the_work(acme: TenantRef) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slow() -> None:
        begun.set()
        go_on.wait(10)
        Site.objects.create(name="finished all the same")

    waiting = asyncio.create_task(run_in_tenant(acme, slow))
    await asyncio.to_thread(begun.wait, 10)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    go_on.set()
    for _ in range(500):
        if await run_in_tenant(acme, Site.objects.filter(name="finished all the same").exists):
            return
        await asyncio.sleep(0.01)
    pytest.fail("the work was cut off")


@dataclass(frozen=True)
class Answer:
    sites: Any


def iterate() -> Iterator[Site]:
    yield from Site.objects.all()


@pytest.mark.parametrize(
    "lazy",
    [
        Site.objects.all,
        lambda: Site.objects.raw("SELECT * FROM chat_site"),
        lambda: (1, Site.objects.all()),
        lambda: [Site.objects.all()],
        lambda: {"sites": Site.objects.all()},
        lambda: Answer(Site.objects.all()),
        lambda: Site.objects,
        iterate,
    ],
)
async def test_nothing_lazy_leaves_a_tenant(lazy: Any, acme: TenantRef) -> None:
    with pytest.raises(TypeError, match="must not leave the tenant"):
        await run_in_tenant(acme, lazy)


async def test_an_evaluated_queryset_may_leave(acme: TenantRef) -> None:
    def evaluated() -> QuerySet[Site]:
        sites = Site.objects.order_by("id")
        list(sites)
        return sites

    assert [site.pk for site in await run_in_tenant(acme, evaluated)] == await run_in_tenant(
        acme, lambda: [site.pk for site in Site.objects.order_by("id")]
    )


def test_a_queryset_that_escaped_is_refused_outside(acme: TenantRef) -> None:
    with in_tenant(acme):
        lazy = Site.objects.all()
    with pytest.raises(ProgrammingError, match="does not exist"):
        list(lazy)


def test_statements_cut_at_any_moment_never_land_in_another_tenant(
    acme: TenantRef, globex: TenantRef, superuser: Superuser, backends: Backends
) -> None:
    """An operator, a failover or a timeout may cancel the switch itself: then the statement after it must not run."""
    over = threading.Event()

    def work(seed: int) -> list[tuple[TenantRef, tuple[str, str]]]:
        choose, seen = random.Random(seed), []
        for _ in range(400):
            tenant = choose.choice([acme, globex])
            try:
                with in_tenant(tenant):
                    seen.append((tenant, who()))
            except DatabaseError:
                pass  # cut: nothing was read
            if choose.random() < 0.2:
                connections.close_all()
        connections.close_all()
        return seen

    def cut() -> int:
        cuts = 0
        while not over.is_set():
            for pid in backends():
                cuts += bool(superuser.execute("SELECT pg_cancel_backend(%s)", [pid]).fetchone())
            over.wait(0.001)
        return cuts

    with ThreadPoolExecutor(5) as threads:
        cutter = threads.submit(cut)
        seen = [found for each in [threads.submit(work, seed) for seed in range(4)] for found in each.result()]
        over.set()
        assert cutter.result() > 100
    assert len(seen) > 400
    assert all(found == (tenant.role, tenant.schema) for tenant, found in seen)


def test_a_connection_that_the_server_cut_while_idle_is_replaced(
    acme: TenantRef, superuser: Superuser, backends: Backends
) -> None:
    with in_tenant(acme):
        assert who() == (acme.role, acme.schema)
    connections.close_all()
    assert backends()
    for pid in backends():
        superuser.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
    with in_tenant(acme):
        assert who() == (acme.role, acme.schema)
    assert User.objects.exists()
