"""Frames over HTTP, for clients whose sockets are blocked: an ASGI application beside `socket.py`, over the same handlers.

`frames` handles what a client says and answers with what answers it; `events` is a `hello` whose answer waits for news. A request
is a session of its own: nothing is kept between two but a place among those who are here, and how much was said (`resting.py`).
"""

import asyncio
import logging
from collections.abc import Awaitable, Hashable
from typing import Any, Final

import msgspec
import psycopg
from django.db import DatabaseError

from chat.consumers.allowance import admit_join, admit_request, admit_rooms
from chat.consumers.collector import ANSWERS, Collector
from chat.consumers.coming_in import turn_to_be_welcomed
from chat.consumers.frames import handle, lane_of, refusal_of
from chat.consumers.frames import refuse as refuse_frame
from chat.consumers.hello import identify, welcome
from chat.consumers.http_answers import Ended, Receive, bearer, read_body, refuse, refuse_as, respond, wait_gone
from chat.consumers.joining import join
from chat.consumers.lanes import Lanes
from chat.consumers.news import news_of
from chat.consumers.resting import go_on, resting, take_page
from chat.limits import HELD_IN_ALL, HELD_PER_TENANT
from chat.realtime.hub import hub
from chat.realtime.outbox import AsgiSend
from chat.realtime.protocol.codes import Close, version_for
from chat.realtime.protocol.incoming import ClientFrame, Hello, Leave, Read, Typing, decode
from chat.realtime.protocol.outgoing import refusal
from chat.realtime.protocol.requests import Asked, read_asked, read_said
from chat.realtime.session import Session
from saas.core import health
from saas.core.errors import AppError, BadFrame, RateLimited
from saas.core.http import scope_ip
from saas.core.ratelimit import Most, Places
from tenants.limits import REFUSED_IN_ALL, REFUSED_PER_TENANT
from tenants.routing import key_in

log = logging.getLogger(__name__)

WELCOME_SECONDS: Final = 30.0  # for the database; who waited longer comes back another time
ANSWER_SECONDS: Final = 10.0  # for what answers the frames of one request
POLL_SECONDS: Final = 25.0  # a poll without news
LINGER_SECONDS: Final = 1.0  # so much later comes an answer that refuses a request for its pace
GATHER_SECONDS: Final = 0.02  # what comes with the first news travels with it

_held: set[Session] = set()
_places = Places()  # of those
_refused = Places()  # of requests whose refusal is held back


def held_polls() -> set[Session]:
    """The polls of this process that wait for news."""
    return set(_held)


async def chat_by_http(scope: dict[str, Any], receive: Receive, send: AsgiSend) -> None:
    """The ASGI application behind `tenants.routing.FramesByHttp`, which has put `act` into the scope beside what sockets have."""
    if scope["method"] != "POST":
        return await respond(send, 405, b"", {"allow": "POST"})
    try:
        body = await _answer(scope, receive)
    except Ended as ended:
        return await refuse_as(send, ended.code)
    except AppError as error:
        return await refuse(send, error, code=Close.BAD_PROTOCOL if isinstance(error, BadFrame) else None)
    except (DatabaseError, psycopg.Error, TimeoutError) as error:
        log.warning("a request could not be answered: %s: %s", type(error).__name__, error)
        return await refuse_as(send, Close.BUSY)
    if body is not None:
        await respond(send, 200, body)
    return None


async def _answer(scope: dict[str, Any], receive: Receive) -> bytes | None:
    """The body of the answer; None if nobody waits for it any more."""
    if scope["refused"] is not None:
        raise Ended(scope["refused"])
    if health.draining:
        raise Ended(Close.RESTART)
    principal = await identify(scope["tenant"], scope["site_id"], bearer(scope))
    if isinstance(principal, Close):
        raise Ended(principal)
    is_poll = scope["act"] == "events"
    outbox = Collector(only=None if is_poll else ANSWERS)
    session = Session(scope["tenant"], principal, outbox, outbox.end, address=scope_ip(scope), key=key_in(scope), counts=is_poll)
    await _admit(session, admit_request(session))
    body = await read_body(scope, receive)
    if body is None:
        return None
    gone = asyncio.create_task(wait_gone(receive))
    try:
        return await (_poll(session, outbox, read_asked(body), gone) if is_poll else _handle(session, outbox, read_said(body)))
    finally:
        gone.cancel()
        resting().rest(session)


async def _admit(session: Session, counted: Awaitable[None]) -> None:
    """Count it. Who asks too often hears of it a moment later. Raises RateLimited."""
    try:
        await counted
    except RateLimited:
        await _refused.linger({REFUSED_PER_TENANT: session.tenant.id, REFUSED_IN_ALL: None}, LINGER_SECONDS)
        raise


# --- hearing -----------------------------------------------------------------------------------------------------------------


async def _poll(session: Session, outbox: Collector, asked: Asked, gone: asyncio.Task[None]) -> bytes | None:
    if isinstance(version := version_for(asked.v, asked.min), Close):
        raise Ended(version)
    await _admit(session, admit_rooms(session, len(asked.rooms)))
    places: dict[Most, Hashable] = {HELD_PER_TENANT: session.tenant.id, HELD_IN_ALL: None}
    if not _places.take(places):
        raise Ended(Close.BUSY)
    _held.add(session)
    try:
        await _welcome(session, asked)
        found = news_of(outbox.take(), asked.cursor, crowds=crowds_of(session))
        later = [] if found.frames else await _next(outbox, gone)
    finally:
        _held.discard(session)
        _places.give_back(places)
    frames = found.frames or later
    if outbox.code not in (None, Close.TOO_SLOW) and not frames:
        raise Ended(outbox.code or Close.BUSY)
    return None if gone.done() else _encoded(frames, found.cursor(later))


async def _welcome(session: Session, asked: Asked) -> None:
    """As after a `hello`."""
    take_page(session)
    said = Hello(v=asked.v, min=asked.min, token="", rooms=asked.rooms, locale=asked.locale, page=asked.page)
    async with asyncio.timeout(WELCOME_SECONDS), turn_to_be_welcomed(session.tenant.id):
        go_on(session)
        await welcome(session, said)
    resting().replace(session)


def crowds_of(session: Session) -> set[str]:
    """The rooms of which the client is told a sample."""
    rooms = (hub().room(session.tenant, room_id) for room_id in session.rooms)
    return {str(room.id) for room in rooms if room is not None and room.crowded}


async def _next(outbox: Collector, gone: asyncio.Task[None]) -> list[bytes]:
    """The next frames, and those that come with them; none if there are none for long, or nobody waits any more."""
    news = asyncio.create_task(outbox.news.wait())
    try:
        await asyncio.wait([news, gone], timeout=POLL_SECONDS, return_when=asyncio.FIRST_COMPLETED)
    finally:
        news.cancel()
    if outbox.frames:
        await asyncio.sleep(GATHER_SECONDS)
    return outbox.take()


# --- saying ------------------------------------------------------------------------------------------------------------------


async def _handle(session: Session, outbox: Collector, said: list[bytes]) -> bytes:
    """Do what the frames ask, and wait until each has its answer, at most `ANSWER_SECONDS`."""
    go_on(session)
    hub().enter(session, quietly=True)
    lanes = Lanes()
    for data in said:
        _take(session, outbox, lanes, data)
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            await lanes.idle()
            while outbox.unanswered and outbox.code is None:
                outbox.news.clear()
                await outbox.news.wait()
    except TimeoutError:
        lanes.stop()
    frames = outbox.take()
    if outbox.code is not None and not frames:
        raise Ended(outbox.code)
    return _encoded(frames)


def _take(session: Session, outbox: Collector, lanes: Lanes, data: bytes) -> None:
    try:
        frame = decode(data)
    except AppError as error:
        return session.send(refusal(error))
    try:
        if isinstance(frame, Hello):
            raise BadFrame("Over HTTP `hello` is the request itself.")
        if cid := getattr(frame, "cid", None):
            outbox.unanswered.append(cid)
        lanes.run(lane_of(frame), lambda: _begin(session, outbox, frame))
    except AppError as error:
        session.send(refusal_of(frame, error))
    return None


def _begin(session: Session, outbox: Collector, frame: ClientFrame) -> Awaitable[None] | None:
    """Handle it when its turn has come; what is said by one who is in the room needs a place there first."""
    if wait := session.frame_wait():
        refuse_frame(session, frame, RateLimited("Too many frames.", retry_after=wait))
        return None
    if isinstance(frame, Read | Typing | Leave) and frame.room not in session.rooms:
        return _begin_inside(session, outbox, frame)
    return handle(session, frame)


async def _begin_inside(session: Session, outbox: Collector, frame: Read | Typing | Leave) -> None:
    try:
        await admit_join(session)
        await join(session, frame.room, ref=outbox.nobody, takes_place=False)
    except Exception as error:
        return session.send(refusal_of(frame, error))
    if isinstance(frame, Leave):
        resting().leave_room(session, frame.room)
    if (pending := handle(session, frame)) is not None:
        await pending
    return None


def _encoded(frames: list[bytes], cursor: str | None = None) -> bytes:
    tail = b"" if cursor is None else b',"cursor":' + msgspec.json.encode(cursor)
    return b'{"frames":[' + b",".join(frames) + b"]" + tail + b"}"
