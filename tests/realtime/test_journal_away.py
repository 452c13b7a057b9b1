"""The journal without a database: nothing is lost, nothing is doubled, and in the end somebody says so."""

import asyncio
from uuid import UUID

import psycopg
import pytest

from chat.realtime import flusher
from chat.realtime.journal import Journal
from saas.core.errors import Busy
from tenants.context import TenantRef
from tenants.tokens import Principal
from tests.support.journals import Heard, a_journal, outcome, row
from tests.support.stored import texts

Superuser = psycopg.Connection[tuple[object, ...]]


class TestDatabaseAway:
    async def test_a_cut_connection_is_opened_again(
        self, acme: TenantRef, vic: Principal, room: UUID, superuser: Superuser
    ) -> None:
        async with a_journal() as journal:
            for n in range(5):
                assert journal._main.connection is not None or n == 0
                if journal._main.connection is not None:
                    superuser.execute("SELECT pg_terminate_backend(%s)", [journal._main.connection.info.backend_pid])
                assert (await journal.put(acme, row(room, vic, f"{n}"))).seq == 3 + n

    async def test_connections_cut_under_load_lose_and_double_nothing(
        self, acme: TenantRef, vic: Principal, room: UUID, superuser: Superuser
    ) -> None:
        heard = Heard()
        async with a_journal(heard) as journal:
            puts = []
            for n in range(400):
                puts.append(asyncio.create_task(journal.put(acme, row(room, vic, f"{n}"))))
                if n % 40 == 20 and journal._main.connection is not None:
                    superuser.execute("SELECT pg_terminate_backend(%s)", [journal._main.connection.info.backend_pid])
                while journal._main.connection is None and n == 0:
                    await asyncio.sleep(0.01)  # there is one to be cut
                await asyncio.sleep(0.001)  # a flush now and then
            done = await asyncio.gather(*puts)
            assert journal.failures > 0
        assert [one.seq for one in done] == list(range(3, 403))
        assert await texts(acme, room) == ["one", "two", *(f"{n}" for n in range(400))]
        assert heard.texts() == [f"{n}" for n in range(400)]

    async def test_without_a_database_senders_hear_busy(
        self, acme: TenantRef, vic: Principal, room: UUID, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(flusher, "GIVE_UP_SECONDS", 0.2)
        journal = Journal("host=127.0.0.1 port=1 dbname=none user=none", Heard())
        journal.start()
        refused = await outcome(journal, acme, row(room, vic, "nowhere"))
        await journal.stop()
        assert isinstance(refused, Busy)
