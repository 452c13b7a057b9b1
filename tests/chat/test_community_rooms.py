"""Community and team rooms as a whole: made, changed, archived; what is pinned and what is reported."""

from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from chat.models import Room
from chat.selectors import summary_of
from chat.selectors.reports import report_of
from chat.services import moderation
from chat.services.moderation import pin, report_message
from chat.services.rooms import RoomChange, archive_room, change_room, create_room
from saas.core.errors import Conflict, RateLimited, RoomClosed
from tenants.context import TenantRef, in_tenant
from tenants.models import Role
from tenants.tokens import Principal
from tests.support.api import Program
from tests.support.community import (
    community,
    lines_in,
    member,
    message_of,
    moderator,
    team_member,
    tries,
)
from tests.support.order import SOON, at_once
from tests.support.talk import room_of, visitor


class TestRooms:
    def test_a_new_community_room(self, acme: TenantRef, program: Program) -> None:
        body = {"kind": "community", "title": "  Bees\n and honey ", "join_rule": "identified", "slow_seconds": 5}
        answer = program.post("/rooms", body)
        room = answer.json()["room"]
        assert (answer.status_code, room["kind"], room["title"], room["slow"], room["head"]) == (
            201,
            "community",
            "Bees and honey",
            5,
            1,
        )
        assert room["site"]["id"]
        with in_tenant(acme):
            assert Room.objects.get(id=room["id"]).join_rule == "identified"

    def test_a_new_team_room(self, program: Program) -> None:
        room = program.post("/rooms", {"kind": "team", "title": "Us"}).json()["room"]
        assert room["kind"] == "team"
        assert "site" not in room

    @pytest.mark.parametrize(
        ("body", "status", "code", "field"),
        [
            ({"kind": "support", "title": "x"}, 400, "bad_frame", "kind"),
            ({"kind": "team"}, 400, "bad_frame", "title"),
            ({"kind": "team", "title": " "}, 400, "empty", "title"),
            ({"kind": "team", "title": "x" * 121}, 400, "too_long", "title"),
            ({"kind": "team", "title": "a\u0000b"}, 400, "bad_frame", "title"),
            ({"kind": "team", "title": "x", "slow_seconds": 5}, 400, "bad_frame", "kind"),
            ({"kind": "community", "title": "x", "slow_seconds": -1}, 400, "bad_frame", "slow_seconds"),
            ({"kind": "community", "title": "x", "slow_seconds": 3601}, 400, "bad_frame", "slow_seconds"),
            ({"kind": "community", "title": "x", "join_rule": "nobody"}, 400, "bad_frame", "join_rule"),
            ({"kind": "community", "title": "x", "site": str(uuid4())}, 404, "not_found", "site"),
            ({"kind": "community", "title": "x", "owner": 1}, 400, "bad_frame", "owner"),
        ],
    )
    def test_refuses_what_makes_no_room(self, program: Program, body: dict[str, Any], status: int, code: str, field: str) -> None:
        answer = program.post("/rooms", body)
        error = answer.json()["error"]
        assert (answer.status_code, error["code"], error.get("field")) == (status, code, field)

    def test_each_change_is_said_once(self, acme: TenantRef, program: Program) -> None:
        room = community(acme)
        change = {"title": "Bees", "join_rule": "invited", "slow_seconds": 30, "locked": True}
        said = program.patch(f"/rooms/{room}", change).json()["room"]
        assert (said["title"], said["slow"], said["locked"]) == ("Bees", 30, True)
        assert program.patch(f"/rooms/{room}", change).json()["room"]["rev"] == said["rev"]
        after = program.patch(f"/rooms/{room}", {"locked": False, "slow_seconds": 0}).json()["room"]
        assert {"slow", "locked"} & after.keys() == set()
        assert lines_in(acme, room) == [
            "Ada renamed this room to Bees",
            "Only people who are invited may join now",
            "Slow mode: one message in 30 seconds",
            "Ada locked this room: only moderators write",
            "Slow mode is off",
            "Ada unlocked this room",
        ]

    def test_locked_and_slow_count_from_the_next_line_on(self, acme: TenantRef, ada_: Principal) -> None:
        room = community(acme)
        vic, keeper = member(acme, room), moderator(acme, room)
        assert tries(acme, vic, room, "one") == "stored"
        change_room(acme, keeper, room_id=room, change=RoomChange(slow_seconds=60))
        assert [tries(acme, who, room, "two") for who in (vic, keeper, keeper)] == ["slow_mode", "stored", "stored"]
        change_room(acme, keeper, room_id=room, change=RoomChange(slow_seconds=0, locked=True))
        assert [tries(acme, who, room, "three") for who in (vic, keeper, ada_)] == ["room_closed", "stored", "stored"]

    def test_an_archived_room_takes_nothing_until_it_is_opened_again(self, acme: TenantRef, ada_: Principal) -> None:
        room = community(acme)
        vic = member(acme, room)
        for _ in range(2):
            assert archive_room(acme, ada_, room_id=room, archived=True).closed is True
        assert [tries(acme, who, room, "hi") for who in (vic, ada_)] == ["room_closed", "room_closed"]
        with pytest.raises(RoomClosed):
            change_room(acme, ada_, room_id=room, change=RoomChange(title="New"))
        archive_room(acme, ada_, room_id=room, archived=False)
        assert tries(acme, vic, room, "hi") == "stored"
        assert lines_in(acme, room) == ["Owner archived this room", "Owner opened this room again"]

    def test_a_support_room_and_its_notes_cannot_be_changed_so(self, acme: TenantRef, ada_: Principal) -> None:
        support = room_of(acme, visitor(acme), "hello")
        for change in (RoomChange(title="x"), RoomChange(locked=True)):
            with pytest.raises(Conflict):
                change_room(acme, ada_, room_id=support, change=change)
        with pytest.raises(Conflict):
            archive_room(acme, ada_, room_id=support, archived=True)
        team = create_room(acme, ada_, kind="team", title="Us").id
        with pytest.raises(Conflict):
            change_room(acme, ada_, room_id=team, change=RoomChange(slow_seconds=5))

    def test_what_a_member_is_told_of_themselves(self, acme: TenantRef) -> None:
        room, end = community(acme), timezone.now() + SOON
        keeper, quiet, vic = moderator(acme, room), member(acme, room, muted_until=end), member(acme, room)
        with in_tenant(acme):
            told = [summary_of(room, who).mine for who in (keeper, quiet, vic)]
        assert told[0].role == "moderator"  # type: ignore[union-attr]
        assert told[1].role == "member"  # type: ignore[union-attr]
        assert told[1].muted_until  # type: ignore[union-attr]
        assert not told[2]


class TestPins:
    def test_newest_first_each_once_and_taken_down(self, acme: TenantRef, program: Program) -> None:
        room = community(acme)
        vic = member(acme, room)
        one, two = (message_of(acme, room, vic, text) for text in ("one", "two"))
        for message in (one, two, one):
            said = program.post(f"/rooms/{room}/pins", {"message": str(message)}).json()["room"]
        assert said["pinned"] == [str(two), str(one)]
        said = program.delete(f"/rooms/{room}/pins/{two}").json()["room"]
        assert said["pinned"] == [str(one)]
        assert program.delete(f"/rooms/{room}/pins/{two}").json()["room"]["rev"] == said["rev"]
        assert lines_in(acme, room) == ["Ada pinned a message", "Ada pinned a message", "Ada took a pinned message down"]

    def test_only_what_was_said_here(self, acme: TenantRef, program: Program) -> None:
        room, other = community(acme), community(acme)
        elsewhere = message_of(acme, other, member(acme, other))
        for message in (elsewhere, uuid4()):
            answer = program.post(f"/rooms/{room}/pins", {"message": str(message)})
            assert (answer.status_code, answer.json()["error"]["field"]) == (404, "message")

    def test_at_most_20(self, acme: TenantRef, ada_: Principal) -> None:
        room = community(acme)
        vic = member(acme, room)
        with in_tenant(acme):
            Room.objects.filter(id=room).update(pinned=[str(uuid4()) for _ in range(20)])
        with pytest.raises(Conflict):
            pin(acme, ada_, room_id=room, message_id=message_of(acme, room, vic), on=True)

    def test_pins_at_once_are_all_kept(self, acme: TenantRef, ada_: Principal) -> None:
        room = community(acme)
        vic = member(acme, room)
        messages = [message_of(acme, room, vic, f"line {n}") for n in range(4)]
        at_once([partial(pin, acme, ada_, room_id=room, message_id=m, on=True) for m in messages])
        with in_tenant(acme):
            assert sorted(Room.objects.get(id=room).pinned) == sorted(map(str, messages))


class TestReports:
    def test_from_the_complaint_to_the_end(self, acme: TenantRef, program: Program) -> None:
        room = community(acme)
        message = message_of(acme, room, member(acme, room), "rude words")
        path = f"/rooms/{room}/reports"
        made = program.post(path, {"message": str(message), "reason": "rude"})
        report = made.json()["report"]
        assert made.status_code == 201
        assert (report["message"]["text"], report["reason"], report["reporter"]["name"]) == ("rude words", "rude", "Ada")
        assert program.post(path, {"message": str(message), "reason": "again"}).json()["report"] == report
        assert report in program.get("/reports").json()["reports"]
        settled = program.post(f"/reports/{report['id']}/settle").json()["report"]
        assert settled["settled_at"]
        assert program.post(f"/reports/{report['id']}/settle").json()["report"] == settled
        assert report["id"] not in [one["id"] for one in program.get("/reports").json()["reports"]]
        assert settled in program.get("/reports", status="settled").json()["reports"]

    def test_pages(self, acme: TenantRef, program: Program) -> None:
        room = community(acme)
        vic = member(acme, room)
        ben = team_member(acme, Role.AGENT)
        made = [
            str(report_message(acme, ben, room_id=room, message_id=message_of(acme, room, vic, f"{n}"), reason="rude").id)
            for n in range(53)
        ]
        got, cursor = [], ""
        while cursor is not None:
            said = program.get("/reports", status="all", cursor=cursor).json()
            got += [one["id"] for one in said["reports"]]
            cursor = said["cursor"]
        assert [one for one in got if one in made] == made[::-1]
        assert len(got) == len(set(got))

    @pytest.mark.parametrize(("query", "field"), [({"status": "x"}, "status"), ({"cursor": "x"}, "cursor")])
    def test_refuses_what_it_does_not_know(self, program: Program, query: dict[str, str], field: str) -> None:
        assert program.get("/reports", **query).json()["error"]["field"] == field

    def test_nobody_reports_what_they_do_not_see_or_nobody_said(self, acme: TenantRef, program: Program) -> None:
        room, other = community(acme), community(acme)
        elsewhere = message_of(acme, other, member(acme, other))
        answer = program.post(f"/rooms/{room}/reports", {"message": str(elsewhere)})
        assert answer.json()["error"]["code"] == "not_found"
        program.patch(f"/rooms/{room}", {"title": "New"})
        line = program.get(f"/rooms/{room}/messages").json()["messages"][-1]["id"]
        assert program.post(f"/rooms/{room}/reports", {"message": line}).json()["error"]["code"] == "conflict"


def test_a_report_stands_though_nobody_can_be_told_of_it(acme: TenantRef, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise RateLimited("That was too often; wait a moment.", retry_after=1)

    monkeypatch.setattr(moderation, "send_to_members", refuse)
    room = community(acme)
    rude, hurt = member(acme, room), member(acme, room)
    made = report_message(acme, hurt, room_id=room, message_id=message_of(acme, room, rude), reason="rude")
    with in_tenant(acme):
        assert report_of(made.id) == made
