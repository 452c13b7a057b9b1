"""Joining a room: the group first, history second, so that nothing falls between."""

from uuid import UUID

import msgspec

from chat.access import may_write
from chat.metrics import RESUMED, RESUMES
from chat.realtime.hub import hub
from chat.realtime.protocol.codes import MAX_JOINED
from chat.realtime.protocol.incoming import Ref
from chat.realtime.protocol.outgoing import Joined, PageOut, Person, encode
from chat.realtime.room import LocalRoom
from chat.realtime.session import Session
from chat.selectors.messages import Head, JoinedSnapshot, Position, snapshots_for_agents, snapshots_for_visitors
from chat.services.members import joined_snapshot, needs_place
from saas.core.errors import AppError, Forbidden, NotFound
from tenants.context import run_in_tenant
from tenants.reading import read_together


async def join(
    session: Session,
    room_id: UUID,
    *,
    ref: Ref | None = None,
    epoch: UUID | None = None,
    after: int | None = None,
    takes_place: bool = True,
) -> None:
    """Subscribe to a room and answer `joined`, with what changed after the client's position, in as many pages as it takes.

    A visitor who has no place in a community room takes one; without `takes_place` they have to have it.
    Raises NotFound for a room that does not exist or may not be seen, and Forbidden above 100 rooms.
    """
    if room_id not in session.rooms and len(session.rooms.keys() | session.joining) >= MAX_JOINED:
        raise Forbidden(f"One socket joins at most {MAX_JOINED} rooms; leave one first.")
    session.joining.add(room_id)
    resumes, asked = epoch is not None and after is not None, hub().loop.time()
    try:
        room, found = await _enter(session, Position(session.principal, room_id, epoch, after), takes_place=takes_place)
    except Exception as error:
        RESUMES.add("failed", resumes and _is_ours(error))
        raise
    finally:
        session.joining.discard(room_id)
    RESUMES.add("whole" if found.resumed else "anew", resumes)
    joined = encode(_joined(found, room_id, ref, session))
    head = Head(found.head, found.epoch)
    hub().settle_room(session, room, head=head, writable=may_write(session.principal), joined=joined, asked=asked)
    if found.resumed:
        RESUMED.observe(len(found.messages) + await _rest(session, found, room_id, ref))


def _is_ours(error: Exception) -> bool:
    """Whether we failed. Who is refused has an answer: it is no room of theirs any more, they may not, they come too often."""
    return not isinstance(error, AppError) or error.status >= 500


async def _enter(session: Session, position: Position, *, takes_place: bool) -> tuple[LocalRoom, JoinedSnapshot]:
    room = await hub().enter_room(session, position.room_id)
    try:
        found = await _read(session, position)
        if needs_place(session.principal, found):
            found = await _take_place(session, position, may=takes_place)
        return room, found
    except BaseException as error:
        if isinstance(error, NotFound):
            hub().leave_room(session, position.room_id)  # it is not theirs any more
        hub().quit_room(session, room)
        raise


async def _take_place(session: Session, position: Position, *, may: bool) -> JoinedSnapshot:
    if not may:
        raise NotFound("You are not in this room.")
    who, room_id, epoch, after = position
    return await run_in_tenant(session.tenant, joined_snapshot, who, room_id, epoch=epoch, after=after)


async def _read(session: Session, position: Position) -> JoinedSnapshot:
    """In one statement with all who join at the same time."""
    read = snapshots_for_visitors if session.principal.kind == "visitor" else snapshots_for_agents
    found = await read_together(session.tenant, read, position)
    if found is None:
        raise NotFound("There is no such room.")
    return found


async def _rest(session: Session, joined: JoinedSnapshot, room_id: UUID, ref: Ref | None) -> int:
    """The remaining pages of a catch-up; how many messages they hold. What came after the head of its `joined` is not waited for.

    Where too much has changed since, or the history is another one, the room is joined anew: `joined` comes once more.
    """
    many, found, more = 0, joined, joined.more
    while more and found.messages:
        found = await _read(session, Position(session.principal, room_id, joined.epoch, found.messages[-1].changed))
        if not found.resumed:
            await join(session, room_id, ref=ref, takes_place=False)
            break
        more = found.more and found.messages[-1].changed < joined.head
        session.send(PageOut(ref=str(room_id) if ref is None else ref, room=room_id, messages=found.messages, more=more))
        many += len(found.messages)
    return many


def _joined(found: JoinedSnapshot, room_id: UUID, ref: Ref | None, session: Session) -> Joined:
    room = hub().room(session.tenant, room_id)
    return Joined(
        ref=msgspec.UNSET if ref is None else ref,
        room=room_id,
        summary=found.summary,
        epoch=found.epoch,
        head=found.head,
        resumed=found.resumed,
        messages=found.messages,
        more=found.more,
        people=_with_me(session, room.named() if room else []),
        marks=found.marks,
    )


def _with_me(session: Session, people: list[Person]) -> list[Person]:
    return people if any(who.id == session.principal.id for who in people) else [*people, session.person]
