"""Community and team rooms: who sees them, who comes in, what is done to them, and that nobody is counted twice."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connections
from django.utils import timezone

from chat.access import room_for
from chat.models import Participant, Room, Visitor
from chat.realtime.marks import MarkRow, store_marks
from chat.selectors import summaries, summary_of
from chat.selectors.reports import report_of
from chat.services import moderation
from chat.services.members import (
    MemberChange,
    enter,
    joined_snapshot,
    leave_room,
    remove_member,
    set_member,
    until,
)
from chat.services.moderation import pin, report_message
from chat.services.rooms import RoomChange, archive_room, change_room, create_room
from saas.core.errors import AppError, BadFrame, Conflict, Forbidden, Muted, NotFound, RateLimited, RoomClosed
from tenants.context import TenantRef, in_tenant
from tenants.models import Role
from tenants.tokens import Principal
from tests.support.api import Program, signed_in
from tests.support.community import (
    community,
    lines_in,
    member,
    message_of,
    moderator,
    people_in,
    place_of,
    team_member,
    tries,
)
from tests.support.talk import room_of, visitor

SOON = timedelta(minutes=5)


@pytest.fixture
def ada_(acme: TenantRef) -> Principal:
    """The owner of acme."""
    return team_member(acme, Role.OWNER)


@pytest.fixture
def program(acme: TenantRef) -> Program:
    """Ada's."""
    return signed_in(acme, "ada@acme.example")


def at_once(works: list[Callable[[], Any]]) -> list[Any]:
    """What each gives, or the refusal it ends in; all begin together."""

    def run(work: Callable[[], Any]) -> Any:
        try:
            return work()
        except AppError as error:
            return error
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run, works))


def sees(tenant: TenantRef, who: Principal, room_id: UUID) -> bool:
    with in_tenant(tenant):
        try:
            room_for(who, room_id)
        except NotFound:
            return False
        return True


def identified(tenant: TenantRef, who: Principal) -> Principal:
    with in_tenant(tenant):
        Visitor.objects.filter(id=who.id).update(external_id=uuid4().hex)
    return who


class TestWhoSeesIt:
    def test_an_open_room_everybody_of_the_site_but_the_banned(self, acme: TenantRef) -> None:
        room = community(acme)
        assert sees(acme, visitor(acme), room)
        assert sees(acme, member(acme, room), room)
        assert not sees(acme, member(acme, room, banned_until=timezone.now() + SOON), room)
        assert sees(acme, member(acme, room, banned_until=timezone.now() - SOON), room)

    def test_an_identified_room_who_is_signed_in_members_or_not(self, acme: TenantRef) -> None:
        room = community(acme)
        anonymous = member(acme, room)
        with in_tenant(acme):
            Room.objects.filter(id=room).update(join_rule="identified")
        assert not sees(acme, anonymous, room)
        assert not sees(acme, visitor(acme), room)
        assert sees(acme, identified(acme, visitor(acme)), room)
        banned = member(acme, community(acme))
        with in_tenant(acme):
            Participant.objects.create(
                room_id=room, kind="visitor", person_id=banned.id, name="x", banned_until=timezone.now() + SOON
            )
        assert not sees(acme, identified(acme, banned), room)

    def test_an_invited_room_its_members(self, acme: TenantRef) -> None:
        room = community(acme)
        vic = member(acme, room)
        with in_tenant(acme):
            Room.objects.filter(id=room).update(join_rule="invited")
        assert sees(acme, vic, room)
        assert not sees(acme, visitor(acme), room)
        assert not sees(acme, identified(acme, visitor(acme)), room)

    def test_what_append_lets_in_is_what_is_seen(self, acme: TenantRef) -> None:
        for rule in Room.JoinRule.values:
            room = community(acme)
            people = [member(acme, room), visitor(acme), identified(acme, visitor(acme))]
            people.append(member(acme, room, banned_until=timezone.now() + SOON))
            with in_tenant(acme):
                Room.objects.filter(id=room).update(join_rule=rule)
            told = [(sees(acme, who, room), tries(acme, who, room, "hi") != "not_found") for who in people]
            assert all(seen == written for seen, written in told), (rule, told)

    def test_a_team_room_and_a_rooms_notes_are_the_teams(self, acme: TenantRef, ada_: Principal) -> None:
        vic = visitor(acme)
        support = room_of(acme, vic, "hello")
        with in_tenant(acme):
            notes = Room.objects.filter(notes_of=support).first() or Room.objects.create(
                kind="team", title="Notes", notes_of_id=support
            )
            team = Room.objects.create(kind="team", title="Team")
        for room in (team, notes):
            assert sees(acme, ada_, room.id)
            assert not sees(acme, vic, room.id)

    def test_notes_stand_in_no_list(self, acme: TenantRef, ada_: Principal) -> None:
        support = room_of(acme, visitor(acme), "hello")
        with in_tenant(acme):
            notes = Room.objects.filter(notes_of=support).first() or Room.objects.create(
                kind="team", title="Notes", notes_of_id=support
            )
            assert summaries(ada_, room_ids=[notes.id])[0] == []
            assert [room.id for room in summaries(ada_, room_ids=[notes.id, support])[0]] == [support]

    def test_who_moderates(self, acme: TenantRef) -> None:
        room, other = community(acme), community(acme)
        keeper = moderator(acme, room)
        with in_tenant(acme):
            assert room_for(keeper, room).may_moderate
            assert not room_for(keeper, other).may_moderate
            for role in Role:
                who = Principal(acme.id, "agent", uuid4(), "x", role, None, None, "s", 0)
                assert room_for(who, room).may_moderate is (role != Role.VIEWER)


class TestJoining:
    def test_the_first_join_makes_a_member_and_the_second_changes_nothing(self, acme: TenantRef) -> None:
        room, vic = community(acme), visitor(acme)
        with in_tenant(acme):
            first = joined_snapshot(vic, room)
            again = joined_snapshot(vic, room)
        assert (first.summary.people, again.summary.people) == (1, 1)
        assert (first.is_member, again.is_member) == (True, True)
        assert again.summary.rev == first.summary.rev

    def test_agents_and_support_rooms_join_as_before(self, acme: TenantRef, ada_: Principal) -> None:
        room, vic = community(acme), visitor(acme)
        support = room_of(acme, vic, "hello")
        with in_tenant(acme):
            joined_snapshot(ada_, room)
            joined_snapshot(vic, support)
        assert people_in(acme, room) == (0, 0)
        assert people_in(acme, support) == (1, 1)

    def test_who_may_not_see_it_comes_not_in(self, acme: TenantRef) -> None:
        room, vic = community(acme, join_rule="invited"), visitor(acme)
        with in_tenant(acme):
            assert not enter(vic, room)
            with pytest.raises(NotFound):
                joined_snapshot(vic, room)
        assert people_in(acme, room) == (0, 0)

    def test_many_who_join_at_once_are_counted_once_each(self, acme: TenantRef) -> None:
        room, people = community(acme), [visitor(acme) for _ in range(4)]

        def join(who: Principal) -> Callable[[], bool]:
            def work() -> bool:
                with in_tenant(acme):
                    return enter(who, room)

            return work

        came = at_once([join(who) for who in people for _ in range(3)])
        assert sorted(came) == [False] * 8 + [True] * 4
        assert people_in(acme, room) == (4, 4)

    def test_a_late_mark_does_not_bring_back_who_was_removed(self, acme: TenantRef, ada_: Principal) -> None:
        room = community(acme, join_rule="open")
        vic = member(acme, room)
        message_of(acme, room, vic)
        remove_member(acme, ada_, room_id=room, person_id=vic.id)
        with in_tenant(acme):
            store_marks([MarkRow(room, "visitor", vic.id, vic.name, 1)])
        assert people_in(acme, room) == (0, 0)

    def test_marks_of_members_and_agents_count(self, acme: TenantRef, ada_: Principal) -> None:
        room = community(acme)
        vic = member(acme, room)
        message_of(acme, room, vic)
        with in_tenant(acme):
            for seq in (9, 0):  # never past the end, never back
                store_marks([MarkRow(room, who.kind, who.id, who.name, seq) for who in (vic, ada_)])
        places = [place_of(acme, room, who) for who in (vic, ada_)]
        assert [place and place.read_seq for place in places] == [1, 1]
        assert people_in(acme, room) == (2, 2)

    def test_leaving_gives_the_place_up(self, acme: TenantRef) -> None:
        room = community(acme)
        vic = member(acme, room)
        for _ in range(2):
            leave_room(acme, vic, room_id=room)
            assert people_in(acme, room) == (0, 0)

    def test_a_mute_does_not_end_by_going_and_coming(self, acme: TenantRef) -> None:
        room = community(acme)
        vic = member(acme, room, muted_until=timezone.now() + SOON)
        with pytest.raises(Muted) as refused:
            leave_room(acme, vic, room_id=room)
        assert 0 < (refused.value.retry_after or 0) <= 300
        assert tries(acme, vic, room, "hi") == "muted"


class TestMembers:
    @pytest.mark.parametrize(("change", "outcome"), [("muted_until", "muted"), ("banned_until", "not_found")])
    def test_what_is_decided_counts_from_the_next_line_on(
        self, acme: TenantRef, ada_: Principal, change: str, outcome: str
    ) -> None:
        room = community(acme)
        vic = member(acme, room)
        assert tries(acme, vic, room, "before") == "stored"
        set_member(acme, ada_, room_id=room, person_id=vic.id, change=decision(change, timezone.now() + SOON))
        assert tries(acme, vic, room, "after") == outcome
        set_member(acme, ada_, room_id=room, person_id=vic.id, change=decision(change, None))
        assert tries(acme, vic, room, "again") == "stored"

    def test_over_http(self, acme: TenantRef, program: Program) -> None:
        room = community(acme)
        vic = member(acme, room)
        path = f"/rooms/{room}/members/{vic.id}"
        said = program.put(path, {"role": "moderator", "mute_for": 60}).json()["member"]
        assert (said["id"], said["role"], said["kind"]) == (str(vic.id), "moderator", "visitor")
        assert "muted_until" in said
        assert "banned_until" not in said
        assert program.get(f"/rooms/{room}/members").json() == {"members": [said], "cursor": None}
        assert "muted_until" not in program.put(path, {"mute_for": 0}).json()["member"]
        assert lines_in(acme, room) == [f"Ada made {vic.name} a moderator"]
        assert program.delete(path).status_code == 204
        assert program.get(f"/rooms/{room}/members").json()["members"] == []

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({"role": "owner"}, "role"),
            ({"mute_for": -1}, "muted_until"),
            ({"mute_for": 1e12}, "muted_until"),
            ({"mute_for": "1"}, "mute_for"),
            ({"ban_for": 1, "banned_until": "2030-01-01T00:00:00Z"}, "banned_until"),
            ({"banned_until": "2030-01-01T00:00:00"}, "banned_until"),
            ({"banned_until": "9999-12-31T23:59:59Z"}, "banned_until"),
            ({"banned_until": "tomorrow"}, "banned_until"),
            ({"colour": 1}, "colour"),
            ([], None),
        ],
    )
    def test_refuses_what_makes_no_sense(self, acme: TenantRef, program: Program, body: Any, field: str | None) -> None:
        room = community(acme)
        vic = member(acme, room)
        answer = program.put(f"/rooms/{room}/members/{vic.id}", body)
        error = answer.json()["error"]
        assert (answer.status_code, error["code"], error.get("field")) == (400, "bad_frame", field)

    def test_a_long_list_has_pages(self, acme: TenantRef, program: Program) -> None:
        room = community(acme)
        with in_tenant(acme):
            Participant.objects.bulk_create(
                Participant(room_id=room, kind="visitor", person_id=uuid4(), name=f"V{n}") for n in range(130)
            )
        first = program.get(f"/rooms/{room}/members").json()
        second = program.get(f"/rooms/{room}/members", cursor=first["cursor"]).json()
        assert (len(first["members"]), len(second["members"]), second["cursor"]) == (100, 30, None)
        assert len({one["id"] for one in first["members"] + second["members"]}) == 130
        assert program.get(f"/rooms/{room}/members", cursor="x").json()["error"]["field"] == "cursor"

    def test_nobody_but_visitors_of_the_site(self, acme: TenantRef, ada_: Principal, ben: Any) -> None:
        room = community(acme)
        for stranger in (uuid4(), ben.id):
            with pytest.raises(NotFound):
                set_member(acme, ada_, room_id=room, person_id=stranger, change=MemberChange(role="member"))

    def test_a_moderator_has_no_power_over_moderators_nor_may_appoint(self, acme: TenantRef) -> None:
        room = community(acme)
        keeper, other, vic = moderator(acme, room), moderator(acme, room), member(acme, room)
        for whom in (keeper, other):
            with pytest.raises(Forbidden):
                set_member(acme, keeper, room_id=room, person_id=whom.id, change=MemberChange(banned_until=timezone.now() + SOON))
            with pytest.raises(Forbidden):
                remove_member(acme, keeper, room_id=room, person_id=whom.id)
        with pytest.raises(Forbidden):
            set_member(acme, keeper, room_id=room, person_id=vic.id, change=MemberChange(role="moderator"))

    def test_nobody_comes_into_an_invited_room_by_a_ban(self, acme: TenantRef, ada_: Principal) -> None:
        room, vic = community(acme, join_rule="invited"), visitor(acme)
        ban = MemberChange(banned_until=timezone.now() + SOON)
        for who, change in ((ada_, ban), (moderator_of_invited(acme, room), MemberChange())):
            with pytest.raises(NotFound):
                set_member(acme, who, room_id=room, person_id=vic.id, change=change)
        set_member(acme, ada_, room_id=room, person_id=vic.id, change=MemberChange())
        assert sees(acme, vic, room)

    def test_only_community_rooms_have_members_to_be_changed(self, acme: TenantRef, ada_: Principal) -> None:
        vic = visitor(acme)
        support = room_of(acme, vic, "hello")
        with pytest.raises(Conflict):
            set_member(acme, ada_, room_id=support, person_id=vic.id, change=MemberChange(muted_until=timezone.now() + SOON))
        with pytest.raises(Conflict):
            remove_member(acme, ada_, room_id=support, person_id=vic.id)
        with pytest.raises(Conflict):
            leave_room(acme, vic, room_id=support)

    def test_changes_at_once_are_all_made_and_counted_once(self, acme: TenantRef, ada_: Principal) -> None:
        room, vic = community(acme), visitor(acme)
        muted, banned = timezone.now() + SOON, timezone.now() + 2 * SOON

        def change(**values: Any) -> Callable[[], Any]:
            return lambda: set_member(acme, ada_, room_id=room, person_id=vic.id, change=MemberChange(**values))

        made = at_once([change(muted_until=muted), change(banned_until=banned), change(role="moderator")] * 2)
        assert [one for one in made if isinstance(one, Exception)] == []
        place = place_of(acme, room, vic)
        assert place
        assert (place.muted_until, place.banned_until, place.role) == (muted, banned, "moderator")
        assert people_in(acme, room) == (1, 1)

    def test_coming_going_and_being_removed_at_once_leaves_the_count_right(self, acme: TenantRef, ada_: Principal) -> None:
        room, people = community(acme), [visitor(acme) for _ in range(3)]

        def join(who: Principal) -> Callable[[], Any]:
            def work() -> Any:
                with in_tenant(acme):
                    return enter(who, room)

            return work

        works: list[Callable[[], Any]] = []
        for who in people:
            works += [join(who), partial(leave_room, acme, who, room_id=room), join(who)]
            works.append(partial(remove_member, acme, ada_, room_id=room, person_id=who.id))
        assert [one for one in at_once(works) if isinstance(one, Exception)] == []
        said, counted = people_in(acme, room)
        assert said == counted

    def test_a_time_that_is_over_is_none(self) -> None:
        assert until(timezone.now() - SOON, None, field="x") is None
        assert until(None, 0, field="x") is None
        with pytest.raises(BadFrame):
            until(timezone.now(), 5, field="x")


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


def moderator_of_invited(tenant: TenantRef, room_id: UUID) -> Principal:
    """A moderator of a room that nobody just enters."""
    who = visitor(tenant)
    with in_tenant(tenant):
        Participant.objects.create(room_id=room_id, kind="visitor", person_id=who.id, name=who.name, role="moderator")
        Room.objects.filter(id=room_id).update(people=1)
    return who


def decision(field: str, moment: datetime | None) -> MemberChange:
    """A mute or a ban until then; None ends it."""
    return MemberChange(muted_until=moment) if field == "muted_until" else MemberChange(banned_until=moment)


def test_a_report_stands_though_nobody_can_be_told_of_it(acme: TenantRef, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise RateLimited("That was too often; wait a moment.", retry_after=1)

    monkeypatch.setattr(moderation, "send_to_members", refuse)
    room = community(acme)
    rude, hurt = member(acme, room), member(acme, room)
    made = report_message(acme, hurt, room_id=room, message_id=message_of(acme, room, rude), reason="rude")
    with in_tenant(acme):
        assert report_of(made.id) == made
