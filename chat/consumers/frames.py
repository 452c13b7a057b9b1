"""What each frame does: one handler per frame, each of which calls one service and answers.

A handler returns None when it is done, or a coroutine to be awaited in the frame's lane.
"""

import logging
from collections.abc import Awaitable, Callable, Hashable
from typing import Any, Final
from uuid import UUID

import psycopg
from django.db import InterfaceError, OperationalError

from chat.consumers.allowance import TOO_OFTEN, a_wait_for, wait_for
from chat.consumers.hello import identify
from chat.consumers.joining import join
from chat.consumers.people import on_presence, on_seen
from chat.consumers.signals import on_read, on_typing
from chat.consumers.writing import Writing, in_order, on_change, on_send, refuse_held
from chat.limits import OPEN_PER_VISITOR
from chat.metrics import FRAMES
from chat.realtime.hub import Published, hub
from chat.realtime.protocol.codes import Close
from chat.realtime.protocol.incoming import (
    Auth,
    ClientFrame,
    Delete,
    Edit,
    History,
    Join,
    Leave,
    Open,
    Page,
    PageChange,
    Ping,
    PresenceChange,
    React,
    Read,
    Seen,
    Send,
    Typing,
)
from chat.realtime.protocol.moments import stamp
from chat.realtime.protocol.outgoing import Ack, Authed, Err, Left, PageOut, Pong, refusal
from chat.realtime.session import Session
from chat.selectors.messages import history
from chat.services.messages import Opened, open_room
from chat.services.visitors import clean_page, moved_to
from saas.core.errors import AppError, Busy, Forbidden, Internal, NotFound, RateLimited
from saas.core.ratelimit import a_check
from tenants.access import Do
from tenants.context import run_in_tenant, run_on_platform
from tenants.reading import read_in_tenant
from tenants.selectors import members_who_may

log = logging.getLogger(__name__)

NO_DATABASE: Final = (OperationalError, InterfaceError, psycopg.OperationalError, psycopg.InterfaceError, TimeoutError)
NO_DATABASE_SECONDS: Final = 2.0  # until it is worth trying again

Pending = Awaitable[None] | None


def handle(session: Session, frame: ClientFrame) -> Pending:
    """Do what the frame asks. Never raises: a refusal becomes an `err` frame, whether it comes at once or later."""
    try:
        if isinstance(frame, Writing):
            refuse_held(session, frame)  # costs nothing
        wait = wait_for(session, frame)
        pending = _handle_later(session, frame) if wait is None else _handle(session, frame, wait)
    except Exception as error:
        refuse(session, frame, error)
        return None
    return None if pending is None else _answered(session, frame, pending)


def _handle(session: Session, frame: ClientFrame, wait: float) -> Pending:
    """Do it, or refuse it for so many seconds."""
    if wait:
        raise RateLimited(TOO_OFTEN, retry_after=wait)
    return HANDLERS[type(frame)](session, frame)


async def _handle_later(session: Session, frame: ClientFrame) -> None:
    """After the count was settled between the processes."""
    if (pending := _handle(session, frame, await a_wait_for(session, frame))) is not None:
        await pending


def lane_of(frame: ClientFrame) -> Hashable:
    """Frames of one room are handled in order; an `open` has a lane of its own."""
    return getattr(frame, "room", None) or getattr(frame, "cid", None) or type(frame)


def refusal_of(frame: ClientFrame, error: Exception) -> Err:
    """The `err` frame for what went wrong."""
    return refusal(_told(frame, error), cid=getattr(frame, "cid", None), ref=getattr(frame, "ref", None))


def _told(frame: ClientFrame, error: Exception) -> AppError:
    """What the client hears of it; what is not a refusal of ours is logged, and nobody's business."""
    if isinstance(error, AppError):
        return error
    if isinstance(error, NO_DATABASE):
        log.warning("a %s frame found no database: %s", type(frame).__name__, error)
        return Busy("The message store does not answer.", retry_after=NO_DATABASE_SECONDS)
    log.error("a %s frame ended in an error of ours", type(frame).__name__, exc_info=error)
    return Internal("Something went wrong on our side.")


def _told_in(session: Session, frame: ClientFrame, error: Exception) -> AppError:
    """In the socket's context: the server's protocol calls in one of nobody's."""
    return session.context.copy().run(_told, frame, error)


def refuse(session: Session, frame: ClientFrame, error: Exception) -> None:
    """Answer a frame with its refusal."""
    told = error if isinstance(error, AppError) else _told_in(session, frame, error)
    FRAMES.add(told.code)
    held = in_order(session, frame, told) if isinstance(frame, Writing) else told
    session.was_refused(held)
    session.send(refusal_of(frame, held))
    error.__traceback__ = None  # its frames may hold it: a flood would tie thousands of such knots for the collector to find


async def _answered(session: Session, frame: ClientFrame, pending: Awaitable[None]) -> None:
    try:
        await pending
    except Exception as error:
        refuse(session, frame, error)


async def on_open(session: Session, frame: Open) -> None:
    await a_check(OPEN_PER_VISITOR, session.tenant.id, str(session.principal.id))
    agents = await run_on_platform(members_who_may, session.tenant.id, Do.ANSWER)
    await hub().to_the_end(_open(session, frame, agents))


async def _open(session: Session, frame: Open, agents: list[UUID]) -> None:
    """Commit it and tell of it: whatever happens after the commit, to the socket or to its place in the room."""
    opened = await run_in_tenant(session.tenant, open_room, session.principal, frame, agents=agents)
    try:
        await join(session, opened.room_id)
    except Exception as error:
        _told(frame, error)  # it is stored: who made it has its `ack`, and joins by itself
    _announce(session, frame, opened)


def _announce(session: Session, frame: Open, opened: Opened) -> None:
    """After the commit: the ack, the room to the agents' inbox, and their notifications."""
    if opened.stored:
        row, done = opened.stored[-1]
        session.send(done.ack(row))
        hub().published(session.tenant, [Published(row, done) for row, done in opened.stored])
    else:
        session.send(Ack(cid=frame.cid, room=opened.room_id, seq=0, id=opened.room_id, ts=stamp(opened.opened_at)))
    if opened.untold:
        hub().tell_summary(session.tenant, opened.untold)
    if opened.notified:
        hub().notify(session.tenant, opened.notified.notice, opened.notified.to)


async def on_join(session: Session, frame: Join) -> None:
    await join(session, frame.room, ref=frame.ref, epoch=frame.epoch, after=frame.after)


def on_leave(session: Session, frame: Leave) -> None:
    if not hub().leave_room(session, frame.room):
        raise NotFound("You are not in this room.")
    session.send(Left(ref=frame.ref, room=frame.room))


async def on_history(session: Session, frame: History) -> None:
    messages, more = await read_in_tenant(session.tenant, history, session.principal, frame.room, before=frame.before)
    session.send(PageOut(ref=frame.ref, room=frame.room, messages=messages, more=more))


def on_page(session: Session, frame: PageChange) -> Pending:
    if session.principal.kind != "visitor":
        raise Forbidden("Only a visitor has a page.")
    session.page = Page(**clean_page(Page(url=frame.url, title=frame.title, referrer=frame.referrer)))
    hub().moved(session)
    return run_in_tenant(session.tenant, moved_to, session.principal.id, session.page)


async def on_auth(session: Session, frame: Auth) -> None:
    """A fresh token for the same person; anybody else's ends the socket. Who has another role by now comes back as that."""
    found = await identify(session.tenant, session.principal.site_id, frame.token)
    if isinstance(found, Close) or found.id != session.principal.id:
        return session.end(found if isinstance(found, Close) else Close.NOT_YOURS)
    if found.role != session.principal.role:  # which its rooms and groups were entered with
        return session.send_back()
    session.principal = found
    session.send(Authed(expires_in=session.seconds_left()))
    return None


def on_ping(session: Session, frame: Ping) -> None:
    session.send(Pong(n=frame.n))


HANDLERS: dict[type, Callable[[Session, Any], Pending]] = {
    Send: on_send,
    Edit: on_change,
    Delete: on_change,
    React: on_change,
    Open: on_open,
    Join: on_join,
    Leave: on_leave,
    History: on_history,
    Read: on_read,
    Typing: on_typing,
    PageChange: on_page,
    PresenceChange: on_presence,
    Seen: on_seen,
    Auth: on_auth,
    Ping: on_ping,
}
