"""People who change messages through a journal, and what becomes of them."""

from dataclasses import replace
from typing import Any
from uuid import UUID

import psycopg

from chat.models import Message, Participant, Room
from chat.realtime.amend import Amended, Change
from chat.realtime.append import Appended, Row
from chat.realtime.journal import Journal
from tenants.context import TenantRef, run_in_tenant
from tenants.tokens import Principal
from tests.support.journals import row

Superuser = psycopg.Connection[tuple[object, ...]]


class Teller:
    """One person who changes messages of one room through a journal."""

    def __init__(self, journal: Journal, tenant: TenantRef, room: UUID, who: Principal) -> None:
        self.journal, self.tenant, self.room, self.who = journal, tenant, room, who

    def row(self, text: str, **fields: Any) -> Row:
        return replace(row(self.room, self.who, text), **fields)

    def change(self, kind: Any, message: UUID, **fields: Any) -> Change:
        made = row(self.room, self.who, "")
        return Change(kind, self.room, made.author, made.cid, message, moderates=self.who.kind == "agent", **fields)

    async def say(self, text: str, **fields: Any) -> Appended:
        return await self.journal.put(self.tenant, self.row(text, **fields))

    async def edit(self, message: UUID, text: str) -> Amended:
        return await self.journal.change(self.tenant, self.change("edit", message, text=text))

    async def delete(self, message: UUID) -> Amended:
        return await self.journal.change(self.tenant, self.change("delete", message))

    async def react(self, message: UUID, emoji: str, *, on: bool = True) -> Amended:
        return await self.journal.change(self.tenant, self.change("react", message, emoji=emoji, on=on))


async def community(tenant: TenantRef, site_id: UUID | None, **fields: Any) -> UUID:
    """A community room of the site."""

    def make() -> UUID:
        return Room.objects.create(kind="community", title="Lamp talk", site_id=site_id, **fields).id

    return await run_in_tenant(tenant, make)


async def place(tenant: TenantRef, room: UUID, who: Principal, **fields: Any) -> None:
    """The person's place in the room."""

    def make() -> None:
        Participant.objects.update_or_create(
            room_id=room, person_id=who.id, defaults={"kind": who.kind, "name": who.name, **fields}
        )

    await run_in_tenant(tenant, make)


async def message_in(tenant: TenantRef, message: UUID) -> Message:
    return await run_in_tenant(tenant, Message.objects.get, id=message)
