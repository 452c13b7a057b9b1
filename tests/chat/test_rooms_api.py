"""The rooms of a tenant over HTTP, and the inbox page."""

import json
import re
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from chat.models import Message, Room, Visitor
from chat.realtime.presence import is_here
from chat.selectors import first_embed_key
from tenants.context import TenantRef, in_tenant
from tenants.models import Membership, Role, User
from tests.support.api import Program, signed_in
from tests.support.cast import MakeTenant, make_user
from tests.support.talk import agent, room_of, say, visitor
from tests.support.web import ACME, Browser

NO_ROOM = "0199a0c0-0000-7000-8000-00000000dead"


@pytest.fixture
def program(acme: TenantRef, ben: User) -> Program:
    """Ben's."""
    return signed_in(acme, ben.email)


def error_of(answer: Any) -> tuple[int, str, str | None]:
    """Status, code and field of a refusal in the one shape."""
    error = answer.json()["error"]
    assert set(error) <= {"code", "message", "field", "retry_after"}
    return answer.status_code, error["code"], error.get("field")


class TestList:
    def test_pages_through_all_rooms_newest_first(self, make_tenant: MakeTenant) -> None:
        owner = make_user(f"{uuid4()}@acme.example", "Olga")
        tenant = make_tenant(owner=owner)
        rooms = [str(room_of(tenant, visitor(tenant), "hello")) for _ in range(53)]
        program = signed_in(tenant, owner.email)
        first = program.get("/rooms").json()
        second = program.get("/rooms", cursor=first["cursor"]).json()
        assert (len(first["rooms"]), len(second["rooms"]), second["cursor"]) == (50, 3, None)
        assert [room["id"] for room in first["rooms"] + second["rooms"]] == rooms[::-1]

    def test_a_room_in_the_list(self, acme: TenantRef, program: Program) -> None:
        vic = visitor(acme)
        room_id = room_of(acme, vic, "hello", "are you there?")
        (room,) = [room for room in program.get("/rooms", status="open").json()["rooms"] if room["id"] == str(room_id)]
        assert (room["kind"], room["status"], room["title"], room["head"], room["unread"]) == ("support", "open", vic.name, 2, 2)
        assert (room["last"]["text"], room["last"]["by"], room["visitor"]) == ("are you there?", vic.name, str(vic.id))
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", room["last"]["ts"])

    def test_by_status(self, acme: TenantRef, program: Program) -> None:
        room_id = str(room_of(acme, visitor(acme), "hello"))
        program.post(f"/rooms/{room_id}/resolve")

        def listed(**query: str) -> bool:
            return room_id in [room["id"] for room in program.get("/rooms", **query).json()["rooms"]]

        assert [listed(status="open"), listed(status="resolved"), listed(status="all"), listed()] == [False, True, True, True]

    @pytest.mark.parametrize(
        ("query", "field"), [({"cursor": "x"}, "cursor"), ({"status": "closed"}, "status"), ({"status": "\0"}, "status")]
    )
    def test_refuses_what_it_does_not_know(self, program: Program, query: dict[str, str], field: str) -> None:
        assert error_of(program.get("/rooms", **query)) == (400, "bad_frame", field)


class TestRoom:
    def test_with_its_visitor(self, acme: TenantRef, program: Program) -> None:
        vic = visitor(acme)
        room_id = room_of(acme, vic, "hello")
        said = program.get(f"/rooms/{room_id}").json()
        assert set(said) == {"room", "visitor"}
        assert said["room"]["id"] == str(room_id)
        assert set(said["visitor"]) == {"id", "name", "locale", "page", "external_id", "online", "created_at", "seen_at"}
        assert set(said["visitor"]["page"]) == {"url", "title", "referrer"}
        assert (said["visitor"]["id"], said["visitor"]["online"]) == (str(vic.id), False)

    def test_with_what_the_customer_calls_its_user(self, acme: TenantRef, program: Program) -> None:
        stranger, user = visitor(acme), visitor(acme)
        with in_tenant(acme):
            Visitor.objects.filter(id=user.id).update(external_id=f"user {user.id}")
        said = [program.get(f"/rooms/{room_of(acme, who, 'hello')}").json()["visitor"] for who in (stranger, user)]
        assert [one["external_id"] for one in said] == [None, f"user {user.id}"]

    def test_a_room_without_a_visitor(self, acme: TenantRef, program: Program) -> None:
        with in_tenant(acme):
            room = Room.objects.create(kind="team", title="Team")
        assert program.get(f"/rooms/{room.id}").json()["visitor"] is None

    @pytest.mark.parametrize("room_id", [NO_ROOM, "x", "0", "%00", "é", "a" * 300, "00000000-0000-0000-0000-00000000000g"])
    @pytest.mark.parametrize("path", ["", "/messages"])
    def test_a_room_that_is_not_there(self, program: Program, room_id: object, path: str) -> None:
        assert error_of(program.get(f"/rooms/{room_id}{path}")) == (404, "not_found", None)

    def test_nobody_is_here_without_a_socket(self, acme: TenantRef) -> None:
        assert not is_here(acme, visitor(acme).id)


class TestMessages:
    def test_walks_back_to_the_first(self, acme: TenantRef, program: Program) -> None:
        room_id = room_of(acme, visitor(acme), *map(str, range(1, 46)))
        got: list[int] = []
        said = program.get(f"/rooms/{room_id}/messages").json()
        while True:
            got = [message["seq"] for message in said["messages"]] + got
            if not said["more"]:
                break
            said = program.get(f"/rooms/{room_id}/messages", before=got[0]).json()
        assert got == list(range(1, 46))

    def test_a_message_is_as_on_the_wire(self, acme: TenantRef, program: Program) -> None:
        vic = visitor(acme)
        room_id = room_of(acme, vic, "hello")
        (message,) = program.get(f"/rooms/{room_id}/messages").json()["messages"]
        assert set(message) == {"id", "room", "seq", "changed", "cid", "by", "kind", "text", "attachments", "reactions", "ts"}
        assert (message["by"]["kind"], message["by"]["id"], message["text"]) == ("visitor", str(vic.id), "hello")

    def test_reads_what_one_person_said(self, acme: TenantRef, ben: User, program: Program) -> None:
        vic = visitor(acme)
        room_id = room_of(acme, vic, *map(str, range(1, 31)))
        say(acme, room_id, agent(acme, ben), "not mine")
        newest = program.get(f"/rooms/{room_id}/messages", author=vic.id).json()
        assert ([message["seq"] for message in newest["messages"]], newest["more"]) == (list(range(11, 31)), True)
        rest = program.get(f"/rooms/{room_id}/messages", author=vic.id, before=11).json()
        assert ([message["seq"] for message in rest["messages"]], rest["more"]) == (list(range(1, 11)), False)
        assert error_of(program.get(f"/rooms/{room_id}/messages", author="Vic")) == (404, "not_found", None)

    @pytest.mark.parametrize("before", ["x", "-1", "1.5", "١", "9" * 17, " 1"])
    def test_refuses_a_place_that_is_none(self, acme: TenantRef, program: Program, before: str) -> None:
        room_id = room_of(acme, visitor(acme), "hello")
        assert error_of(program.get(f"/rooms/{room_id}/messages", before=before)) == (400, "bad_frame", "before")


class TestResolve:
    def test_resolves_and_reopens_with_a_system_line_each(self, acme: TenantRef, program: Program) -> None:
        room_id = room_of(acme, visitor(acme), "hello")
        resolved = program.post(f"/rooms/{room_id}/resolve").json()["room"]
        reopened = program.post(f"/rooms/{room_id}/reopen").json()["room"]
        assert (resolved["status"], resolved["head"]) == ("resolved", 2)
        assert (reopened["status"], reopened["head"]) == ("open", 3)
        assert reopened["rev"] > resolved["rev"]
        lines = program.get(f"/rooms/{room_id}/messages").json()["messages"]
        assert [(line["kind"], line["by"]["kind"], line["text"]) for line in lines[1:]] == [
            ("system", "system", "Ben resolved this"),
            ("system", "system", "Ben reopened this"),
        ]

    def test_twice_is_once(self, acme: TenantRef, program: Program) -> None:
        room_id = room_of(acme, visitor(acme), "hello")
        assert program.post(f"/rooms/{room_id}/reopen").json()["room"]["head"] == 1
        once = program.post(f"/rooms/{room_id}/resolve").json()
        assert program.post(f"/rooms/{room_id}/resolve").json() == once

    def test_system_lines_are_nobodys_unread(self, acme: TenantRef, program: Program, ada: User) -> None:
        room_id = room_of(acme, visitor(acme), "hello")
        program.post(f"/rooms/{room_id}/resolve")
        assert signed_in(acme, ada.email).get(f"/rooms/{room_id}").json()["room"]["unread"] == 1

    def test_the_visitors_next_line_reopens(self, acme: TenantRef, program: Program) -> None:
        vic = visitor(acme)
        room_id = room_of(acme, vic, "hello")
        program.post(f"/rooms/{room_id}/resolve")
        say(acme, room_id, vic, "one more thing")
        assert program.get(f"/rooms/{room_id}").json()["room"]["status"] == "open"

    def test_a_viewer_may_look_only(self, acme: TenantRef) -> None:
        viewer = make_user(f"{uuid4()}@acme.example", "Vera")
        Membership.objects.create(tenant_id=acme.id, user=viewer, role=Role.VIEWER)
        room_id = room_of(acme, visitor(acme), "hello")
        program = signed_in(acme, viewer.email)
        assert program.get(f"/rooms/{room_id}").status_code == 200
        assert error_of(program.post(f"/rooms/{room_id}/resolve")) == (403, "read_only", None)
        with in_tenant(acme):
            assert Message.objects.filter(room=room_id).count() == 1

    def test_only_support_rooms(self, acme: TenantRef, program: Program) -> None:
        with in_tenant(acme):
            room = Room.objects.create(kind="team", title="Team")
        assert error_of(program.post(f"/rooms/{room.id}/resolve")) == (409, "conflict", None)

    @pytest.mark.parametrize("what", ["resolve", "reopen"])
    def test_a_room_that_is_not_there(self, program: Program, what: str) -> None:
        assert error_of(program.post(f"/rooms/{uuid4()}/{what}")) == (404, "not_found", None)

    def test_by_post_only(self, acme: TenantRef, program: Program) -> None:
        room_id = room_of(acme, visitor(acme), "hello")
        assert error_of(program.get(f"/rooms/{room_id}/resolve"))[0] == 405


class TestWithoutSignIn:
    @pytest.mark.parametrize("path", ["/rooms", f"/rooms/{NO_ROOM}", f"/rooms/{NO_ROOM}/messages"])
    @pytest.mark.parametrize("token", [None, "x", "e30.e30.x"])
    def test_nothing_is_read(self, acme: TenantRef, path: str, token: str | None) -> None:
        assert error_of(Program(acme, token).get(path)) == (401, "unauthenticated", None)

    def test_nothing_is_changed(self, acme: TenantRef) -> None:
        room_id = room_of(acme, visitor(acme), "hello")
        assert error_of(Program(acme, None).post(f"/rooms/{room_id}/resolve")) == (401, "unauthenticated", None)

    def test_a_browsers_session_needs_the_csrf_token_to_change_something(self, acme: TenantRef, browser: Browser) -> None:
        room_id = room_of(acme, visitor(acme), "hello")
        page = browser.sign_in(f"{ACME}/inbox/", "ben@acme.example")
        csrf = boot_of(page)["csrf"]
        jar = Client(enforce_csrf_checks=True, headers={"Host": "acme.localhost:8000"})
        jar.cookies = browser.jar("acme.localhost:8000").cookies
        assert jar.get(f"/api/v1/rooms/{room_id}").status_code == 200
        assert error_of(jar.post(f"/api/v1/rooms/{room_id}/resolve"))[:2] == (403, "forbidden")
        assert jar.post(f"/api/v1/rooms/{room_id}/resolve", headers={"X-CSRFToken": csrf}).status_code == 200


class TestInboxPage:
    def test_what_the_script_starts_from(self, acme: TenantRef, ben: User, browser: Browser) -> None:
        boot = boot_of(browser.sign_in(f"{ACME}/inbox/", ben.email))
        assert boot["user"] == {"id": str(ben.id), "name": "Ben", "email": "ben@acme.example"}
        assert (boot["role"], boot["tenant"]["slug"], boot["api"]) == ("agent", "acme", "/api/v1")
        assert boot["socket"] == "ws://acme.localhost:8000/ws/agent/"
        assert f'data-key="{first_embed_key(acme.id)}"' in boot["tag"]
        assert 'src="http://widget.localhost:8000/porchlight.js"' in boot["tag"]

    def test_every_room_has_an_address(self, acme: TenantRef, browser: Browser) -> None:
        page = browser.sign_in(f"{ACME}/inbox/{uuid4()}/", "ben@acme.example")
        assert boot_of(page)["tenant"]["slug"] == "acme"

    def test_it_is_never_kept_by_a_browser(self, acme: TenantRef, browser: Browser) -> None:
        assert "no-store" in browser.sign_in(f"{ACME}/inbox/", "ben@acme.example").headers["Cache-Control"]

    def test_a_stranger_signs_in_first(self, acme: TenantRef, browser: Browser) -> None:
        answer = browser.get(f"{ACME}/inbox/")
        assert answer.status_code == 302
        assert answer.headers["Location"].startswith("/sign-in/")


def boot_of(page: Any) -> Any:
    found = re.search(r'<script id="boot" type="application/json">(.*?)</script>', page.content.decode(), re.S)
    assert found, page.content.decode()[:500]
    return json.loads(found[1])
