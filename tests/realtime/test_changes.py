"""Edits, deletions and reactions: what they do to a message, and who may."""

from dataclasses import replace
from uuid import UUID, uuid4

import pytest

from chat.models import Reaction, Room
from chat.realtime.protocol.outgoing import Upd
from chat.realtime.waiting import frame_of
from chat.selectors import history, snapshot, summary_of
from saas.core.errors import Conflict, Forbidden, NotFound
from tenants.context import TenantRef, run_in_tenant, run_on_platform
from tenants.tokens import Principal
from tests.support import talk
from tests.support.journals import Heard, a_journal, in_room
from tests.support.telling import Teller, community, message_in, place


class TestEdit:
    async def test_a_message_gets_new_words_and_the_rooms_next_number(self, acme: TenantRef, vic: Principal, room: UUID) -> None:
        heard = Heard()
        async with a_journal(heard) as journal:
            teller = Teller(journal, acme, room, vic)
            said = await teller.say("teh lamp")
            await teller.say("another")
            done = await teller.edit(said.id, "the lamp")
        found = await message_in(acme, said.id)
        assert (found.text, found.seq, found.changed, done.seq) == ("the lamp", 3, 5, 5)
        assert found.edited_at == done.ts
        upd = frame_of(heard[-1].row, heard[-1].done)
        assert isinstance(upd, Upd)
        assert (upd.seq, upd.message.text, upd.message.seq, upd.message.changed) == (5, "the lamp", 3, 5)

    async def test_a_late_duplicate_never_reverts_a_newer_edit(self, acme: TenantRef, vic: Principal, room: UUID) -> None:
        heard = Heard()
        async with a_journal(heard) as journal:
            teller = Teller(journal, acme, room, vic)
            said = await teller.say("one")
            first = teller.change("edit", said.id, text="two")
            before = await journal.change(acme, first)
            await teller.edit(said.id, "three")
            again = await journal.change(acme, first)
        assert (again.outcome, again.seq, again.ts) == ("again", before.seq, before.ts)
        assert (await message_in(acme, said.id)).text == "three"
        assert len(heard) == 3

    async def test_the_first_words_sent_again_are_a_repeat_still(self, acme: TenantRef, vic: Principal, room: UUID) -> None:
        async with a_journal() as journal:
            teller = Teller(journal, acme, room, vic)
            first = teller.row("teh lamp")
            said = await journal.put(acme, first)
            await teller.edit(said.id, "the lamp")
            again = await journal.put(acme, first)
        assert (again.outcome, again.id, again.seq) == ("again", said.id, said.seq)
        assert (await message_in(acme, said.id)).text == "the lamp"

    async def test_the_same_words_change_nothing_and_take_no_number(self, acme: TenantRef, vic: Principal, room: UUID) -> None:
        heard = Heard()
        async with a_journal(heard) as journal:
            teller = Teller(journal, acme, room, vic)
            said = await teller.say("one")
            done = await teller.edit(said.id, "one")
            after = await teller.say("next")
        assert (done.outcome, done.seq, after.seq) == ("same", said.seq, said.seq + 1)
        assert len(heard) == 2

    async def test_a_cid_is_for_one_thing_whichever_comes_first(self, acme: TenantRef, vic: Principal, room: UUID) -> None:
        async with a_journal() as journal:
            teller = Teller(journal, acme, room, vic)
            first = teller.row("one")
            said = await journal.put(acme, first)
            edit = teller.change("edit", said.id, text="two")
            with pytest.raises(Conflict):
                await journal.change(acme, replace(edit, cid=first.cid))
            await journal.change(acme, edit)
            with pytest.raises(Conflict):
                await journal.put(acme, teller.row("three", cid=edit.cid))
            with pytest.raises(Conflict):
                await journal.change(acme, replace(edit, text="other words"))
        assert (await message_in(acme, said.id)).text == "two"

    async def test_only_ones_own_words(self, acme: TenantRef, vic: Principal, agent_ben: Principal, room: UUID) -> None:
        async with a_journal() as journal:
            said = await Teller(journal, acme, room, vic).say("mine")
            with pytest.raises(Forbidden):
                await Teller(journal, acme, room, agent_ben).edit(said.id, "his")
        assert (await message_in(acme, said.id)).text == "mine"

    async def test_a_message_of_another_room_is_not_there(self, acme: TenantRef, vic: Principal, room: UUID) -> None:
        other = await in_room(acme, vic)
        async with a_journal() as journal:
            said = await Teller(journal, acme, other, vic).say("elsewhere")
            with pytest.raises(NotFound) as refused:
                await Teller(journal, acme, room, vic).edit(said.id, "here")
        assert refused.value.field == "message"


class TestDelete:
    async def test_a_tombstone_keeps_the_place_and_nothing_else(
        self, acme: TenantRef, vic: Principal, agent_ben: Principal, room: UUID
    ) -> None:
        async with a_journal() as journal:
            teller = Teller(journal, acme, room, vic)
            said = await teller.say("a secret")
            await Teller(journal, acme, room, agent_ben).react(said.id, "👍")
            done = await teller.delete(said.id)
            again = await teller.delete(said.id)
        found = await message_in(acme, said.id)
        assert (found.text, found.attachments, found.reactions, found.seq, found.changed) == ("", [], {}, 3, done.seq)
        assert found.deleted_at
        assert not await run_in_tenant(acme, Reaction.objects.filter(message_id=said.id).exists)
        assert (again.outcome, again.seq) == ("same", done.seq)

    async def test_the_words_leave_the_list_of_rooms_with_it(
        self, acme: TenantRef, vic: Principal, agent_ben: Principal, room: UUID
    ) -> None:
        heard = Heard()
        async with a_journal(heard) as journal:
            teller = Teller(journal, acme, room, vic)
            earlier, said = await teller.say("an earlier line"), await teller.say("a secret")
            assert (await teller.delete(earlier.id)).room is None
            await teller.delete(said.id)
        told = heard[-1].done.summary()
        now = await run_in_tenant(acme, summary_of, room, agent_ben)
        assert told
        assert told.last == now.last
        assert (told.rev, told.head) == (now.rev, now.head)
        assert getattr(now.last, "text", None) == ""

    async def test_agents_delete_what_visitors_said_and_visitors_only_their_own(
        self, acme: TenantRef, vic: Principal, agent_ben: Principal, room: UUID
    ) -> None:
        async with a_journal() as journal:
            visitor, agent = Teller(journal, acme, room, vic), Teller(journal, acme, room, agent_ben)
            mine, his = await visitor.say("mine"), await agent.say("his")
            with pytest.raises(Forbidden):
                await visitor.delete(his.id)
            await agent.delete(mine.id)
        assert (await message_in(acme, mine.id)).deleted_at
        assert not (await message_in(acme, his.id)).deleted_at

    async def test_a_moderator_of_the_room_deletes_what_others_said(self, acme: TenantRef, vic: Principal) -> None:
        other = await run_on_platform(talk.visitor, acme)
        room = await community(acme, vic.site_id)
        for who in (vic, other):
            await place(acme, room, who)
        async with a_journal() as journal:
            said = await Teller(journal, acme, room, other).say("spam")
            with pytest.raises(Forbidden):
                await Teller(journal, acme, room, vic).delete(said.id)
            await place(acme, room, vic, role="moderator")
            await Teller(journal, acme, room, vic).delete(said.id)
        assert (await message_in(acme, said.id)).deleted_at

    async def test_what_is_gone_takes_no_change_and_no_pin(self, acme: TenantRef, vic: Principal, room: UUID) -> None:
        async with a_journal() as journal:
            teller = Teller(journal, acme, room, vic)
            said, kept = await teller.say("one"), await teller.say("two")
            await run_in_tenant(acme, Room.objects.filter(id=room).update, pinned=[str(said.id), str(kept.id)])
            await teller.delete(said.id)
            for change in (teller.edit(said.id, "back"), teller.react(said.id, "👍")):
                with pytest.raises(NotFound):
                    await change
        assert (await run_in_tenant(acme, Room.objects.get, id=room)).pinned == [str(kept.id)]


class TestReact:
    async def test_reactions_are_counted_by_emoji_and_person(
        self, acme: TenantRef, vic: Principal, agent_ben: Principal, room: UUID
    ) -> None:
        async with a_journal() as journal:
            visitor, agent = Teller(journal, acme, room, vic), Teller(journal, acme, room, agent_ben)
            said = await visitor.say("one")
            await visitor.react(said.id, "👍")
            await agent.react(said.id, "👍")
            await agent.react(said.id, "🎉")
            twice = await agent.react(said.id, "🎉")
            await visitor.react(said.id, "👍", on=False)
        assert twice.outcome == "same"
        assert (await message_in(acme, said.id)).reactions == {
            "👍": {"n": 1, "who": [str(agent_ben.id)]},
            "🎉": {"n": 1, "who": [str(agent_ben.id)]},
        }

    async def test_the_last_one_that_goes_takes_the_emoji_along(self, acme: TenantRef, vic: Principal, room: UUID) -> None:
        async with a_journal() as journal:
            teller = Teller(journal, acme, room, vic)
            said = await teller.say("one")
            await teller.react(said.id, "👍")
            await teller.react(said.id, "👍", on=False)
        assert (await message_in(acme, said.id)).reactions == {}

    async def test_a_crowd_is_counted_and_twenty_are_named_oneself_first(
        self, acme: TenantRef, vic: Principal, agent_ben: Principal, room: UUID
    ) -> None:
        crowd = [replace(vic, id=uuid4()) for _ in range(25)]
        async with a_journal() as journal:
            said = await Teller(journal, acme, room, vic).say("one")
            for one in crowd:
                await Teller(journal, acme, room, one).react(said.id, "👍")
            await Teller(journal, acme, room, vic).react(said.id, "👍")
            stored = (await message_in(acme, said.id)).reactions["👍"]
            assert stored == {"n": 26, "who": [str(one.id) for one in crowd[:20]]}
            await Teller(journal, acme, room, crowd[3]).react(said.id, "👍", on=False)
            stored = (await message_in(acme, said.id)).reactions["👍"]
            assert (stored["n"], len(set(stored["who"]))) == (25, 20)
            assert str(crowd[3].id) not in stored["who"]
        seen = (await run_in_tenant(acme, history, vic, room, before=99))[0][-1].reactions["👍"]
        assert (seen.n, seen.who[0], len(seen.who)) == (25, vic.id, 20)
        joined = (await run_in_tenant(acme, snapshot, vic, room)).messages[-1].reactions["👍"]
        assert joined == seen
        other = (await run_in_tenant(acme, history, agent_ben, room, before=99))[0][-1].reactions["👍"]
        assert other.who[0] == crowd[0].id

    async def test_a_message_holds_twenty_different_emoji(self, acme: TenantRef, vic: Principal, room: UUID) -> None:
        async with a_journal() as journal:
            teller = Teller(journal, acme, room, vic)
            said = await teller.say("one")
            for n in range(20):
                await teller.react(said.id, chr(0x1F600 + n))
            with pytest.raises(Forbidden):
                await teller.react(said.id, "🪔")
            await teller.react(said.id, chr(0x1F600), on=False)
            await teller.react(said.id, "🪔")
        assert len((await message_in(acme, said.id)).reactions) == 20
