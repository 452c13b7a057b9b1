"""Journals of a test's own, the rows that go into them, and what stands in their way."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import sql

from chat.realtime.append import Appended, Row
from chat.realtime.journal import Journal, Stored
from chat.realtime.protocol.outgoing import Author
from saas.core.database import dsn
from saas.core.errors import AppError
from tenants.context import TenantRef, run_on_platform
from tenants.tokens import Principal
from tests.support import talk


class Heard(list[Stored]):
    """What a journal published."""

    def __call__(self, stored: Sequence[Stored]) -> None:
        self.extend(stored)

    def texts(self) -> list[str]:
        return [one.row.text or "" for one in self]


@asynccontextmanager
async def a_journal(publish: Callable[[Sequence[Stored]], None] | None = None) -> AsyncIterator[Journal]:
    journal = Journal(dsn(), Heard() if publish is None else publish)
    journal.start()
    try:
        yield journal
    finally:
        await journal.stop()


def row(room: UUID, who: Principal, text: str, *, cid: UUID | None = None) -> Row:
    return Row(room, Author(kind=who.kind, id=who.id, name=who.name), cid or uuid4(), text)


async def outcome(journal: Journal, tenant: TenantRef, one: Row) -> Appended | AppError:
    """What the sender hears, be it good or bad."""
    try:
        return await journal.put(tenant, one)
    except AppError as error:
        return error


def lose_next_answer(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next flush is stored, and the connection breaks before its answer comes."""
    real = journal._main._send

    async def send(groups: Any) -> Any:
        monkeypatch.setattr(journal._main, "_send", real)
        await real(groups)
        raise psycopg.OperationalError("the connection broke before the answer came")

    monkeypatch.setattr(journal._main, "_send", send)


def lock_of(tenant: TenantRef) -> sql.Composed:
    """Takes the row lock of a room, which an append must have."""
    return sql.SQL("SELECT FROM {}.chat_room WHERE id = %s FOR UPDATE").format(sql.Identifier(tenant.schema))


def tables_of(tenant: TenantRef) -> sql.Composed:
    """Takes the tables that an append needs, as a migration does."""
    return sql.SQL("LOCK TABLE {}.chat_room IN ACCESS EXCLUSIVE MODE").format(sql.Identifier(tenant.schema))


async def in_room(tenant: TenantRef, who: Principal) -> UUID:
    """A new, empty room of the visitor."""
    return await run_on_platform(talk.room_of, tenant, who)
