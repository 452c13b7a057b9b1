"""Small signals to a room that may be lost: how far somebody has read, and that they type."""

from uuid import UUID

from chat.realtime.hub import hub
from chat.realtime.protocol.incoming import Read, Typing
from chat.realtime.protocol.outgoing import TypingOut
from chat.realtime.room import LocalRoom
from chat.realtime.session import Session
from saas.core.errors import NotFound


def on_read(session: Session, frame: Read) -> None:
    """Store the mark a moment later, and tell it now. Of one who reads too fast to be followed the newest is told in a while."""
    room = _joined_room(session, frame.room)
    seq = min(frame.seq, max(room.order.head or 0, room.known))
    if seq <= session.read.get(frame.room, 0):
        return
    session.read[frame.room] = seq
    hub().marks.note(session, frame.room, seq)
    if session.untold:
        session.untold[frame.room] = seq
    elif wait := session.read_wait():
        session.untold[frame.room] = seq
        hub().loop.call_later(wait, _tell_later, session)
    else:
        hub().tell_mark(session, room, seq)


def _tell_later(session: Session) -> None:
    """The marks that wait, each when it is its turn. Those of rooms that the socket has left were told then."""
    while session.untold:
        if wait := session.read_wait():
            hub().loop.call_later(wait, _tell_later, session)
            return
        room_id = next(iter(session.untold))
        seq = session.untold.pop(room_id)
        if room := hub().room(session.tenant, room_id):
            hub().tell_mark(session, room, seq)


def on_typing(session: Session, frame: Typing) -> None:
    """Tell the room. What somebody has typed and not sent (`draft`) is theirs: it goes nowhere."""
    room = _joined_room(session, frame.room)
    if _is_news(session, room, frame):
        hub().tell(room.group, TypingOut(room=frame.room, who=session.person, on=frame.on))


def _is_news(session: Session, room: LocalRoom, frame: Typing) -> bool:
    """Not what says the same as before, nor an end without a beginning: each typing frame costs one for everyone in the room."""
    if not frame.on:
        was_on = room.id in session.typing
        session.typing.discard(room.id)
        return was_on
    if session.typing_wait() or (room.crowded and room.typings.take()):
        return False
    session.typing.add(room.id)
    return True


def _joined_room(session: Session, room_id: UUID) -> LocalRoom:
    room = hub().room(session.tenant, room_id)
    if room is None or room_id not in session.rooms:
        raise NotFound("You are not in this room.", field="room")
    return room
