"""An agent's summary says how many notes about the room they have not read, and nobody else's does."""

from uuid import UUID

import msgspec
import pytest

from chat.models import Participant, Room
from chat.selectors import snapshot, summaries, summary_of
from tenants.context import TenantRef, in_tenant
from tenants.models import User
from tenants.tokens import Principal
from tests.support.talk import agent, first_summaries, room_of, say, visitor


@pytest.fixture
def vic(acme: TenantRef) -> Principal:
    return visitor(acme)


@pytest.fixture
def room(acme: TenantRef, vic: Principal) -> UUID:
    return room_of(acme, vic, "hello")


@pytest.fixture
def notes(acme: TenantRef, room: UUID) -> UUID:
    with in_tenant(acme):
        return UUID(str(Room.objects.get(notes_of=room).id))


def count(tenant: TenantRef, who: Principal, room: UUID) -> int | None:
    """What a list, a join and the room itself tell this person: the same."""
    with in_tenant(tenant):
        listed = next(one for one in summaries(who, room_ids=[room])[0] if one.id == room)
        first = next(one for one in first_summaries([who, who])[1][0] if one.id == room)
        told = [listed, first, snapshot(who, room).summary, summary_of(room, who)]
    found = {None if one.notes_unread is msgspec.UNSET else one.notes_unread for one in told}
    assert len(found) == 1
    return found.pop()


def test_those_of_others_after_my_mark_count(acme: TenantRef, ada: User, ben: User, room: UUID, notes: UUID) -> None:
    me, ada_too = agent(acme, ben), agent(acme, ada, "owner")
    assert count(acme, me, room) is None
    say(acme, notes, ada_too, "they are nice", "and patient")
    say(acme, notes, me, "I know")
    assert (count(acme, me, room), count(acme, ada_too, room)) == (2, 1)
    with in_tenant(acme):
        Participant.objects.create(room_id=notes, kind="agent", person_id=me.id, name="Ben", read_seq=1)
    assert count(acme, me, room) == 1
    with in_tenant(acme):
        Participant.objects.filter(room=notes, person_id=me.id).update(read_seq=3)
    assert count(acme, me, room) is None


def test_what_was_deleted_and_what_nobody_said_do_not_count(
    acme: TenantRef, ada: User, ben: User, room: UUID, notes: UUID
) -> None:
    say(acme, notes, agent(acme, ada, "owner"), "never mind")
    say(acme, notes, None, "a system line")
    with in_tenant(acme):
        Room.objects.get(id=notes).messages.filter(seq=1).update(deleted_at="2026-01-01T00:00:00Z", text="")
    assert count(acme, agent(acme, ben), room) is None


def test_no_visitor_and_no_broadcast_hears_of_it(acme: TenantRef, ada: User, vic: Principal, room: UUID, notes: UUID) -> None:
    say(acme, notes, agent(acme, ada, "owner"), "a secret")
    assert count(acme, vic, room) is None
    with in_tenant(acme):
        told = summary_of(room, None)
    assert told.notes == notes
    assert told.notes_unread is msgspec.UNSET


def test_counting_stops_where_showing_stops(acme: TenantRef, ada: User, ben: User, room: UUID, notes: UUID) -> None:
    say(acme, notes, agent(acme, ada, "owner"), *(f"note {n}" for n in range(101)))
    assert count(acme, agent(acme, ben), room) == 99
