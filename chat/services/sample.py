"""Sample data: a few visitors and rooms to look around in, loaded and removed by whoever sets a tenant up.

Its rows are written as they stand, not sent: no usage is counted, nobody is notified, no visitor becomes active. Its community
room is joined by invitation, so that no visitor of the site ever sees it.
"""

import secrets
from datetime import datetime, timedelta
from functools import partial
from typing import Final
from uuid import UUID, uuid4

from django.db import connection, transaction
from django.utils import timezone

from billing.access import Act as Deed
from billing.standing import refuse
from chat.access import Act, demand
from chat.models import Message, Notification, Participant, Reaction, Report, Room, Site, Visitor
from chat.realtime.append import Row
from chat.realtime.changes import end_room
from chat.realtime.hub import from_thread
from chat.realtime.protocol.outgoing import Author
from chat.selectors import summary_of
from chat.selectors.sample import COMMUNITY_ROOM, PEOPLE, Sample, sample_id, sample_of, sample_people, sample_rooms
from chat.services import sample_script as script
from chat.services.rooms import tell_change
from chat.services.sample_script import Said, Talk
from saas.core.errors import Conflict
from saas.core.ids import uuid7
from tenants.audit import Thing, record
from tenants.context import TenantRef, in_tenant
from tenants.tokens import Principal

ONE_AT_A_TIME: Final = 0x73616D70  # advisory lock
LABEL: Final = "sample"
LIKE: Final = "👍"


def load_sample(tenant: TenantRef, principal: Principal) -> Sample:
    """Put the sample data into the tenant; what is there already is left alone. Call it outside of the tenant.

    Raises ReadOnly or Forbidden by role, PlanLimit while the tenant is restricted, Conflict where no site is left.
    """
    demand(Act.CREATE, principal)
    refuse(tenant.id, Deed.OPEN_ROOM)
    with in_tenant(tenant), transaction.atomic():
        _one_at_a_time()
        found = sample_of(tenant.id)
        if found.is_loaded:
            return found
        _Loading(tenant.id, _first_site(), timezone.now()).everything()
        loaded = sample_of(tenant.id)
        record(tenant, by=principal, act="sample.loaded", on=_thing(tenant), after=_counts(loaded))
        told = [summary_of(room_id, None) for room_id in sample_rooms(tenant.id)]
    for room in told:
        tell_change(tenant, room)
    return loaded


def remove_sample(tenant: TenantRef, principal: Principal) -> Sample:
    """Take all of it out again, with what was written into it since; what was there. Call it outside of the tenant.

    Raises ReadOnly or Forbidden by role.
    """
    demand(Act.CREATE, principal)
    gone: list[UUID] = []
    with in_tenant(tenant), transaction.atomic():
        _one_at_a_time()
        found = sample_of(tenant.id)
        if found.is_loaded:
            gone = _remove(tenant.id)
            record(tenant, by=principal, act="sample.removed", on=_thing(tenant), before=_counts(found))
    for room_id in gone:
        from_thread(partial(end_room, tenant=tenant, room_id=room_id))
    return found


def _remove(tenant_id: UUID) -> list[UUID]:
    """Rooms with their companions, people with whatever they opened, and what anybody was told of it; the ids of the rooms."""
    rooms = Room.objects.filter(id__in=sample_rooms(tenant_id)) | Room.objects.filter(visitor__in=sample_people(tenant_id))
    ids = list(rooms.values_list("id", flat=True))
    Notification.objects.filter(room_id__in=ids).delete()
    Room.objects.filter(id__in=ids).delete()
    Visitor.objects.filter(id__in=sample_people(tenant_id)).delete()
    return ids


def _counts(sample: Sample) -> dict[str, int]:
    return {"rooms": sample.rooms, "messages": sample.messages, "people": sample.people}


def _thing(tenant: TenantRef) -> Thing:
    return Thing("tenant", tenant.id, tenant.name)


def _first_site() -> UUID:
    found: UUID | None = Site.objects.order_by("created_at").values_list("id", flat=True).first()
    if found is None:
        raise Conflict("Sample data belongs to a site. Make a site first.")
    return found


def _one_at_a_time() -> None:
    """Until the end of the transaction: two clicks load it once."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [ONE_AT_A_TIME])


class _Loading:
    """Writes the script down. Inside the tenant, in one transaction."""

    def __init__(self, tenant_id: UUID, site_id: UUID, now: datetime) -> None:
        self.tenant_id = tenant_id
        self.site_id = site_id
        self.now = now

    def everything(self) -> None:
        Visitor.objects.bulk_create([self._visitor(name) for name in PEOPLE])
        for talk in script.TALKS:
            self._talk(talk)
        self._porch()

    def _visitor(self, name: str) -> Visitor:
        url, title = script.PAGES[name]
        return Visitor(
            id=self._id(name),
            site_id=self.site_id,
            name=script.NAMES[name],
            handle_hash=secrets.token_bytes(32),  # of no handle: nobody comes back as one of them
            locale=script.LOCALES[name],
            page={"url": url, "title": title, "referrer": ""},
        )

    def _talk(self, talk: Talk) -> None:
        name = script.NAMES[talk.visitor]
        status = Room.Status.RESOLVED if talk.is_resolved else Room.Status.OPEN
        room = Room(id=self._id(talk.name), kind=Room.Kind.SUPPORT, visitor_id=self._id(talk.visitor), title=name, status=status)
        self._room(room, talk.lines, people=(talk.visitor,))
        notes = Room(id=self._id(f"{talk.name}:notes"), kind=Room.Kind.TEAM, title=name, notes_of=room)
        self._room(notes, talk.notes, people=())

    def _porch(self) -> None:
        room = Room(
            id=self._id(COMMUNITY_ROOM),
            kind=Room.Kind.COMMUNITY,
            title=script.PORCH_TITLE,
            join_rule=Room.JoinRule.INVITED,
        )
        said = self._room(room, script.PORCH, people=PEOPLE)
        Participant.objects.filter(room=room, person_id=self._id(script.PORCH_MODERATOR)).update(role=Participant.Role.MODERATOR)
        Room.objects.filter(id=room.id).update(pinned=[str(said[script.PINNED].id)])
        Report.objects.create(
            room=room,
            message=said[script.REPORTED],
            reporter_kind="visitor",
            reporter_id=self._id(script.REPORTER),
            reporter_name=script.NAMES[script.REPORTER],
            reason=script.REASON,
            created_at=self._moment(script.REPORTED.ago - 5),
        )

    def _room(self, room: Room, lines: tuple[Said, ...], *, people: tuple[str, ...]) -> dict[Said, Message]:
        """Store the room with its people and lines; each line with its message."""
        if lines:
            room.created_at, last = self._moment(lines[0].ago), lines[-1]
            room.last_seq, room.rev, room.last_at = len(lines), len(lines), self._moment(last.ago)
            room.last_text, room.last_by = last.text, script.NAMES.get(last.by, "")
        room.site_id = self.site_id if room.notes_of_id is None else None
        room.labels = [LABEL] if room.kind == Room.Kind.SUPPORT else []
        room.people = len(people)
        room.save(force_insert=True)
        Participant.objects.bulk_create([self._place(room, name) for name in people])
        messages = [self._message(room, seq, line) for seq, line in enumerate(lines, start=1)]
        Message.objects.bulk_create(messages)
        said = dict(zip(lines, messages, strict=True))
        Reaction.objects.bulk_create([self._like(said[line], name) for line in lines for name in line.liked_by])
        return said

    def _place(self, room: Room, name: str) -> Participant:
        who = {"kind": "visitor", "person_id": self._id(name), "name": script.NAMES[name]}
        return Participant(room=room, read_seq=room.last_seq, joined_at=room.created_at, **who)

    def _message(self, room: Room, seq: int, line: Said) -> Message:
        """As `append` would have written it."""
        author, cid = self._author(line.by), uuid4()
        kind = "text" if line.by else "system"
        row = Row(room.id, author, cid, line.text, kind="text" if line.by else "system")
        likes = [str(self._id(name)) for name in line.liked_by]
        return Message(
            id=uuid7(),
            room=room,
            seq=seq,
            changed=seq,
            cid=cid,
            content_hash=row.content_hash(),
            author_kind=author.kind,
            author_id=author.id,
            author_name=author.name,
            kind=kind,
            text=line.text,
            reactions={LIKE: {"n": len(likes), "who": likes}} if likes else {},
            ts=self._moment(line.ago),
        )

    def _author(self, name: str) -> Author:
        if not name:
            return Author(kind="system", id=None, name="")
        return Author(kind="agent" if name == script.TEAM else "visitor", id=self._id(name), name=script.NAMES[name])

    def _like(self, message: Message, name: str) -> Reaction:
        return Reaction(message=message, person_id=self._id(name), emoji=LIKE)

    def _id(self, name: str) -> UUID:
        return sample_id(self.tenant_id, name)

    def _moment(self, ago: int) -> datetime:
        return self.now - timedelta(minutes=ago)
