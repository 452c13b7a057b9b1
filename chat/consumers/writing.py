"""Frames that write: sending, editing, deleting, reacting. Checked here as far as it costs no wait, stored by the journal.

What one sender says in one room is stored in the order said: nothing overtakes what was refused for its pace or as `busy`.
"""

from collections.abc import Awaitable
from functools import partial
from typing import Final
from uuid import UUID

from billing.standing import refusal_of_answer
from chat.access import room_for
from chat.consumers.removals import write_down
from chat.realtime.amend import Amended, Change
from chat.realtime.append import Row
from chat.realtime.hub import hub
from chat.realtime.protocol.incoming import Delete, Edit, React, Send
from chat.realtime.protocol.outgoing import refusal
from chat.realtime.session import Session
from chat.realtime.waiting import Done, ack_of
from chat.selectors.messages import is_stored
from chat.services.changes import change_of
from chat.services.messages import message_row
from chat.services.words import is_harmless, refuse_words
from saas.core.errors import AppError, Busy, Forbidden, PlanLimit, RateLimited
from tenants.reading import read_in_tenant

TOO_FAST: Final = "You are sending faster than the room can follow."

Writing = Send | Edit | Delete | React
Pending = Awaitable[None] | None


def on_send(session: Session, frame: Send) -> Pending:
    """Store the message; its `ack` comes with the commit. What a visitor says is never too much for the tenant's plan."""
    if session.principal.kind == "agent" and (refusal := refusal_of_answer(session.tenant.id)):
        return _send_again(session, frame, refusal)
    return _write(session, frame)


def on_change(session: Session, frame: Edit | Delete | React) -> Pending:
    """Change a message; the `ack` comes with the commit."""
    return _write(session, frame)


def refuse_held(session: Session, frame: Writing) -> None:
    """Refuse what must not overtake something that was refused before. Raises RateLimited or Busy."""
    if refused := session.order.refusal(frame.room, frame.cid):
        raise refused


def in_order(session: Session, frame: Writing, error: Exception) -> Exception:
    """The refusal of a frame, wherever it was refused. What would be taken a moment later is overtaken by nothing meanwhile."""
    if not isinstance(error, RateLimited | Busy):
        session.order.settled(frame.room, frame.cid)
        return error
    if session.order.waits(frame.room, frame.cid):
        return error
    return _held(session, frame.room, frame.cid, error)


def _write(session: Session, frame: Writing) -> Pending:
    writable = session.rooms.get(frame.room)
    if writable is None or not is_harmless(session.tenant, session.principal, _words(frame)):
        return _write_after_a_look(session, frame)
    _store(session, frame, may_write=writable)
    return None


async def _send_again(session: Session, frame: Send, refusal: PlanLimit) -> None:
    """What was stored before gets the answer of that time, however much the tenant may send by now."""
    if not await read_in_tenant(session.tenant, is_stored, session.principal, frame.room, frame.cid):
        raise refusal
    await _write_after_a_look(session, frame)


async def _write_after_a_look(session: Session, frame: Writing) -> None:
    """The database is asked first: about a room that was not joined, or words that some rooms do not take."""
    found = await read_in_tenant(session.tenant, room_for, session.principal, frame.room)
    await _refuse_words(session, frame)
    _store(session, frame, may_write=found.may_write)


async def _refuse_words(session: Session, frame: Writing) -> None:
    """Raise Forbidden for a word that the room does not take; what was stored while it took it gets the answer of that time."""
    try:
        await refuse_words(session.tenant, session.principal, frame.room, _words(frame))
    except Forbidden:
        if not await read_in_tenant(session.tenant, is_stored, session.principal, frame.room, frame.cid):
            raise


def _words(frame: Writing) -> str:
    return (frame.text or "") if isinstance(frame, Send | Edit) else ""


def _store(session: Session, frame: Writing, *, may_write: bool) -> None:
    refuse_held(session, frame)  # once more: something may have been refused while this one waited
    if wait := session.send_wait():
        raise RateLimited(TOO_FAST, retry_after=wait)
    row = _row(session, frame, may_write=may_write)
    hub().journal.append(session.tenant, row, partial(_answer, session, row))
    session.order.taken(frame.room, frame.cid)


def _row(session: Session, frame: Writing, *, may_write: bool) -> Row | Change:
    if isinstance(frame, Send):
        return message_row(session.principal, frame, may_write=may_write)
    return change_of(session.principal, frame, may_write=may_write)


def _answer(session: Session, row: Row | Change, result: Done | AppError) -> None:
    if isinstance(result, Busy):
        result = _held(session, row.room_id, row.cid, result)
    else:
        session.order.settled(row.room_id, row.cid)
    session.send(refusal(result, cid=row.cid) if isinstance(result, AppError) else ack_of(row, result))
    if isinstance(row, Change) and isinstance(result, Amended):
        write_down(session, row, result)


def _held(session: Session, room_id: UUID, cid: UUID, error: RateLimited | Busy) -> AppError:
    """The same refusal, and nothing of this socket for the room until what was refused comes again."""
    wait = session.order.refuse(room_id, cid, error.retry_after or 0.0, type(error))
    return type(error)(error.message, retry_after=wait)
