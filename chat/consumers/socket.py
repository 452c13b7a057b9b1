"""One WebSocket from handshake to end: an ASGI application for visitors and agents alike."""

import asyncio
import logging
from collections.abc import Hashable
from contextvars import copy_context
from itertools import count
from secrets import token_hex
from typing import Any, ClassVar

import psycopg
from django.db import DatabaseError
from structlog.contextvars import bind_contextvars

from chat.consumers.allowance import admit, admit_person, admit_rooms
from chat.consumers.coming_in import turn_to_be_welcomed
from chat.consumers.fate import Fate
from chat.consumers.frames import handle, lane_of, refuse
from chat.consumers.hello import introduce, welcome
from chat.consumers.intake import Intake
from chat.consumers.lanes import Lanes
from chat.limits import WAITING_IN_ALL, WAITING_PER_IP, WAITING_PER_TENANT
from chat.realtime.beats import beats
from chat.realtime.hub import hub
from chat.realtime.outbox import AsgiSend, Outbox, outbox_for
from chat.realtime.protocol.codes import HELLO_SECONDS, MAX_BAD_FRAMES, SUPPORTED, Close, subprotocol_for, version_for
from chat.realtime.protocol.incoming import ClientFrame, Hello, decode
from chat.realtime.protocol.outgoing import Bye, encode, refusal
from chat.realtime.session import Session
from saas.core import health
from saas.core.errors import AppError, BadFrame, Busy, RateLimited
from saas.core.http import scope_ip
from saas.core.ratelimit import Most, Places
from saas.core.ratelimit.limit import network_of
from saas.core.rawtext import EXTENSION, RawText
from tenants.routing import key_in

log = logging.getLogger(__name__)

WELCOME_SECONDS = 30.0  # for the database to answer a `hello`; who waited longer comes back another time
COME_BACK_SECONDS = 2.0  # who finds too many waiting at the door
LINGER_SECONDS = 1.0  # who came in too often is told so at once, and let go at most so much later: it cannot come faster

_process, _numbers = token_hex(4), count(1)  # of connections, in the log
_waiting = Places()  # of sockets that have not said hello
_lingering = Places()


class Ended(Exception):  # it is how a socket ends, not something that went wrong
    """The socket is to be closed with this code."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class ChatSocket:
    """`ChatSocket(scope, receive, send).run()` lives as long as the socket."""

    open_sockets: ClassVar[set["ChatSocket"]] = set()

    def __init__(self, scope: dict[str, Any], receive: Any, send: AsgiSend) -> None:
        self.scope = scope
        self.raw: RawText | None = scope.get("extensions", {}).get(EXTENSION)
        self.receive = receive if self.raw else Intake(receive)
        if self.raw and scope["tenant"]:
            self.raw.owner = scope["tenant"].id
        self._send = send
        self.outbox: Outbox
        self.session: Session | None = None
        bind_contextvars(connection=f"{_process}-{next(_numbers)}")
        if scope["tenant"]:
            bind_contextvars(tenant=scope["tenant"].id)
        self.context = copy_context()
        self.lanes = Lanes(self.context)
        self.address = scope_ip(scope)
        self.bad_frames = 0
        self.loop = asyncio.get_running_loop()
        self._closing: asyncio.Task[None] | None = None
        self._fate = Fate(self.loop.time())

    @property
    def unsent(self) -> int:
        """Bytes that wait for its peer."""
        return self.outbox.unsent

    async def run(self) -> None:
        """Serve the socket. Returns when it has ended; never raises for anything that a peer does."""
        if (await self.receive())["type"] != "websocket.connect":
            return
        chosen = subprotocol_for(self.scope.get("subprotocols", []))
        await self._send({"type": "websocket.accept", "subprotocol": chosen})
        self.outbox = outbox_for(self.scope, self._send)
        self.open_sockets.add(self)
        try:
            await self._serve()
        except Ended as ended:
            self._fate.ends(ended.code)
            await self.outbox.close(ended.code)
        finally:
            self._fate.count()
            await self._leave()

    async def _serve(self) -> None:
        if self.scope["refused"] is not None:
            raise Ended(self.scope["refused"])
        if health.draining:
            raise Ended(Close.RESTART)
        frame: Hello | None = None
        try:
            async with asyncio.timeout(HELLO_SECONDS) as limit:
                if (frame := await self._hello_in_place()) is None:
                    return
                limit.reschedule(self.loop.time() + WELCOME_SECONDS)
                session = await self._introduce(frame)
        except (RateLimited, Busy) as error:
            if isinstance(error, RateLimited):
                self._fate.limited()
            self._say_when(error)
            await self._linger(error)
            raise Ended(Close.BUSY) from None
        except (AppError, DatabaseError, psycopg.Error, TimeoutError) as error:
            if frame is None and isinstance(error, TimeoutError):
                raise Ended(Close.NO_HELLO) from None
            log.warning("a hello could not be answered: %s: %s", type(error).__name__, error)
            raise Ended(Close.BUSY) from None
        self._fate.welcomed(self.loop.time())
        await self._listen(session)

    async def _listen(self, session: Session) -> None:
        """Take what comes until the socket ends; where the server offers it, without a task for each frame."""
        session.rest = self._rest
        if isinstance(self.receive, Intake):
            self.receive.overflow = lambda: self.end(Close.BUSY)
        while not (self.raw and self.raw.hand_over(lambda text: self._take_now(session, text))):
            if (data := await self._next()) is None:
                return
            session.heard = self.loop.time()
            self._take(session, data)
        while (data := await self._next()) is not None:
            self._take(session, data)  # not text

    def _rest(self, seconds: float) -> None:
        """Read nothing, and begin nothing that was read."""
        self.lanes.rest(seconds)
        (self.raw or self.receive).rest(seconds)

    def _take_now(self, session: Session, text: str) -> None:
        """A text, straight from the server's protocol, which no error of ours must reach."""
        session.heard = self.loop.time()
        try:
            self._take(session, text)
        except Ended as ended:
            self.end(ended.code)
        except Exception:
            self.context.copy().run(log.exception, "a frame ended in an error of ours")
            self.end(Close.BUSY)

    async def _hello_in_place(self) -> Hello | None:
        """The first frame. So many sockets may wait for one at the same time, of an address, a tenant and in all."""
        places = self._places()
        if not _waiting.take(places):
            self._say_when(Busy("Too many are coming in at once.", retry_after=COME_BACK_SECONDS))
            raise Ended(Close.BUSY)
        try:
            return await self._hello()
        finally:
            _waiting.give_back(places)

    def _places(self) -> dict[Most, Hashable]:
        return {
            WAITING_PER_IP: network_of(self.address),
            WAITING_PER_TENANT: self.scope["tenant"].id,
            WAITING_IN_ALL: None,
        }

    def _say_when(self, error: AppError) -> None:
        """Before the end of a socket that may come again in a while."""
        self._write(encode(refusal(error)))
        if isinstance(error, Busy) and error.retry_after:
            self._write(encode(Bye(code=Close.BUSY, after=round(error.retry_after * 1000))))

    async def _linger(self, error: AppError) -> None:
        """Before such an end. So many may stand there as may wait for their hello; the others go at once."""
        await _lingering.linger(self._places(), min(error.retry_after or 0.0, LINGER_SECONDS))

    async def _hello(self) -> Hello | None:
        """The first frame; None if the peer went away before."""
        while (data := await self._next()) is not None:
            frame = self._decode(data)
            if isinstance(frame, Hello):
                return frame
            if frame is not None:
                self._refuse_frame(BadFrame("The first frame must be `hello`."))
        return None

    async def _introduce(self, frame: Hello) -> Session:
        tenant = self.scope["tenant"]
        self._agree(frame)
        plan = await admit(tenant, self.address)
        introduced = await introduce(self.scope, frame)
        if isinstance(introduced, Close):
            raise Ended(introduced)
        await admit_person(tenant, plan, introduced.id)
        session = Session(tenant, introduced, self.outbox, self.end, plan=plan, context=self.context)
        session.address, session.key = self.address, key_in(self.scope)
        await admit_rooms(session, len(frame.rooms))
        self.session = session
        session.heard = self.loop.time()
        async with turn_to_be_welcomed(tenant.id):
            if not self.outbox.write_framed(b""):
                raise Ended(Close.RESTART)  # it lost its patience, and is welcomed where it came again
            await welcome(session, frame)
        beats().add(session)
        return session

    def _agree(self, frame: Hello) -> None:
        """Both speak a version, or the socket ends; the client hears first which ones there are."""
        version = version_for(frame.v, frame.min)
        if isinstance(version, Close):
            versions = ", ".join(map(str, SUPPORTED))
            self._write(encode(refusal(BadFrame(f"This server speaks version {versions} of the protocol.", field="v"))))
            raise Ended(version)

    async def _next(self) -> str | bytes | None:
        """The next frame's data; None when the socket has ended."""
        event = await self.receive()
        if event["type"] == "websocket.disconnect":
            self._fate.peer_ended(event.get("code"))
            return None
        text: str | bytes | None = event.get("text")
        return event.get("bytes") or b"" if text is None else text

    def _decode(self, data: str | bytes) -> ClientFrame | None:
        """The frame; None after a bad one, which is answered. The third bad one in a row ends the socket."""
        try:
            if not isinstance(data, str):
                raise BadFrame("Frames are text, not binary.")
            frame = decode(data)
        except AppError as error:
            self._refuse_frame(error)
            return None
        return frame

    def _refuse_frame(self, error: AppError) -> None:
        self._write(encode(refusal(error)))
        self.bad_frames += 1
        if self.bad_frames >= MAX_BAD_FRAMES:
            raise Ended(Close.BAD_PROTOCOL)

    def _take(self, session: Session, data: str | bytes) -> None:
        if self._closing is not None:
            return None
        frame = self._decode(data)
        if frame is None:
            return None
        try:
            if isinstance(frame, Hello):
                return self._refuse_frame(BadFrame("`hello` comes once, as the first frame."))
            self.bad_frames = 0
            if wait := session.frame_wait():
                raise RateLimited("Too many frames.", retry_after=wait)
            self.lanes.run(lane_of(frame), lambda: handle(session, frame))
        except AppError as error:
            refuse(session, frame, error)
        return None

    def _write(self, text: bytes) -> None:
        if not self.outbox.write(text):
            raise Ended(Close.TOO_SLOW)

    def end(self, code: int) -> None:
        """Close with this code, from anywhere on the event loop; the first code counts."""
        if self._closing is None:
            self._fate.ends(code)
            self._closing = self.loop.create_task(self.outbox.close(code))

    async def _leave(self) -> None:
        self.open_sockets.discard(self)
        self.lanes.stop()
        if self.session is not None:
            beats().remove(self.session)
            hub().leave(self.session)
            self.session = None  # it holds us: who has ended is to be freed at once, not found as garbage
        if self._closing is not None:
            await self._closing
        self.outbox.release()


async def chat_socket(scope: dict[str, Any], receive: Any, send: AsgiSend) -> None:
    """The ASGI application behind `tenants.routing`, which has put `tenant`, `site_id` and `refused` into the scope."""
    await ChatSocket(scope, receive, send).run()
