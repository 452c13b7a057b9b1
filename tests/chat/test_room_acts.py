"""Who may do what to a room: every role with every act, over HTTP, from the one table that decides."""

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest

from chat.access import ACTS, Act
from chat.models import Room
from tenants.access import may
from tenants.context import TenantRef, in_tenant
from tenants.jwt_services import sign_in_by_password
from tenants.models import Role, User
from tests.support.api import Program, signed_in
from tests.support.cast import PASSWORD, MakeTenant
from tests.support.community import Visit, community, member, message_of, moderator, team_member

# How each act is done over HTTP: of the team, and of visitors where the widget host has an address for it.
Facts = dict[str, Any]
TEAM: dict[Act, Callable[[Program, Facts], Any]] = {
    Act.CREATE: lambda at, f: at.post("/rooms", {"kind": "community", "title": "New"}),
    Act.CHANGE: lambda at, f: at.patch(f"/rooms/{f['room']}", {"title": f"Named {uuid4().hex}"}),
    Act.ARCHIVE: lambda at, f: at.post(f"/rooms/{f['other']}/archive"),
    Act.DELETE: lambda at, f: at.delete(f"/rooms/{f['other']}", {"sure": f["title"]}),
    Act.ORDER: lambda at, f: at.post(f"/rooms/{f['other']}/move", {"to": "first"}),
    Act.APPOINT: lambda at, f: at.put(f"/rooms/{f['room']}/members/{f['vic']}", {"role": "moderator"}),
    Act.INVITE: lambda at, f: at.post(f"/rooms/{f['room']}/invitations", {"expires_in": 60, "uses": 1}),
    Act.SETTLE: lambda at, f: at.get("/reports"),
    Act.CALM: lambda at, f: at.patch(f"/rooms/{f['room']}", {"slow_seconds": 30}),
    Act.PIN: lambda at, f: at.post(f"/rooms/{f['room']}/pins", {"message": str(f["message"])}),
    Act.RESTRAIN: lambda at, f: at.put(f"/rooms/{f['room']}/members/{f['val']}", {"mute_for": 60}),
}
VISITORS: dict[Act, Callable[[Visit, Facts], Any]] = {
    Act.CALM: lambda at, f: at.ask("patch", f"/rooms/{f['room']}", {"locked": True}),
    Act.PIN: lambda at, f: at.ask("post", f"/rooms/{f['room']}/pins", {"message": str(f["message"])}),
    Act.RESTRAIN: lambda at, f: at.ask("put", f"/rooms/{f['room']}/members/{f['val']}", {"ban_for": 60}),
}


@pytest.fixture
def facts(acme: TenantRef) -> Facts:
    room, other = community(acme), community(acme)
    vic, val = member(acme, room), member(acme, room)
    return {
        "room": room,
        "other": other,
        "vic": vic.id,
        "val": val.id,
        "message": message_of(acme, room, vic),
        "title": title_of(acme, other),
    }


def test_every_act_has_a_row() -> None:
    assert set(TEAM) == set(ACTS) == set(Act)
    assert set(VISITORS) == {act for act, (_, moderators) in ACTS.items() if moderators}


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("act", list(Act))
def test_a_member_of_the_team(acme: TenantRef, facts: Facts, act: Act, role: Role) -> None:
    who = team_member(acme, role)
    answer = TEAM[act](Program(acme, access_of(acme, who.id)), facts)
    if may(role, ACTS[act][0]):
        assert answer.status_code in (200, 201), answer.content
    else:
        code = "read_only" if role == Role.VIEWER else "forbidden"
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, code)


@pytest.mark.parametrize("act", list(VISITORS))
@pytest.mark.parametrize("who", ["moderator", "member", "moderator elsewhere", "stranger"])
def test_a_visitor(acme: TenantRef, facts: Facts, act: Act, who: str) -> None:
    visitor = {
        "moderator": lambda: moderator(acme, facts["room"]),
        "member": lambda: member(acme, facts["room"]),
        "moderator elsewhere": lambda: moderator(acme, facts["other"]),
        "stranger": lambda: member(acme, facts["other"]),
    }[who]()
    answer = VISITORS[act](Visit(acme, visitor), facts)
    if who == "moderator":
        assert answer.status_code == 200, answer.content
    else:
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "forbidden")


@pytest.mark.parametrize("act", [act for act in Act if act is not Act.SETTLE and act is not Act.CREATE])
def test_another_tenants_room_does_not_exist(acme: TenantRef, globex: TenantRef, facts: Facts, act: Act) -> None:
    answer = TEAM[act](signed_in(globex, "gus@globex.example"), facts)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")


@pytest.mark.parametrize("act", list(VISITORS))
def test_a_room_of_another_site_does_not_exist_for_a_visitor(make_tenant: MakeTenant, facts: Facts, act: Act) -> None:
    tenant = make_tenant()
    answer = VISITORS[act](Visit(tenant, moderator(tenant, community(tenant))), facts)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")


def title_of(tenant: TenantRef, room_id: UUID) -> str:
    """The title of a room."""
    with in_tenant(tenant):
        return Room.objects.get(id=room_id).title


def access_of(tenant: TenantRef, user_id: UUID) -> str:
    """An access token of this user."""
    return sign_in_by_password(tenant, email=User.objects.get(id=user_id).email, password=PASSWORD).access
