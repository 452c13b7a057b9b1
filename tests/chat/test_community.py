"""Community rooms: who sees them, who comes in, and that nobody is counted twice."""

from collections.abc import Callable
from uuid import uuid4

import pytest
from django.utils import timezone

from chat.access import room_for
from chat.models import Participant, Room
from chat.realtime.marks import MarkRow, store_marks
from chat.selectors import summaries
from chat.services.members import (
    enter,
    joined_snapshot,
    leave_room,
    remove_member,
)
from saas.core.errors import Muted, NotFound
from tenants.context import TenantRef, in_tenant
from tenants.models import Role
from tenants.tokens import Principal
from tests.support.community import (
    community,
    member,
    message_of,
    moderator,
    people_in,
    place_of,
    tries,
)
from tests.support.order import SOON, at_once, identified, sees
from tests.support.talk import room_of, visitor


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

    def test_who_sees_it_and_has_a_place_writes_there(self, acme: TenantRef) -> None:
        for rule in Room.JoinRule.values:
            room = community(acme)
            people = [member(acme, room), identified(acme, member(acme, room)), visitor(acme), identified(acme, visitor(acme))]
            people.append(member(acme, room, banned_until=timezone.now() + SOON))
            with in_tenant(acme):
                Room.objects.filter(id=room).update(join_rule=rule)
            for who in people:
                may = sees(acme, who, room) and place_of(acme, room, who) is not None
                assert tries(acme, who, room, "hi") == ("stored" if may else "not_found"), (rule, people.index(who))
            assert people_in(acme, room) == (3, 3)

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
