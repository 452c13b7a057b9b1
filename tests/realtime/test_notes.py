"""Notes of the team about a support room: a room of their own, of which its visitor never learns, on no path."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from uuid import UUID, uuid4

import psycopg
import pytest

from chat.models import Notification, Room
from chat.selectors import heads, history, messages_of, snapshot, summaries, summary_of
from saas.core.errors import NotFound
from tenants.context import TenantRef, in_tenant
from tenants.tokens import Principal
from tests.support import talk
from tests.support.sockets import ChatSocket, Doors

MIGRATION: Final = Path("chat/migrations/sql/0006_messages.sql").read_text()


def notes_of(room_id: UUID) -> UUID:
    """The companion of a room. Inside the tenant."""
    return Room.objects.get(notes_of=room_id).id


@pytest.fixture
def notes(acme: TenantRef, room: UUID) -> UUID:
    """Where the team writes about Vic's room."""
    with in_tenant(acme):
        return notes_of(room)


def everything(value: Any) -> Iterator[str]:
    """Every text in what a socket was sent."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from everything(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from everything(inner)
    else:
        yield str(value)


class TestTheRoom:
    def test_is_made_with_the_support_room_once(self, acme: TenantRef, vic: Principal, room: UUID) -> None:
        with in_tenant(acme):
            made = Room.objects.get(notes_of=room)
        assert (made.kind, made.title, made.site_id, made.visitor_id) == ("team", vic.name, None, None)

    def test_is_made_for_rooms_that_were_there_before(
        self, acme: TenantRef, vic: Principal, room: UUID, superuser: psycopg.Connection[tuple[object, ...]]
    ) -> None:
        with in_tenant(acme):
            Room.objects.filter(notes_of=room).delete()
        superuser.execute(
            MIGRATION.partition("-- Each support room")[2].partition("\n")[2].replace("{schema}", acme.schema).encode()
        )
        self.test_is_made_with_the_support_room_once(acme, vic, room)

    def test_is_named_to_agents_and_stands_in_no_list(
        self, acme: TenantRef, vic: Principal, agent_ben: Principal, room: UUID, notes: UUID
    ) -> None:
        with in_tenant(acme):
            assert summary_of(room, agent_ben).notes == notes
            assert summary_of(notes, agent_ben).notes_of == room
            assert not summary_of(room, vic).notes
            listed = {one.id for one in summaries(agent_ben, room_ids=[room, notes])[0]}
        assert listed == {room}

    def test_is_not_there_for_a_visitor(self, acme: TenantRef, vic: Principal, notes: UUID) -> None:
        talk.say(acme, notes, None, "something")
        with in_tenant(acme):
            for read in (
                lambda: snapshot(vic, notes),
                lambda: history(vic, notes, before=9),
                lambda: messages_of(vic, notes, vic.id, before=9),
                lambda: summary_of(notes, vic),
            ):
                with pytest.raises(NotFound):
                    read()

    def test_leaves_the_support_room_as_it_was(
        self, acme: TenantRef, vic: Principal, agent_ben: Principal, room: UUID, notes: UUID
    ) -> None:
        with in_tenant(acme):
            before = summary_of(room, vic), snapshot(vic, room), heads([room])
        talk.say(acme, notes, agent_ben, "He asks this every week")
        with in_tenant(acme):
            assert (summary_of(room, vic), snapshot(vic, room), heads([room])) == before
            assert not Notification.objects.filter(recipient_id=vic.id).exists()


class TestWhatIsHeard:
    async def test_agents_hear_of_a_note_wherever_they_are(
        self, doors: Doors, acme: TenantRef, vic: Principal, agent_ben: Principal, room: UUID, notes: UUID
    ) -> None:
        async with doors.agent(acme, agent_ben) as writer, doors.agent(acme, agent_ben) as reader:
            joined = await writer.join(notes)
            assert joined["summary"]["notes_of"] == str(room)
            await writer.send(notes, "Ordered twice already")
            told = await reader.expect("room", room=str(notes))
            assert told["summary"]["notes_of"] == str(room)
            assert told["summary"]["last"]["text"] == "Ordered twice already"

    async def test_the_visitor_hears_nothing_of_what_is_done_there(
        self, doors: Doors, acme: TenantRef, vic: Principal, agent_ben: Principal, room: UUID, notes: UUID
    ) -> None:
        async with doors.agent(acme, agent_ben) as inbox, doors.visitor(acme, vic) as widget:
            await widget.join(room)
            await inbox.join(notes)
            await widget.expect("presence")
            silent_from = len(widget.frames)
            await self._work(inbox, notes)
            await inbox.join(room)
            await inbox.send(room, "A word to Vic")
            heard = await widget.expect("msg", room=str(room))
            assert heard["seq"] == 3  # notes take none of its numbers
            told = await widget.expect("room", room=str(room))
            assert "notes" not in told["summary"]
            found = set(everything(widget.frames))
            assert str(notes) not in found
            assert "secret" not in " ".join(found)
            kinds = {one["t"] for one in widget.frames[silent_from:]}
            # that Ben is here, came to the room, and what he said
            assert kinds <= {"presence", "people", "msg", "room", "pong", "ping"}
            assert all(one.keys() == {"t", "agents"} for one in widget.came("presence"))

    @staticmethod
    async def _work(inbox: ChatSocket, notes: UUID) -> None:
        """All that an agent can do in a room."""
        said = await inbox.send(notes, "secret one")
        await inbox.say("typing", room=notes, on=True, draft="secret draft")
        await inbox.say("edit", cid=uuid4(), room=notes, message=said["id"], text="secret two")
        await inbox.say("react", cid=uuid4(), room=notes, message=said["id"], emoji="👀", on=True)
        await inbox.say("delete", cid=uuid4(), room=notes, message=said["id"])
        await inbox.expect("upd", seq=4)
        await inbox.say("read", room=notes, seq=4)
        await inbox.expect("marks", room=str(notes))
        await inbox.settled()

    async def test_every_frame_about_it_gets_a_visitor_nowhere(
        self, doors: Doors, acme: TenantRef, vic: Principal, agent_ben: Principal, room: UUID, notes: UUID
    ) -> None:
        async with doors.agent(acme, agent_ben) as inbox, doors.visitor(acme, vic) as widget:
            await inbox.join(notes)
            said = (await inbox.send(notes, "secret"))["id"]
            await widget.join(room)
            frames: dict[str, dict[str, Any]] = {
                "join": {"ref": 1},
                "leave": {"ref": 2},
                "history": {"ref": 3, "before": 9},
                "send": {"cid": uuid4(), "text": "let me in"},
                "edit": {"cid": uuid4(), "message": said, "text": "mine"},
                "delete": {"cid": uuid4(), "message": said},
                "react": {"cid": uuid4(), "message": said, "emoji": "👀", "on": True},
                "read": {"seq": 1},
                "typing": {"on": True, "draft": "x"},
            }
            for name, fields in frames.items():
                await widget.say(name, room=notes, **fields)
                await widget.expect_error("not_found")
            reply = uuid4()
            await widget.say("send", cid=reply, room=room, text="about that", reply_to=said)
            assert (await widget.expect_error("not_found", cid=str(reply)))["field"] == "reply_to"
        async with doors.visitor(acme, vic, rooms=[{"room": notes, "epoch": uuid4(), "after": 0}]) as widget:
            assert (await widget.expect("left", room=str(notes)))["code"] == "not_found"
            assert "secret" not in " ".join(everything(widget.frames))
