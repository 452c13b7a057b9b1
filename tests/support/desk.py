"""The notes of one process about what messages make due, and what is stored of them."""

from typing import Any
from uuid import UUID, uuid4

from chat.models import Notification, Room
from chat.notifications import mentions
from chat.realtime.aftermath import Aftermath
from chat.realtime.amend import Change, amend_sync
from chat.realtime.append import Appended, Row, append_sync
from chat.realtime.journal import Stored
from chat.realtime.protocol.outgoing import Author, Notice
from tenants.context import TenantRef, in_tenant, run_in_tenant, run_on_platform
from tenants.models import User
from tenants.tokens import Principal
from tests.support.shop import Shop

Copy = tuple[UUID, str, str, UUID | None]  # recipient, category, body, room


def said(tenant: TenantRef, room: UUID, who: Principal, text: str) -> Stored:
    """A line of theirs, stored as the journal stores it."""
    row = Row(room, Author(kind=who.kind, id=who.id, name=who.name), uuid4(), text)
    with in_tenant(tenant):
        done = append_sync([row])[0]
    assert done.outcome == "stored"
    return Stored(tenant, row, done)


def copies(tenant: TenantRef, *categories: str) -> list[Copy]:
    with in_tenant(tenant):
        found = Notification.objects.filter(category__in=categories or ("messages", "mentions")).order_by("id")
        return list(found.values_list("recipient_id", "category", "body", "room_id"))


class Desk:
    """The notes of one process: who looks at which room, and what was pushed."""

    def __init__(self) -> None:
        self.looking: dict[UUID, set[UUID]] = {}
        self.pushed: list[tuple[TenantRef, Notice, list[UUID]]] = []
        self.aftermath = Aftermath(lambda _tenant, room: self.looking.get(room, set()), self._tell)

    def _tell(self, tenant: TenantRef, notice: Notice, to: Any) -> None:
        self.pushed.append((tenant, notice, [who for who, _ in to]))

    def close(self) -> None:
        """Nothing is looked at any more."""
        self.aftermath.stop()

    async def says(self, tenant: TenantRef, room: UUID, who: Principal, *lines: str) -> list[Stored]:
        """They say this, and all that is due for it is done."""
        stored = [await run_on_platform(said, tenant, room, who, text) for text in lines]
        self.aftermath.heed(stored)
        assert await self.aftermath.flush()
        return stored


async def told(shop: Shop, *categories: str) -> list[Copy]:
    return await run_on_platform(copies, shop.tenant, *categories)


async def who_was_told(shop: Shop, *categories: str) -> set[UUID]:
    return {copy[0] for copy in await told(shop, *categories)}


def see_all(tenant: TenantRef) -> None:
    with in_tenant(tenant):
        Notification.objects.update(seen_at="2026-01-01T00:00:00Z")


async def notes_of(shop: Shop, room: UUID) -> UUID:
    return await run_in_tenant(shop.tenant, lambda: UUID(str(Room.objects.get(notes_of=room).id)))


def rename(who: Principal, name: str) -> None:
    User.objects.filter(id=who.id).update(name=name)
    mentions.forget_team(tenant_id=who.tenant_id)


def delete(tenant: TenantRef, who: Principal, line: Stored) -> None:
    assert isinstance(line.done, Appended)
    author = Author(kind=who.kind, id=who.id, name=who.name)
    with in_tenant(tenant):
        (done,) = amend_sync([Change("delete", line.row.room_id, author, uuid4(), line.done.id)])
    assert done.outcome == "stored"
