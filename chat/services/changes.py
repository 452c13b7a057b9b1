"""Editing, deleting and reacting: what a frame asks for, checked as far as it can be without the room."""

from typing import Final, Literal

from chat.realtime.amend import Change
from chat.realtime.protocol.incoming import Delete, Edit, React, clean_emoji, clean_text
from chat.services.messages import author_of
from saas.core.errors import ReadOnly
from tenants.tokens import Principal

KINDS: Final[dict[type, Literal["edit", "delete", "react"]]] = {Edit: "edit", Delete: "delete", React: "react"}


def change_of(principal: Principal, frame: Edit | Delete | React, *, may_write: bool) -> Change:
    """The change that the frame asks for. Raises what is wrong with it; the caller has checked that the room may be seen.

    Whose the message is, and whether the room takes changes from this person, is decided under the room's lock. One edits and
    deletes one's own; agents and a room's moderators delete others', too.
    """
    if not may_write:
        raise ReadOnly("Your role lets you read but not write.")
    return Change(
        kind=KINDS[type(frame)],
        room_id=frame.room,
        author=author_of(principal),
        cid=frame.cid,
        message_id=frame.message,
        text=clean_text(frame.text) if isinstance(frame, Edit) else None,
        emoji=clean_emoji(frame.emoji) if isinstance(frame, React) else None,
        on=frame.on if isinstance(frame, React) else None,
        moderates=principal.kind == "agent",
    )
