"""Changes in order with what is sent, and over real sockets."""

from dataclasses import replace
from uuid import UUID, uuid4

import pytest

from chat.access import may_write
from chat.models import Change as StoredChange
from chat.models import Message
from chat.realtime.journal import Journal
from chat.realtime.protocol.incoming import Delete
from chat.realtime.waiting import Done
from chat.services.changes import change_of
from saas.core.errors import AppError, ReadOnly
from tenants.context import TenantRef, run_in_tenant
from tenants.models import Role
from tenants.tokens import Principal
from tests.support import talk
from tests.support.journals import Heard, a_journal, lock_of, lose_next_answer
from tests.support.sessions import comes_true
from tests.support.sockets import Doors
from tests.support.telling import Superuser, Teller, message_in


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
                before = journal.figures.flushes
                for n in range(1, 21):
                    journal.append(acme, teller.change("edit", said.id, text=f"{n}"), answers.append)
                    journal.append(acme, teller.row(f"line {n}"), answers.append)
                await comes_true(lambda: journal.figures.flushes > before + 1)  # which found the room held
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
            lose_next_answer(journal, monkeypatch)
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
