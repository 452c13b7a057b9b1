"""Reads that share a hop and plans that are kept: each caller has its own answer, and each tenant its own rows."""

import asyncio
import random
import threading
from contextlib import AbstractContextManager
from uuid import UUID

import pytest
from django.db import ProgrammingError, connection, transaction

from chat.models import Site
from tenants.context import TenantRef, in_tenant, run_on_platform
from tenants.postgresql.base import connection_of
from tenants.reading import ENOUGH, MOST, read_in_tenant, read_together
from tests.support.patience import PATIENCE

SITES = "SELECT id, %(word)s::text FROM chat_site ORDER BY id"


def sites(word: str = "") -> list[tuple[UUID, str]]:
    return connection_of("default").read(SITES, {"word": word})


def who(number: int) -> tuple[int, str, str, int]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user, current_schema()")
        role, schema = cursor.fetchone()
    return number, role, schema, threading.get_ident()


async def test_each_reader_has_the_answer_of_its_own_tenant(acme: TenantRef, globex: TenantRef) -> None:
    tenants = random.choices([acme, globex], k=300)
    seen = await asyncio.gather(*(read_in_tenant(tenant, who, number) for number, tenant in enumerate(tenants)))
    assert [row[:3] for row in seen] == [(number, tenant.role, tenant.schema) for number, tenant in enumerate(tenants)]
    assert (await run_on_platform(who, 0))[1] == "porch_platform"


async def test_readers_share_hops(acme: TenantRef, monkeypatch: pytest.MonkeyPatch) -> None:
    entered: list[TenantRef] = []

    def enter(tenant: TenantRef) -> AbstractContextManager[None]:
        entered.append(tenant)
        return in_tenant(tenant)

    monkeypatch.setattr("tenants.reading.in_tenant", enter)
    await asyncio.gather(*(read_in_tenant(acme, who, number) for number in range(4 * MOST)))
    assert len(entered) <= 5


async def test_few_wait_for_the_hop_that_is_under_way_but_not_for_long(acme: TenantRef) -> None:
    begun, may_end = threading.Event(), threading.Event()
    hops: list[list[int]] = []

    def slow() -> None:
        begun.set()
        assert may_end.wait(2 * PATIENCE)

    def answer(asked: list[int]) -> list[int]:
        hops.append(asked)
        return asked

    held = asyncio.create_task(read_in_tenant(acme, slow))
    while not begun.is_set():
        await asyncio.sleep(0)
    few = asyncio.gather(*(read_together(acme, answer, number) for number in range(5)))
    assert await asyncio.wait_for(few, PATIENCE) == [*range(5)]
    assert hops == [[0, 1, 2, 3, 4]], "once they had lost their patience, all in one hop"
    assert await asyncio.wait_for(read_together(acme, answer, 5), PATIENCE) == 5
    many = asyncio.gather(*(read_together(acme, answer, number) for number in range(ENOUGH)))
    assert await asyncio.wait_for(many, PATIENCE) == [*range(ENOUGH)]
    assert not held.done()
    may_end.set()
    await held


async def test_one_that_fails_fails_alone(acme: TenantRef) -> None:
    def fail() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT * FROM tenants_user")

    def lazy() -> object:
        return Site.objects.all()

    calls = [read_in_tenant(acme, call) for call in (sites, fail, sites, lazy, sites)]
    first, failed, second, escaped, third = await asyncio.gather(*calls, return_exceptions=True)
    assert isinstance(failed, ProgrammingError)
    assert isinstance(escaped, TypeError)
    assert first == second == third != []


async def test_a_caller_that_has_gone_takes_nobody_with_it(acme: TenantRef) -> None:
    tasks = [asyncio.create_task(read_in_tenant(acme, sites)) for _ in range(3)]
    await asyncio.sleep(0)
    tasks[1].cancel()
    found = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(found[1], asyncio.CancelledError)
    assert found[0] == found[2] != []
    assert await read_in_tenant(acme, sites) == found[0]


async def test_what_is_asked_together_is_answered_by_one_call_of_each_tenant(acme: TenantRef, globex: TenantRef) -> None:
    calls: list[list[int]] = []

    def answer(asked: list[int]) -> list[tuple[int, str, str, int]]:
        calls.append(asked)
        return [who(number) for number in asked]

    tenants = [acme, globex] * MOST
    seen = await asyncio.gather(*(read_together(tenant, answer, number) for number, tenant in enumerate(tenants)))
    assert [row[:3] for row in seen] == [(number, tenant.role, tenant.schema) for number, tenant in enumerate(tenants)]
    assert sorted(number for call in calls for number in call) == list(range(2 * MOST))
    assert len(calls) <= 6


async def test_one_question_that_cannot_be_answered_fails_alone(acme: TenantRef) -> None:
    def halves(asked: list[int]) -> list[float]:
        return [1 / number for number in asked]

    found = await asyncio.gather(*(read_together(acme, halves, number) for number in (1, 2, 0, 4)), return_exceptions=True)
    assert isinstance(found.pop(2), ZeroDivisionError)
    assert found == [1, 0.5, 0.25]


def test_a_plan_that_is_kept_is_of_one_tenant(acme: TenantRef, globex: TenantRef) -> None:
    """On one and the same connection, again and again."""
    own: dict[str, list[list[UUID]]] = {"acme": [], "globex": []}
    count = "SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE %s"  # others may have left theirs
    with transaction.atomic():  # holds the connection
        backend = connection_of("default")
        for turn in range(8):
            for tenant in (acme, globex):
                with in_tenant(tenant):
                    found = backend.read(SITES, {"word": str(turn)})
                    assert {word for _id, word in found} == {str(turn)}
                    own[tenant.slug].append([ident for ident, _word in found])
                    with backend.cursor() as cursor:
                        cursor.execute(count, [f"%{tenant.schema} %::text FROM chat_site%"])
                        assert cursor.fetchone() == (1,)
    assert own["acme"] == own["acme"][:1] * 8
    assert own["globex"] == own["globex"][:1] * 8
    assert not set(own["acme"][0]) & set(own["globex"][0])


def test_a_plan_does_not_open_what_the_role_may_not_read(acme: TenantRef, globex: TenantRef) -> None:
    with in_tenant(acme), pytest.raises(ProgrammingError, match="permission denied"):
        connection_of("default").read(f"SELECT * FROM {globex.schema}.chat_site", {})
