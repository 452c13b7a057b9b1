"""Changes and replies that are refused, for what sends are refused, too."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.utils import timezone

from chat.models import Message, Room, Visitor
from chat.realtime.append import Appended
from chat.realtime.waiting import Done
from saas.core.errors import AppError, Muted, NotFound, RoomClosed, SlowMode
from tenants.context import TenantRef, run_in_tenant, run_on_platform
from tenants.tokens import Principal
from tests.support import talk
from tests.support.journals import a_journal, in_room, row
from tests.support.telling import Teller, community, message_in, place


class TestRefusedLikeSends:
    @pytest.mark.parametrize(
        ("room_is", "they_are", "error"),
        [
            ({"closed_at": timezone.now()}, {}, RoomClosed),
            ({"locked_at": timezone.now()}, {}, RoomClosed),
            ({}, {"muted_until": timezone.now() + timedelta(days=1)}, Muted),
            ({}, {"banned_until": timezone.now() + timedelta(days=1)}, NotFound),
        ],
    )
    async def test_by_the_rooms_rules(
        self, acme: TenantRef, vic: Principal, room_is: dict[str, Any], they_are: dict[str, Any], error: type[AppError]
    ) -> None:
        room = await community(acme, vic.site_id)
        await place(acme, room, vic)
        async with a_journal() as journal:
            teller = Teller(journal, acme, room, vic)
            said = await teller.say("before")
            await run_in_tenant(acme, Room.objects.filter(id=room).update, title="Lamp talk", **room_is)
            await place(acme, room, vic, **they_are)
            for act in (teller.say("after"), teller.edit(said.id, "after"), teller.react(said.id, "👍")):
                with pytest.raises(error) as refused:
                    await act
                assert refused.value.code == error.code
                if error is Muted:
                    assert 0 < (refused.value.retry_after or 0) <= 86_400
            deleting = teller.delete(said.id)
            if error is Muted:
                await deleting  # one's own words may be taken back
            else:
                with pytest.raises(error):
                    await deleting

    async def test_what_ended_holds_nobody_back(self, acme: TenantRef, vic: Principal) -> None:
        past = timezone.now() - timedelta(seconds=1)
        room = await community(acme, vic.site_id)
        await place(acme, room, vic, muted_until=past, banned_until=past)
        async with a_journal() as journal:
            assert (await Teller(journal, acme, room, vic).say("free")).outcome == "stored"

    @pytest.mark.parametrize("rule", Room.JoinRule.values)
    async def test_only_members_write(self, acme: TenantRef, vic: Principal, rule: str) -> None:
        await run_in_tenant(acme, Visitor.objects.filter(id=vic.id).update, external_id=uuid4().hex)  # they may see each
        room = await community(acme, vic.site_id, join_rule=rule)
        async with a_journal() as journal:
            with pytest.raises(NotFound):
                await Teller(journal, acme, room, vic).say("let me in")
            await place(acme, room, vic)
            assert (await Teller(journal, acme, room, vic).say("thank you")).seq == 1

    async def test_a_visitor_says_nothing_in_a_room_of_the_team(self, acme: TenantRef, vic: Principal) -> None:
        room = await run_in_tenant(acme, lambda: Room.objects.create(kind="team", title="Team").id)
        async with a_journal() as journal:
            with pytest.raises(NotFound):
                await Teller(journal, acme, room, vic).say("hello?")

    async def test_locked_is_for_members_not_for_moderators_and_agents(
        self, acme: TenantRef, vic: Principal, agent_ben: Principal
    ) -> None:
        room = await community(acme, vic.site_id, locked_at=timezone.now())
        await place(acme, room, vic, role="moderator")
        async with a_journal() as journal:
            assert (await Teller(journal, acme, room, vic).say("as a moderator")).seq == 1
            assert (await Teller(journal, acme, room, agent_ben).say("as an agent")).seq == 2


class TestSlowMode:
    async def test_one_message_in_so_many_seconds_for_members_only(
        self, acme: TenantRef, vic: Principal, agent_ben: Principal
    ) -> None:
        room = await community(acme, vic.site_id, slow_seconds=600)
        await place(acme, room, vic)
        async with a_journal() as journal:
            teller, agent = Teller(journal, acme, room, vic), Teller(journal, acme, room, agent_ben)
            first = teller.row("first")
            said = await journal.put(acme, first)
            with pytest.raises(SlowMode) as refused:
                await teller.say("too soon")
            assert 300 < (refused.value.retry_after or 0) <= 600
            assert (await journal.put(acme, first)).seq == said.seq  # a repeat is no second message
            await agent.say("an agent")
            await agent.say("has no need to wait")
            await place(acme, room, vic, role="moderator")
            assert (await teller.say("nor has a moderator")).seq == 4

    async def test_of_two_in_one_flush_one_is_stored(self, acme: TenantRef, vic: Principal) -> None:
        room = await community(acme, vic.site_id, slow_seconds=30)
        other = await run_on_platform(talk.visitor, acme)
        for who in (vic, other):
            await place(acme, room, who)
        answers: list[Done | AppError] = []
        async with a_journal() as journal:
            for who, text in ((vic, "one"), (vic, "two"), (other, "three")):
                journal.append(acme, row(room, who, text), answers.append)
            await journal.flushed()
        assert [type(answer) for answer in answers] == [Appended, SlowMode, Appended]

    async def test_who_waited_long_enough_writes_again(self, acme: TenantRef, vic: Principal) -> None:
        room = await community(acme, vic.site_id, slow_seconds=30)
        await place(acme, room, vic)
        async with a_journal() as journal:
            teller = Teller(journal, acme, room, vic)
            said = await teller.say("first")
            earlier = timezone.now() - timedelta(seconds=31)
            await run_in_tenant(acme, Message.objects.filter(id=said.id).update, ts=earlier)
            assert (await teller.say("second")).seq == 2


class TestReplies:
    async def test_to_a_message_of_the_room(self, acme: TenantRef, vic: Principal, room: UUID) -> None:
        other = await in_room(acme, vic)
        async with a_journal() as journal:
            teller = Teller(journal, acme, room, vic)
            said = await teller.say("a question")
            reply = await teller.say("an answer", reply_to=said.id)
            for astray in (uuid4(), (await Teller(journal, acme, other, vic).say("elsewhere")).id):
                with pytest.raises(NotFound) as refused:
                    await teller.say("an answer to nothing", reply_to=astray)
                assert refused.value.field == "reply_to"
        assert (await message_in(acme, reply.id)).reply_to == said.id
