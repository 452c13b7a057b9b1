"""What a visitor does without a socket: their community rooms, invitations, complaints, and keeping order."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connections
from django.utils import timezone

from chat.models import Invitation, Room
from chat.services.invitations import invite
from saas.core.ratelimit import Limit
from tenants.context import TenantRef, in_tenant
from tenants.models import Role
from tenants.tokens import Principal
from tests.support.api import signed_in
from tests.support.cast import MakeTenant
from tests.support.community import (
    Visit,
    community,
    lines_in,
    member,
    message_of,
    moderator,
    people_in,
    place_of,
    team_member,
)
from tests.support.talk import room_of, visitor
from tests.support.widgets import WIDGET
from widget import limits


def refused(answer: Any) -> tuple[int, str, str | None]:
    """Status, code and field of a refusal in the one shape."""
    error = answer.json()["error"]
    return answer.status_code, error["code"], error.get("field")


def code_for(tenant: TenantRef, room: UUID, *, uses: int = 1, expires_in: int = 60) -> str:
    """A code into the room."""
    made = invite(tenant, team_member(tenant, Role.OWNER), room_id=room, expires_in=expires_in, uses=uses)
    assert made.code
    return made.code


class TestWhoIsAsking:
    @pytest.mark.parametrize("path", ["/rooms", "/rooms/0199a0c0-0000-7000-8000-000000000001/members"])
    def test_nobody_without_a_token(self, acme: TenantRef, path: str) -> None:
        answer = Visit(acme, None).get(path)
        assert refused(answer) == (401, "unauthenticated", None)
        assert answer.headers["Cache-Control"] == "no-store"

    def test_not_a_visitor_of_another_tenant_or_a_member_of_the_team(self, acme: TenantRef, globex: TenantRef, ben: Any) -> None:
        val = visitor(globex)
        theirs = Visit(globex, val, key=Visit(acme, None).key)
        assert refused(theirs.get("/rooms")) == (401, "unauthenticated", None)
        program = signed_in(acme, ben.email)
        program.client.defaults["HTTP_HOST"] = Visit(acme, None).client.defaults["HTTP_HOST"]
        assert program.client.get(f"/w/{Visit(acme, None).key}/rooms").status_code == 401

    def test_from_the_widgets_own_origin_or_from_no_browser(self, acme: TenantRef) -> None:
        vic = visitor(acme)
        assert Visit(acme, vic, origin=WIDGET).get("/rooms").status_code == 200
        for origin in ("https://evil.example", "null", "http://acme.localhost:8000"):
            answer = Visit(acme, vic, origin=origin).get("/rooms")
            assert refused(answer) == (403, "forbidden", "Origin")
            assert not [name for name in answer.headers if name.lower().startswith("access-control")]

    def test_too_much_and_too_often(self, acme: TenantRef, monkeypatch: pytest.MonkeyPatch) -> None:
        vic = Visit(acme, visitor(acme))
        large = {"message": str(uuid4()), "reason": "x" * limits.MAX_BODY}
        assert refused(vic.ask("post", f"/rooms/{uuid4()}/reports", large)) == (413, "too_large", None)
        monkeypatch.setattr(limits, "API_VISITOR", Limit("test_api", 2, 60))
        said = [vic.get("/rooms").status_code for _ in range(3)]
        assert said == [200, 200, 429]
        assert Visit(acme, visitor(acme)).get("/rooms").status_code == 200


class TestList:
    def test_those_i_may_join_and_whether_i_did(self, make_tenant: MakeTenant) -> None:
        tenant = make_tenant()
        vic = visitor(tenant)
        rooms = {name: community(tenant) for name in ("joined", "open", "invited", "signed in", "archived", "banned")}
        with in_tenant(tenant):
            Room.objects.filter(id=rooms["invited"]).update(join_rule="invited")
            Room.objects.filter(id=rooms["signed in"]).update(join_rule="identified")
            Room.objects.filter(id=rooms["archived"]).update(closed_at=timezone.now())
        member_row(tenant, rooms["joined"], vic)
        member_row(tenant, rooms["banned"], vic, banned_until=timezone.now() + timedelta(days=1))
        room_of(tenant, vic, "a support room is in no such list")
        said = Visit(tenant, vic).get("/rooms").json()
        assert [(room["id"], room["joined"]) for room in said["rooms"]] == [
            (str(rooms["joined"]), True),
            (str(rooms["open"]), False),
        ]
        assert said["cursor"] is None

    def test_pages(self, make_tenant: MakeTenant) -> None:
        tenant = make_tenant()
        rooms = [str(community(tenant)) for _ in range(52)]
        vic = Visit(tenant, visitor(tenant))
        first = vic.get("/rooms").json()
        second = vic.get("/rooms", cursor=first["cursor"]).json()
        assert [room["id"] for room in first["rooms"] + second["rooms"]] == rooms
        assert refused(vic.get("/rooms", cursor="x")) == (400, "bad_frame", "cursor")


class TestMember:
    def test_leaves(self, acme: TenantRef) -> None:
        room = community(acme)
        vic = member(acme, room)
        assert Visit(acme, vic).ask("post", f"/rooms/{room}/leave").status_code == 204
        assert people_in(acme, room) == (0, 0)

    def test_complains(self, acme: TenantRef) -> None:
        room = community(acme)
        vic, rude = member(acme, room), member(acme, room)
        message = message_of(acme, room, rude, "rude words")
        answer = Visit(acme, vic).ask("post", f"/rooms/{room}/reports", {"message": str(message), "reason": "rude"})
        assert answer.status_code == 201
        program = signed_in(acme, "ben@acme.example")
        mine = [one for one in program.get("/reports").json()["reports"] if one["id"] == answer.json()["report"]["id"]]
        assert [(one["reporter"]["id"], one["message"]["by_id"]) for one in mine] == [(str(vic.id), str(rude.id))]
        told = [one for one in program.get("/notifications").json()["notifications"] if one["room"] == str(room)]
        assert [(one["kind"], one["title"]) for one in told] == [("reported", f"{vic.name} reported a message")]

    def test_does_not_report_their_own_words_or_a_room_they_do_not_see(self, acme: TenantRef) -> None:
        room = community(acme)
        vic = member(acme, room)
        message = message_of(acme, room, vic)
        assert refused(Visit(acme, vic).ask("post", f"/rooms/{room}/reports", {"message": str(message)}))[1] == "conflict"
        with in_tenant(acme):
            Room.objects.filter(id=room).update(join_rule="invited")
        stranger = Visit(acme, visitor(acme))
        assert refused(stranger.ask("post", f"/rooms/{room}/reports", {"message": str(message)}))[1] == "not_found"

    def test_does_not_read_the_list_of_members(self, acme: TenantRef) -> None:
        room = community(acme)
        assert refused(Visit(acme, member(acme, room)).get(f"/rooms/{room}/members")) == (403, "forbidden", None)


class TestModerator:
    def test_keeps_order(self, acme: TenantRef) -> None:
        room = community(acme)
        keeper, vic = moderator(acme, room), member(acme, room)
        message, at = message_of(acme, room, vic), Visit(acme, keeper)
        assert at.ask("patch", f"/rooms/{room}", {"slow_seconds": 30, "locked": True}).json()["room"]["locked"] is True
        assert at.ask("post", f"/rooms/{room}/pins", {"message": str(message)}).json()["room"]["pinned"] == [str(message)]
        assert "pinned" not in at.ask("delete", f"/rooms/{room}/pins/{message}").json()["room"]
        muted = at.ask("put", f"/rooms/{room}/members/{vic.id}", {"mute_for": 60}).json()["member"]
        assert muted["muted_until"]
        assert muted in at.get(f"/rooms/{room}/members").json()["members"]
        assert at.ask("delete", f"/rooms/{room}/members/{vic.id}").status_code == 204
        assert place_of(acme, room, vic) is None
        assert lines_in(acme, room)[0] == "Slow mode: one message in 30 seconds"

    @pytest.mark.parametrize("body", [{"title": "Mine"}, {"join_rule": "open"}])
    def test_changes_nothing_else(self, acme: TenantRef, body: dict[str, str]) -> None:
        room = community(acme)
        answer = Visit(acme, moderator(acme, room)).ask("patch", f"/rooms/{room}", body)
        assert refused(answer) == (400, "bad_frame", next(iter(body)))

    def test_appoints_nobody(self, acme: TenantRef) -> None:
        room = community(acme)
        at, vic = Visit(acme, moderator(acme, room)), member(acme, room)
        assert refused(at.ask("put", f"/rooms/{room}/members/{vic.id}", {"role": "moderator"})) == (400, "bad_frame", "role")


class TestInvitations:
    def test_a_code_is_shown_once_and_kept_as_a_hash(self, acme: TenantRef) -> None:
        room, program = community(acme, join_rule="invited"), signed_in(acme, "ben@acme.example")
        made = program.post(f"/rooms/{room}/invitations", {"expires_in": 60, "uses": 2}).json()["invitation"]
        assert len(made["code"]) >= 32
        with in_tenant(acme):
            assert made["code"].encode() not in bytes(Invitation.objects.get(id=made["id"]).code_hash)
        listed = program.get(f"/rooms/{room}/invitations").json()["invitations"]
        assert listed == [{name: value for name, value in made.items() if name != "code"}]
        assert program.delete(f"/rooms/{room}/invitations/{made['id']}").status_code == 204
        assert program.get(f"/rooms/{room}/invitations").json()["invitations"] == []
        assert refused(Visit(acme, visitor(acme)).ask("post", f"/invitations/{made['code']}")) == (404, "not_found", None)

    def test_a_program_reads_all_of_many(self, acme: TenantRef) -> None:
        room, program = community(acme, join_rule="invited"), signed_in(acme, "ben@acme.example")
        later = timezone.now() + timedelta(days=1)
        with in_tenant(acme):
            Invitation.objects.bulk_create(
                Invitation(room_id=room, code_hash=uuid4().bytes, uses_left=1, expires_at=later, made_by=uuid4())
                for _ in range(120)
            )
            all_of_them = [str(one) for one in Invitation.objects.filter(room=room).order_by("-id").values_list("id", flat=True)]
        first = program.get(f"/rooms/{room}/invitations").json()
        second = program.get(f"/rooms/{room}/invitations?cursor={first['cursor']}").json()
        assert [one["id"] for page in (first, second) for one in page["invitations"]] == all_of_them
        assert (len(first["invitations"]), second["cursor"]) == (100, None)
        assert refused(program.get(f"/rooms/{room}/invitations?cursor=none")) == (400, "bad_frame", "cursor")

    def test_lets_its_visitors_in_and_nobody_after_the_last(self, make_tenant: MakeTenant) -> None:
        tenant = make_tenant()
        room = community(tenant, join_rule="invited")
        code = code_for(tenant, room, uses=2)
        one, two, three = (Visit(tenant, visitor(tenant)) for _ in range(3))
        assert one.ask("post", f"/invitations/{code}").json()["room"]["id"] == str(room)
        assert one.ask("post", f"/invitations/{code}").status_code == 200  # again: nothing is used up
        assert two.ask("post", f"/invitations/{code}").json()["room"]["people"] == 2
        assert refused(three.ask("post", f"/invitations/{code}")) == (404, "not_found", None)
        assert [one_of["joined"] for one_of in one.get("/rooms").json()["rooms"] if one_of["id"] == str(room)] == [True]

    @pytest.mark.parametrize("why", ["unknown", "over", "another site", "banned", "not signed in"])
    def test_is_not_good_and_nothing_is_used(self, acme: TenantRef, make_tenant: MakeTenant, why: str) -> None:
        room = community(acme, join_rule="invited")
        code, at = code_for(acme, room), Visit(acme, visitor(acme))
        if why == "over":
            with in_tenant(acme):
                Invitation.objects.filter(room=room).update(expires_at=timezone.now())
        elif why == "unknown":
            code = code[::-1]
        elif why == "another site":
            tenant = make_tenant()
            at = Visit(tenant, visitor(tenant))
        elif why == "banned":
            at = Visit(acme, member_of_invited(acme, room, banned_until=timezone.now() + timedelta(days=1)))
        else:
            with in_tenant(acme):
                Room.objects.filter(id=room).update(join_rule="identified")
        assert refused(at.ask("post", f"/invitations/{code}")) == (404, "not_found", None)
        with in_tenant(acme):
            assert Invitation.objects.get(room=room).uses_left == 1

    def test_the_last_use_is_used_once(self, acme: TenantRef) -> None:
        room = community(acme, join_rule="invited")
        code = code_for(acme, room, uses=2)
        visits = [Visit(acme, visitor(acme)) for _ in range(6)]

        def accept(at: Visit) -> int:
            try:
                return int(at.ask("post", f"/invitations/{code}").status_code)
            finally:
                connections.close_all()

        with ThreadPoolExecutor(len(visits)) as pool:
            assert sorted(pool.map(accept, visits)) == [200, 200, 404, 404, 404, 404]
        assert people_in(acme, room) == (2, 2)
        with in_tenant(acme):
            assert Invitation.objects.get(room=room).uses_left == 0

    def test_one_visitor_on_many_tabs_uses_one(self, acme: TenantRef) -> None:
        room = community(acme, join_rule="invited")
        code, vic = code_for(acme, room, uses=3), visitor(acme)

        def accept(_n: int) -> int:
            try:
                return int(Visit(acme, vic).ask("post", f"/invitations/{code}").status_code)
            finally:
                connections.close_all()

        with ThreadPoolExecutor(4) as pool:
            assert list(pool.map(accept, range(4))) == [200] * 4
        assert people_in(acme, room) == (1, 1)
        with in_tenant(acme):
            assert Invitation.objects.get(room=room).uses_left == 2

    @pytest.mark.parametrize(
        ("body", "field"),
        [({"expires_in": 0, "uses": 1}, "expires_in"), ({"expires_in": 60, "uses": 0}, "uses"), ({"uses": 1}, "expires_in")],
    )
    def test_terms_that_make_no_sense(self, acme: TenantRef, body: dict[str, int], field: str) -> None:
        program = signed_in(acme, "ben@acme.example")
        assert refused(program.post(f"/rooms/{community(acme)}/invitations", body)) == (400, "bad_frame", field)

    def test_guessing_is_slow(self, acme: TenantRef, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(limits, "INVITATION_VISITOR", Limit("test_invitation", 2, 60))
        at = Visit(acme, visitor(acme))
        assert [at.ask("post", f"/invitations/{n}").status_code for n in range(3)] == [404, 404, 429]


def member_of_invited(tenant: TenantRef, room: UUID, **place: Any) -> Principal:
    """A visitor with such a place in a room that nobody just enters."""
    who = visitor(tenant)
    member_row(tenant, room, who, **place)
    return who


def member_row(tenant: TenantRef, room: UUID, who: Principal, **place: Any) -> None:
    """The visitor has a place in the room."""
    with in_tenant(tenant):
        Room.objects.get(id=room).participants.create(kind="visitor", person_id=who.id, name=who.name, **place)
