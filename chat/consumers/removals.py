"""What somebody deletes of others' words is an act of who keeps order, and is written down as soon as it is stored.

The journal stores changes of many rooms at once and knows of no request, so this comes a moment after the commit. A process that
dies in that moment leaves the message deleted and the act not written down.
"""

import asyncio
import logging
from typing import Final

from chat.realtime.amend import Amended, Change
from chat.realtime.session import Session
from chat.services.changes import record_removal
from tenants.context import run_for_tenant

log = logging.getLogger(__name__)
_writing: Final[set[asyncio.Task[None]]] = set()


def write_down(session: Session, change: Change, done: Amended) -> None:
    """Write a deletion of somebody else's message down, if it is one and news."""
    if change.kind != "delete" or done.outcome != "stored" or done.message is None or done.message.by_id == change.author.id:
        return
    work = _write(session, change, done.message.by_name)
    task = asyncio.get_running_loop().create_task(work, context=session.context.copy())  # which knows from where it came
    _writing.add(task)
    task.add_done_callback(_writing.discard)


async def _write(session: Session, change: Change, author: str) -> None:
    tenant, who = session.tenant, session.principal
    try:
        await run_for_tenant(tenant, record_removal, tenant, who, room_id=change.room_id, author=author)
    except Exception:
        log.exception("the deletion of message %s of tenant %s is not in the audit log", change.message_id, tenant.id)
