"""Edits, deletions and reactions: what they do to a message, who may, and in which order."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from django.utils import timezone

from chat.access import may_write
from chat.models import Change as StoredChange
from chat.models import Message, Participant, Reaction, Room
from chat.realtime.amend import Amended, Change
from chat.realtime.append import Appended, Row
from chat.realtime.journal import Journal
from chat.realtime.protocol.incoming import Delete
from chat.realtime.protocol.outgoing import Upd
from chat.realtime.waiting import Done, frame_of
from chat.selectors import history, snapshot, summary_of
from chat.services.changes import change_of
from saas.core.errors import AppError, Conflict, Forbidden, Muted, NotFound, ReadOnly, RoomClosed, SlowMode
from tenants.context import TenantRef, run_in_tenant, run_on_platform
from tenants.models import Role
from tenants.tokens import Principal
from tests.realtime.test_journal import Heard, a_journal, in_room, lock_of, row
from tests.support import talk
from tests.support.sockets import Doors

Superuser = psycopg.Connection[tuple[object, ...]]


class Teller:
    """One person who changes messages of one room through a journal."""

    def __init__(self, journal: Journal, tenant: TenantRef, room: UUID, who: Principal) -> None:
        self.journal, self.tenant, self.room, self.who = journal, tenant, room, who

    def row(self, text: str, **fields: Any) -> Row:
        return replace(row(self.room, self.who, text), **fields)

    def change(self, kind: Any, message: UUID, **fields: Any) -> Change:
        made = row(self.room, self.who, "")
        return Change(kind, self.room, made.author, made.cid, message, moderates=self.who.kind == "agent", **fields)

    async def say(self, text: str, **fields: Any) -> Appended:
        return await self.journal.put(self.tenant, self.row(text, **fields))

    async def edit(self, message: UUID, text: str) -> Amended:
        return await self.journal.change(self.tenant, self.change("edit", message, text=text))

    async def delete(self, message: UUID) -> Amended:
        return await self.journal.change(self.tenant, self.change("delete", message))

    async def react(self, message: UUID, emoji: str, *, on: bool = True) -> Amended:
        return await self.journal.change(self.tenant, self.change("react", message, emoji=emoji, on=on))


async def community(tenant: TenantRef, site_id: UUID | None, **fields: Any) -> UUID:
    """A community room of the site."""

    def make() -> UUID:
        return Room.objects.create(kind="community", title="Lamp talk", site_id=site_id, **fields).id

    return await run_in_tenant(tenant, make)


async def place(tenant: TenantRef, room: UUID, who: Principal, **fields: Any) -> None:
    """The person's place in the room."""

    def make() -> None:
        Participant.objects.update_or_create(
            room_id=room, person_id=who.id, defaults={"kind": who.kind, "name": who.name, **fields}
        )

    await run_in_tenant(tenant, make)


async def message_in(tenant: TenantRef, message: UUID) -> Message:
    return await run_in_tenant(tenant, Message.objects.get, id=message)


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


class TestRefusedLikeSends:
    @pytest.mark.parametrize(
        ("room_is", "they_are", "error"),
        [
            ({"closed_at": timezone.now()}, {}, RoomClosed),
            ({"locked_at": timezone.now()}, {}, RoomClosed),
            ({}, {"muted_until": timezone.now() + timedelta(hours=1)}, Muted),
            ({}, {"banned_until": timezone.now() + timedelta(hours=1)}, NotFound),
        ],
    )
    async def test_by_the_rooms_rules(
        self, acme: TenantRef, vic: Principal, room_is: dict[str, Any], they_are: dict[str, Any], error: type[AppError]
    ) -> None:
        room = await community(acme, vic.site_id)
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
                    assert 3000 < (refused.value.retry_after or 0) <= 3600
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

    async def test_by_invitation_only_members_write(self, acme: TenantRef, vic: Principal) -> None:
        room = await community(acme, vic.site_id, join_rule="invited")
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
        room = await community(acme, vic.site_id, slow_seconds=30)
        async with a_journal() as journal:
            teller, agent = Teller(journal, acme, room, vic), Teller(journal, acme, room, agent_ben)
            first = teller.row("first")
            said = await journal.put(acme, first)
            with pytest.raises(SlowMode) as refused:
                await teller.say("too soon")
            assert 25 < (refused.value.retry_after or 0) <= 30
            assert (await journal.put(acme, first)).seq == said.seq  # a repeat is no second message
            await agent.say("an agent")
            await agent.say("has no need to wait")
            await place(acme, room, vic, role="moderator")
            assert (await teller.say("nor has a moderator")).seq == 4

    async def test_of_two_in_one_flush_one_is_stored(self, acme: TenantRef, vic: Principal) -> None:
        room = await community(acme, vic.site_id, slow_seconds=30)
        other = await run_on_platform(talk.visitor, acme)
        answers: list[Done | AppError] = []
        async with a_journal() as journal:
            for who, text in ((vic, "one"), (vic, "two"), (other, "three")):
                journal.append(acme, row(room, who, text), answers.append)
            await journal.flushed()
        assert [type(answer) for answer in answers] == [Appended, SlowMode, Appended]

    async def test_who_waited_long_enough_writes_again(self, acme: TenantRef, vic: Principal) -> None:
        room = await community(acme, vic.site_id, slow_seconds=30)
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


class TestOrder:
    async def test_sends_and_changes_of_one_sender_keep_their_order_in_a_busy_room(
        self, acme: TenantRef, vic: Principal, room: UUID, superuser: Superuser
    ) -> None:
        """Each edit says more than the one before it; what was sent between them must stand between them."""
        heard = Heard()
        async with a_journal(heard) as journal:
            teller = Teller(journal, acme, room, vic)
            said = await teller.say("0")
            answers: list[Done | AppError] = []
            with superuser.transaction():
                superuser.execute(lock_of(acme), [room])
                for n in range(1, 21):
                    journal.append(acme, teller.change("edit", said.id, text=f"{n}"), answers.append)
                    journal.append(acme, teller.row(f"line {n}"), answers.append)
                await asyncio.sleep(0.05)
                assert answers == []
            await journal.flushed()
        assert [answer.seq for answer in answers if not isinstance(answer, AppError)] == list(range(4, 44))
        assert [one.done.seq for one in heard] == list(range(3, 44))
        assert (await message_in(acme, said.id)).text == "20"

    async def test_a_sender_who_mixes_does_not_hold_up_another(self, acme: TenantRef, vic: Principal, room: UUID) -> None:
        other = replace(vic, id=uuid4())
        journal = Journal("", Heard())  # never started: only its queue is looked at
        said = (await run_in_tenant(acme, Message.objects.filter(room_id=room).earliest, "seq")).id
        mixer, sender = Teller(journal, acme, room, vic), Teller(journal, acme, room, other)
        for n in range(3):
            journal.append(acme, mixer.row(f"{n}"), print)
            journal.append(acme, mixer.change("react", said, emoji="👍", on=True), print)
            journal.append(acme, sender.row(f"{n}"), print)
        waiting = journal._main.waiting
        flushes = [[type(entry.row).__name__ for group in waiting.take(500) for entry in group] for _ in range(5)]
        assert flushes[0] == ["Row", "Row", "Row", "Row"]  # one of the mixer's, all of the sender's
        assert flushes[1:] == [["Change"], ["Row"], ["Change"], ["Row"]]
        assert waiting.size == 1

    async def test_a_repeat_of_a_change_whose_answer_was_lost_is_heard_of(
        self, acme: TenantRef, vic: Principal, room: UUID, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        heard = Heard()
        async with a_journal(heard) as journal:
            teller = Teller(journal, acme, room, vic)
            said = await teller.say("one")
            real = journal._main._send
            lost: list[Any] = []

            async def send(groups: Any) -> Any:
                answer = await real(groups)
                if not lost:
                    lost.append(answer)
                    raise psycopg.OperationalError("the connection broke before the answer came")
                return answer

            monkeypatch.setattr(journal._main, "_send", send)
            done = await teller.edit(said.id, "two")
        assert (done.outcome, done.seq, heard[-1].done.seq) == ("again", 4, 4)
        assert await run_in_tenant(acme, StoredChange.objects.filter(room_id=room).count) == 1


class TestOverSockets:
    async def test_everyone_in_the_room_hears_the_message_whole(
        self, doors: Doors, acme: TenantRef, vic: Principal, agent_ben: Principal, room: UUID
    ) -> None:
        async with doors.agent(acme, agent_ben) as inbox, doors.visitor(acme, vic) as widget:
            await inbox.join(room)
            await widget.join(room)
            said = await widget.send(room, "teh lamp")
            for name, fields in (
                ("edit", {"text": "the lamp"}),
                ("react", {"emoji": "👍", "on": True}),
                ("delete", {}),
            ):
                cid = uuid4()
                await widget.say(name, cid=cid, room=room, message=said["id"], **fields)
                ack = await widget.expect("ack", cid=str(cid))
                upd = await inbox.expect("upd", seq=ack["seq"])
                assert (ack["id"], upd["message"]["id"], upd["message"]["changed"]) == (said["id"], said["id"], ack["seq"])
                assert await widget.expect("upd", seq=ack["seq"]) == upd
            assert (upd["message"]["text"], upd["message"]["deleted"], upd["message"]["reactions"]) == ("", True, {})

    async def test_who_was_away_finds_the_change_when_they_come_back(
        self, doors: Doors, acme: TenantRef, vic: Principal, room: UUID
    ) -> None:
        async with doors.visitor(acme, vic) as widget:
            joined = await widget.join(room)
            said = joined["messages"][0]
            await widget.say("edit", cid=uuid4(), room=room, message=said["id"], text="one, really")
            await widget.expect("ack")
        async with doors.visitor(acme, vic) as widget:
            back = await widget.join(room, epoch=joined["epoch"], after=joined["head"])
            assert (back["resumed"], back["head"]) == (True, 3)
            assert [(one["seq"], one["changed"], one["text"]) for one in back["messages"]] == [(1, 3, "one, really")]

    async def test_what_is_no_change_is_refused_before_it_is_stored(
        self, doors: Doors, acme: TenantRef, vic: Principal, agent_ben: Principal, room: UUID
    ) -> None:
        said = (await run_in_tenant(acme, Message.objects.filter(room_id=room).earliest, "seq")).id
        viewer = talk.with_role(agent_ben, Role.VIEWER)
        async with doors.visitor(acme, vic) as widget:
            await widget.join(room)
            await widget.say("react", cid=uuid4(), room=room, message=said, emoji="hello", on=True)
            assert (await widget.expect_error("bad_frame"))["field"] == "emoji"
            await widget.say("edit", cid=uuid4(), room=room, message=said, text=" \n ")
            await widget.expect_error("empty")
        with pytest.raises(ReadOnly):
            change_of(viewer, Delete(cid=uuid4(), room=room, message=said), may_write=may_write(viewer))
