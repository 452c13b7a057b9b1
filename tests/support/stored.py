"""What the database holds of a room."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from chat.models import Message
from tenants.context import TenantRef, run_in_tenant


@dataclass(frozen=True, slots=True)
class Line:
    """A stored message."""

    seq: int
    cid: UUID | None
    author_id: UUID | None
    text: str


def lines_of(room_id: UUID) -> list[Line]:
    """The room's messages in the order of their seq. Inside the tenant."""
    found = Message.objects.filter(room_id=room_id).order_by("seq").values_list("seq", "cid", "author_id", "text")
    return [Line(*row) for row in found]


async def stored(tenant: TenantRef, room_id: UUID) -> list[Line]:
    """The same from a coroutine."""
    return await run_in_tenant(tenant, lines_of, room_id)


async def texts(tenant: TenantRef, room_id: UUID) -> list[str]:
    """What was said in the room, in order."""
    return [line.text for line in await stored(tenant, room_id)]


async def count_messages(tenant: TenantRef) -> int:
    """How many messages the tenant has in all its rooms."""
    return await run_in_tenant(tenant, Message.objects.count)


def is_gapless(seqs: Sequence[int]) -> bool:
    """Whether they are 1, 2, 3 and so on."""
    return list(seqs) == list(range(1, len(seqs) + 1))
