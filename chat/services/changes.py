"""Editing, deleting and reacting: what a frame asks for, checked as far as it can be without the room."""

from typing import Final, Literal
from uuid import UUID

from django.db import transaction

from chat.models import Room
from chat.realtime.amend import Change
from chat.realtime.protocol.incoming import Delete, Edit, React, clean_emoji, clean_text
from chat.services.messages import author_of
from chat.services.rooms import thing_of
from saas.core.errors import ReadOnly
from tenants.audit import record
from tenants.context import TenantRef, in_tenant
from tenants.tokens import Principal

KINDS: Final[dict[type, Literal["edit", "delete", "react"]]] = {Edit: "edit", Delete: "delete", React: "react"}


def record_removal(tenant: TenantRef, principal: Principal, *, room_id: UUID, author: str) -> None:
    """Write down that they deleted what somebody else, `author`, had said. Call it outside of the tenant."""
    with in_tenant(tenant), transaction.atomic():
        room = Room.objects.filter(id=room_id).first()
        if room is not None:
            record(tenant, by=principal, act="message.deleted", on=thing_of(room), before={"author": author})


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
