"""What a moderator decides about a message that was complained about, in one go. Called outside of the tenant."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from django.db import transaction
from django.utils import timezone
from msgspec import UNSET

from chat.access import Act, demand, room_for
from chat.models import Message, Participant, Report
from chat.realtime.amend import Change, amend_sync
from chat.realtime.hub import Published, from_thread
from chat.services.ends import later
from chat.services.members import ChangedMember, MemberChange, change_member, restraints_of, tell_changed
from chat.services.messages import author_of
from chat.services.rooms import lock_room, thing_of
from saas.core.errors import Conflict, NotFound
from tenants.audit import Thing, record
from tenants.context import TenantRef, in_tenant
from tenants.tokens import Principal


@dataclass(frozen=True, slots=True)
class Decision:
    """What is done beside closing the complaints; nothing of it: they are dismissed. A mute and a ban end at a moment."""

    delete: bool = False
    muted_until: datetime | None = None
    banned_until: datetime | None = None

    @property
    def done(self) -> list[str]:
        """In the words in which it is stored."""
        acts = {"deleted": self.delete, "muted": self.muted_until, "banned": self.banned_until}
        return [word for word, is_done in acts.items() if is_done]


def settle_message(tenant: TenantRef, principal: Principal, *, message_id: UUID, decision: Decision) -> int:
    """Do what was decided and close all open complaints about the message, in one transaction; how many there were. A mute or a
    ban of its author that ends later stays as it is.

    Raises NotFound, ReadOnly or Forbidden by role, Conflict if nothing about it is open any more, which the second of two at once
    is told, or if its author cannot be muted or banned, and what deleting and restraining raise. Then nothing was done.
    """
    demand(Act.SETTLE, principal)
    with in_tenant(tenant), transaction.atomic():
        message = _claimed(principal, message_id)
        changed = _restrained(tenant, principal, message, decision)
        deletes = decision.delete and message.deleted_at is None
        deleted = _deleted(tenant, principal, message.room_id, message_id) if deletes else None
        count = _close(tenant, principal, message, decision)
    if changed:
        tell_changed(tenant, changed)
    if deleted:
        from_thread(lambda hub: hub.published(tenant, [deleted]))
    return count


def _deleted(tenant: TenantRef, principal: Principal, room_id: UUID, message_id: UUID) -> Published:
    """In the caller's transaction; after its commit everybody is told."""
    room = lock_room(room_id)
    change = Change("delete", room_id, author_of(principal), uuid4(), message_id, moderates=True)
    done = amend_sync([change])[0]
    if error := done.error():
        raise error
    record(tenant, by=principal, act="message.deleted", on=thing_of(room))
    return Published(change, done)


def _claimed(principal: Principal, message_id: UUID) -> Message:
    """A message whose open complaints nobody else closes until the transaction ends."""
    message = Message.objects.filter(id=message_id).first()
    if message is None:
        raise NotFound("There is no such message.")
    room_for(principal, message.room_id)
    lock_room(message.room_id)
    if not Report.objects.select_for_update().filter(message=message_id, settled_at=None).values_list("id", flat=True):
        raise Conflict("Somebody has settled this already.")
    message.refresh_from_db(fields=["deleted_at"])  # as it is under the lock: its author may have been faster
    return message


def _restrained(tenant: TenantRef, principal: Principal, message: Message, decision: Decision) -> ChangedMember | None:
    """Mute and ban its author. What somebody else has decided for longer stays: settling a report ends nothing earlier."""
    if not (decision.muted_until or decision.banned_until):
        return None
    if message.author_kind != "visitor" or message.author_id is None:
        raise Conflict("Only visitors are muted or banned.", field="author")
    now = restraints_of(Participant.objects.filter(room=message.room_id, person_id=message.author_id).first())
    ends = {name: later(end, now[name]) or UNSET if (end := getattr(decision, name)) else UNSET for name in now}
    bans = decision.banned_until is not None  # which also keeps out who has gone; a mute takes nobody back in
    change = MemberChange(muted_until=ends["muted_until"], banned_until=ends["banned_until"], takes_in=bans)
    try:
        return change_member(tenant, principal, room_id=message.room_id, person_id=message.author_id, change=change)
    except NotFound:
        raise Conflict("Its author is not in the room any more.", field="author") from None
    except Conflict as refusal:
        raise Conflict(refusal.message, field="author") from None


def _close(tenant: TenantRef, principal: Principal, message: Message, decision: Decision) -> int:
    closed = {"settled_at": timezone.now(), "settled_by": principal.id, "done": decision.done}
    count = Report.objects.filter(message=message.id, settled_at=None).update(**closed)
    thing = Thing("message", message.id, message.author_name)
    record(tenant, by=principal, act="report.settled", on=thing, after={"done": decision.done, "reports": count})
    return count
