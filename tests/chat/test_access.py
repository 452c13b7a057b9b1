"""Who may see a room and write in it."""

from uuid import uuid4

import pytest

from chat.access import room_for
from chat.models import Room
from chat.selectors import history, snapshot, summaries, summary_of
from chat.selectors.rooms import community_rooms
from chat.services.sites import create_site
from saas.core.errors import NotFound
from tenants.context import TenantRef, in_tenant
from tenants.models import Role, User
from tenants.tokens import Principal
from tests.support.talk import agent, room_of, visitor


def sees(tenant: TenantRef, who: Principal, room: Room) -> bool:
    """Whether this person sees the room, by every reading there is; they must agree."""
    found = set()
    with in_tenant(tenant):
        listed = [seen.id for seen in summaries(who, room_ids=[room.id])[0]]
        if who.kind == "visitor":  # what they may join stands in a list of its own
            listed += [seen.id for seen, _joined in community_rooms(who)[0]]
        found.add(room.id in listed)
        for read in (room_for, snapshot, lambda p, r: history(p, r, before=9), lambda p, r: summary_of(r, p)):
            try:
                read(who, room.id)
                found.add(True)
            except NotFound:
                found.add(False)
    assert len(found) == 1
    return found.pop()


def make_room(tenant: TenantRef, **fields: object) -> Room:
    with in_tenant(tenant):
        return Room.objects.create(title="A room", **fields)


def test_a_visitor_sees_their_own_support_room_and_no_other(acme: TenantRef) -> None:
    vic, other = visitor(acme), visitor(acme)
    room = Room(id=room_of(acme, vic, "hello"))
    assert sees(acme, vic, room)
    assert not sees(acme, other, room)


def test_an_agent_sees_every_room(acme: TenantRef, ben: User) -> None:
    support = Room(id=room_of(acme, visitor(acme), "hello"))
    assert sees(acme, agent(acme, ben), support)
    assert sees(acme, agent(acme, ben), make_room(acme, kind="team"))


def test_a_visitor_sees_no_team_room_and_only_their_sites_community(acme: TenantRef) -> None:
    vic = visitor(acme)
    other_site = create_site(acme, name="Other").site_id
    assert not sees(acme, vic, make_room(acme, kind="team"))
    assert not sees(acme, vic, make_room(acme, kind="team", site_id=vic.site_id))
    assert sees(acme, vic, make_room(acme, kind="community", site_id=vic.site_id))
    assert not sees(acme, vic, make_room(acme, kind="community", site_id=other_site))
    assert not sees(acme, vic, make_room(acme, kind="community"))


def test_a_room_that_does_not_exist_is_no_different_from_one_that_may_not_be_seen(acme: TenantRef) -> None:
    vic, other = visitor(acme), visitor(acme)
    said = []
    for room_id in (room_of(acme, other, "hello"), uuid4()):
        with in_tenant(acme), pytest.raises(NotFound) as refused:
            room_for(vic, room_id)
        said.append((refused.value.code, refused.value.message, refused.value.field))
    assert said[0] == said[1]


@pytest.mark.parametrize(
    ("role", "may"), [(Role.OWNER, True), (Role.ADMIN, True), (Role.AGENT, True), (Role.VIEWER, False), (None, False)]
)
def test_a_viewer_reads_but_does_not_write(acme: TenantRef, ben: User, role: str, may: bool) -> None:
    room_id = room_of(acme, visitor(acme), "hello")
    with in_tenant(acme):
        assert room_for(agent(acme, ben, role), room_id).may_write is may


def test_what_access_tells(acme: TenantRef) -> None:
    vic = visitor(acme)
    room_id = room_of(acme, vic, "hello")
    with in_tenant(acme):
        access = room_for(vic, room_id)
        room = Room.objects.get(id=room_id)
    assert (access.room_id, access.kind, access.epoch, access.may_write) == (room_id, "support", room.epoch, True)
    assert (access.site_id, access.visitor_id) == (vic.site_id, vic.id)
