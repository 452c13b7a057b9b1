"""Members of a community room: mutes, bans, moderators, and how each ends."""

from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from chat.models import Participant
from chat.services.ends import until
from chat.services.members import (
    MemberChange,
    enter,
    leave_room,
    remove_member,
    set_member,
)
from saas.core.errors import BadFrame, Conflict, Forbidden, NotFound
from tenants.context import TenantRef, in_tenant
from tenants.tokens import Principal
from tests.support.api import Program
from tests.support.community import (
    community,
    lines_in,
    member,
    moderator,
    people_in,
    place_of,
    tries,
)
from tests.support.order import SOON, at_once, decision, moderator_of_invited, sees
from tests.support.talk import room_of, visitor


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
