"""What an agent takes away over a socket stands in the audit log, with from where it came."""

import asyncio
from uuid import UUID, uuid4

from tenants.context import TenantRef, run_on_platform
from tenants.models import AuditEntry
from tenants.tokens import Principal
from tests.support.patience import PATIENCE
from tests.support.sockets import ChatSocket, Doors


async def deletions(room: UUID, *, wanted: int) -> list[AuditEntry]:
    """The deletions in this room that are written down, as soon as there are so many."""

    def read() -> list[AuditEntry]:
        return list(AuditEntry.objects.filter(act="message.deleted", thing_id=str(room)).order_by("id"))

    async with asyncio.timeout(PATIENCE):
        while len(found := await run_on_platform(read)) < wanted:
            await asyncio.sleep(0.02)
    return found


async def delete(socket: ChatSocket, room: UUID, message: str, cid: UUID | None = None) -> None:
    cid = cid or uuid4()
    await socket.say("delete", cid=cid, room=room, message=message)
    await socket.expect("ack", cid=str(cid))


async def test_deleting_others_words_is_written_down_once_and_ones_own_is_not(
    doors: Doors, acme: TenantRef, vic: Principal, agent_ben: Principal, room: UUID
) -> None:
    async with doors.agent(acme, agent_ben) as inbox, doors.visitor(acme, vic) as widget:
        await inbox.join(room)
        await widget.join(room)
        await widget.send(room, "theirs")
        theirs = (await inbox.expect("msg", room=str(room), seq=3))["message"]["id"]
        await inbox.send(room, "mine")
        mine = (await widget.expect("msg", room=str(room), seq=4))["message"]["id"]
        await delete(inbox, room, mine)
        again = uuid4()
        await delete(inbox, room, theirs, again)
        await delete(inbox, room, theirs, again)
        await widget.send(room, "the next")
        third = (await inbox.expect("msg", room=str(room), seq=7))["message"]["id"]
        await delete(inbox, room, third)
        found = await deletions(room, wanted=2)
    assert [(entry.by_id, entry.by_name, entry.before) for entry in found] == [(agent_ben.id, "Ben", {"author": vic.name})] * 2
    assert (found[0].tenant_id, found[0].way, found[0].address) == (acme.id, "socket", "127.0.0.1")
