"""Giving a room to an agent: who may, who hears of it, and that doing it twice changes nothing."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from chat.models import Notification, Room
from chat.notifications import change_settings
from tenants.context import TenantRef, in_tenant
from tenants.models import Role, User
from tenants.tokens import Principal
from tests.chat.test_room_acts import access_of
from tests.support.api import Program, signed_in
from tests.support.community import community, team_member
from tests.support.talk import room_of, visitor


@pytest.fixture
def room(acme: TenantRef) -> UUID:
    return room_of(acme, visitor(acme), "hello")


@pytest.fixture
def at(acme: TenantRef, ada: User) -> Program:
    return signed_in(acme, ada.email)


def give(at: Program, room: UUID, agent: object) -> Any:
    return at.post(f"/rooms/{room}/assign", {"agent": agent and str(agent)})


def heard_by(tenant: TenantRef, who: UUID) -> list[tuple[str, str, UUID | None]]:
    with in_tenant(tenant):
        mine = Notification.objects.filter(recipient_id=who, category="assignments").order_by("id")
        return list(mine.values_list("kind", "title", "room_id"))


def test_the_agent_hears_of_it_once(acme: TenantRef, at: Program, room: UUID) -> None:
    agent = team_member(acme, Role.AGENT)
    before = at.get(f"/rooms/{room}").json()["room"]
    for _ in range(2):
        answer = give(at, room, agent.id)
        assert answer.status_code == 200, answer.content
        assert answer.json()["room"]["assignee"] == str(agent.id)
        assert answer.json()["room"]["rev"] == before["rev"] + 1
    assert heard_by(acme, agent.id) == [("assigned", f"Ada gave you the room of {before['title']}", room)]
    assert give(at, room, None).json()["room"]["assignee"] is None
    give(at, room, agent.id)
    assert len(heard_by(acme, agent.id)) == 2


def test_who_takes_a_room_hears_nothing(acme: TenantRef, at: Program, ada: User, room: UUID) -> None:
    before = heard_by(acme, ada.id)
    assert give(at, room, ada.id).json()["room"]["assignee"] == str(ada.id)
    assert heard_by(acme, ada.id) == before


def test_who_does_not_want_to_hear_of_it_holds_it_all_the_same(acme: TenantRef, at: Program, room: UUID) -> None:
    agent = team_member(acme, Role.AGENT)
    with in_tenant(acme):
        change_settings(agent.id, {"assignments": False})
    assert give(at, room, agent.id).json()["room"]["assignee"] == str(agent.id)
    assert heard_by(acme, agent.id) == []


def test_only_who_may_answer_in_this_tenant_can_hold_a_room(acme: TenantRef, at: Program, gus: User, room: UUID) -> None:
    for nobody in (team_member(acme, Role.VIEWER).id, gus.id, uuid4(), visitor(acme).id):
        answer = give(at, room, nobody)
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")
        assert answer.json()["error"]["field"] == "agent"
    with in_tenant(acme):
        assert Room.objects.get(id=room).assignee_id is None


def test_who_may_only_read_assigns_nothing(acme: TenantRef, ada: User, room: UUID) -> None:
    viewer = program_of(acme, team_member(acme, Role.VIEWER))
    answer = give(viewer, room, ada.id)
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "read_only")


def test_a_room_without_a_visitor_is_nobodys(acme: TenantRef, at: Program, ada: User, room: UUID) -> None:
    with in_tenant(acme):
        notes = Room.objects.get(notes_of=room).id
    for other in (community(acme), notes):
        answer = give(at, other, ada.id)
        assert (answer.status_code, answer.json()["error"]["code"]) == (409, "conflict")
    assert give(at, uuid4(), ada.id).status_code == 404
    assert at.post(f"/rooms/{room}/assign", {}).json()["error"]["field"] == "agent"


def test_the_team_is_listed_to_its_members(acme: TenantRef, at: Program, ada: User, ben: User, gus: User) -> None:
    found = at.get("/team").json()["members"]
    assert {"id": str(ada.id), "name": "Ada", "role": "owner"} in found
    assert {"id": str(ben.id), "name": "Ben", "role": "agent"} in found
    assert str(gus.id) not in str(found)
    assert [one["name"] for one in found] == sorted(one["name"] for one in found)


def program_of(tenant: TenantRef, who: Principal) -> Program:
    """A program of a member of the team."""
    return Program(tenant, access_of(tenant, who.id))
