"""What the journal refuses: each row for itself, and nobody else for it."""

import asyncio
from uuid import UUID, uuid4

import psycopg
from django.utils import timezone
from psycopg import sql

from chat.models import Room
from chat.realtime.append import Appended
from saas.core.errors import AppError, NotFound, RoomClosed
from tenants.context import TenantRef, run_in_tenant
from tenants.tokens import Principal
from tests.support.journals import a_journal, in_room, outcome, row
from tests.support.patience import PATIENCE
from tests.support.shop import Shop
from tests.support.stored import texts

Superuser = psycopg.Connection[tuple[object, ...]]


class TestRefusals:
    async def test_each_row_gets_its_own_answer(self, acme: TenantRef, vic: Principal, room: UUID) -> None:
        closed = await in_room(acme, vic)
        await run_in_tenant(acme, _close, closed)
        async with a_journal() as journal:
            rows = [row(uuid4(), vic, "nowhere"), row(closed, vic, "too late"), row(room, vic, "three")]
            found = await asyncio.gather(*(outcome(journal, acme, one) for one in rows))
        assert [type(one) for one in found] == [NotFound, RoomClosed, Appended]

    async def test_one_bad_row_fails_alone(self, acme: TenantRef, vic: Principal, room: UUID) -> None:
        texts_sent = [f"line {n}" for n in range(20)]
        texts_sent[7] = "a\0b"  # the database takes no NUL; nobody who decodes frames lets one through
        async with a_journal() as journal:
            found = await asyncio.gather(*(outcome(journal, acme, row(room, vic, text)) for text in texts_sent))
        assert [n for n, one in enumerate(found) if isinstance(one, AppError)] == [7]
        assert await texts(acme, room) == ["one", "two", *texts_sent[:7], *texts_sent[8:]]

    async def test_a_row_that_cannot_be_written_down_is_answered_and_fails_alone(
        self, acme: TenantRef, vic: Principal, room: UUID
    ) -> None:
        async with a_journal() as journal:
            rows = [row(room, vic, "good"), row(room, vic, "a\ud800b"), row(room, vic, "good too")]
            async with asyncio.timeout(PATIENCE):
                found = await asyncio.gather(*(outcome(journal, acme, one) for one in rows))
        assert [isinstance(one, Appended) for one in found] == [True, False, True]

    async def test_a_tenant_without_its_schema_fails_alone(
        self, acme: TenantRef, vic: Principal, room: UUID, shop: Shop, superuser: Superuser
    ) -> None:
        who = await shop.visitor()
        lost = await in_room(shop.tenant, who)
        superuser.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(shop.tenant.schema)))
        async with a_journal() as journal:
            found = await asyncio.gather(
                outcome(journal, shop.tenant, row(lost, who, "lost")), outcome(journal, acme, row(room, vic, "three"))
            )
            assert [type(one).__name__ for one in found] == ["Internal", "Appended"]

    async def test_a_tenant_without_its_role_fails_alone(
        self, acme: TenantRef, vic: Principal, room: UUID, shop: Shop, superuser: Superuser
    ) -> None:
        who = await shop.visitor()
        lost = await in_room(shop.tenant, who)
        role = sql.Identifier(shop.tenant.role)
        superuser.execute(sql.SQL("DROP OWNED BY {}; DROP ROLE {}").format(role, role))
        async with a_journal() as journal:
            found = await asyncio.gather(
                outcome(journal, shop.tenant, row(lost, who, "lost")), outcome(journal, acme, row(room, vic, "three"))
            )
            assert [type(one).__name__ for one in found] == ["Internal", "Appended"]


def _close(room_id: UUID) -> None:
    Room.objects.filter(id=room_id).update(closed_at=timezone.now())
