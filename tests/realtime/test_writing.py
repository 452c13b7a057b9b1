"""Frames that write, after something has changed for their author of which their socket heard nothing."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from chat.consumers.frames import handle
from chat.consumers.joining import join
from chat.realtime.hub import Hub
from chat.realtime.protocol.codes import Close
from chat.realtime.protocol.incoming import Auth, ClientFrame, Delete, Edit, History, React, Send
from chat.realtime.session import Session
from chat.services.members import remove_member
from chat.services.words import set_words
from tenants import resolve
from tenants.context import run_on_platform
from tenants.models import Membership
from tenants.tokens import Principal
from tests.support.community import community, member, people_in
from tests.support.sessions import Sink, comes_true, session_of
from tests.support.shop import Shop
from tests.support.sockets import agent_token
from tests.support.stored import texts

ANSWERS = ("ack", "err", "page")


class Writer:
    """Somebody in a room, and what their frames are answered."""

    def __init__(self, session: Session, sink: Sink, room: UUID) -> None:
        self.session, self.sink, self.room = session, sink, room

    async def asks(self, frame: ClientFrame) -> dict[str, Any]:
        """The answer to a frame."""
        before = len(self._answers())
        if (pending := handle(self.session, frame)) is not None:
            await pending
        await comes_true(lambda: len(self._answers()) > before)
        return self._answers()[-1]

    async def says(self, text: str) -> dict[str, Any]:
        """The answer to a new line."""
        return await self.asks(Send(cid=uuid4(), room=self.room, text=text))

    def _answers(self) -> list[dict[str, Any]]:
        return [frame for frame in self.sink.frames if frame["t"] in ANSWERS]


async def writer(hub: Hub, shop: Shop, who: Principal, room: UUID) -> Writer:
    session, sink = session_of(shop.tenant, who)
    hub.enter(session)
    await join(session, room)
    return Writer(session, sink, room)


@pytest.fixture
async def room(storing: Hub, shop: Shop) -> UUID:
    """A community room of the shop's that is open."""
    return await run_on_platform(community, shop.tenant)


@pytest.fixture
async def who(shop: Shop, room: UUID) -> Principal:
    """A member of the room."""
    return await run_on_platform(member, shop.tenant, room)


@pytest.fixture
async def vic(storing: Hub, shop: Shop, room: UUID, who: Principal) -> Writer:
    """A member of the room, who has it open."""
    return await writer(storing, shop, who, room)


class TestWhoLostTheirPlace:
    """The order that puts them out of an open room is lost, and their socket still in it."""

    @pytest.fixture
    async def line(self, vic: Writer) -> UUID:
        """What they said before."""
        return UUID((await vic.says("before"))["id"])

    @pytest.fixture
    async def removed(self, shop: Shop, room: UUID, who: Principal, line: UUID, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("chat.services.members.from_thread", lambda _act: None)
        await run_on_platform(lambda: remove_member(shop.tenant, shop.owner, room_id=room, person_id=who.id))

    async def test_writes_nothing(self, shop: Shop, vic: Writer, room: UUID, line: UUID, removed: None) -> None:
        assert room in vic.session.rooms
        for frame in (
            Send(cid=uuid4(), room=room, text="after"),
            Edit(cid=uuid4(), room=room, message=line, text="after"),
            React(cid=uuid4(), room=room, message=line, emoji="👍", on=True),
            Delete(cid=uuid4(), room=room, message=line),
        ):
            answer = await vic.asks(frame)
            assert (answer["t"], answer.get("code"), answer["cid"]) == ("err", "not_found", str(frame.cid))
        assert await texts(shop.tenant, room) == ["before"]
        assert await run_on_platform(people_in, shop.tenant, room) == (0, 0)

    async def test_gets_the_answer_of_before_to_what_was_stored_before(
        self, shop: Shop, vic: Writer, room: UUID, who: Principal, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        frame = Send(cid=uuid4(), room=room, text="before")
        first = await vic.asks(frame)
        monkeypatch.setattr("chat.services.members.from_thread", lambda _act: None)
        await run_on_platform(lambda: remove_member(shop.tenant, shop.owner, room_id=room, person_id=who.id))
        assert await vic.asks(frame) == first

    async def test_reads_the_open_room_and_writes_once_they_are_in_again(
        self, shop: Shop, vic: Writer, room: UUID, removed: None
    ) -> None:
        page = await vic.asks(History(ref=1, room=room, before=100))
        assert [one["text"] for one in page["messages"]] == ["before"]
        await join(vic.session, room)
        assert (await vic.says("after"))["t"] == "ack"
        assert await run_on_platform(people_in, shop.tenant, room) == (1, 1)

    async def test_who_keeps_theirs_writes(self, vic: Writer, line: UUID) -> None:
        assert (await vic.says("after"))["seq"] == 2


class TestAWordThatIsNotTakenAnyMore:
    async def test_what_was_stored_before_gets_the_answer_of_that_time(
        self, shop: Shop, vic: Writer, who: Principal, room: UUID
    ) -> None:
        line = Send(cid=uuid4(), room=room, text="buy cheap lamps")
        said = await vic.asks(line)
        edit = Edit(cid=uuid4(), room=room, message=UUID(said["id"]), text="buy very cheap lamps")
        edited = await vic.asks(edit)
        assert (said["t"], edited["t"]) == ("ack", "ack")
        assert who.site_id
        await run_on_platform(set_words, shop.tenant, shop.owner, who.site_id, ["cheap"])
        assert await vic.asks(line) == said
        assert await vic.asks(edit) == edited
        for again in (line, edit):
            other = await vic.asks(type(again)(**{**_fields(again), "text": "something else that is cheap"}))
            assert (other["code"], other["field"]) == ("conflict", "cid")
            new = await vic.asks(type(again)(**{**_fields(again), "cid": uuid4()}))
            assert (new["code"], new["field"]) == ("forbidden", "text")
        assert await texts(shop.tenant, room) == ["buy very cheap lamps"]


def _fields(frame: Send | Edit) -> dict[str, Any]:
    return {name: getattr(frame, name) for name in frame.__struct_fields__}


class TestAFreshToken:
    @pytest.mark.parametrize("role", ["viewer", "agent"])
    async def test_who_has_another_role_by_now_comes_back_as_that(self, storing: Hub, shop: Shop, role: str) -> None:
        agent = await shop.member("agent")
        ben = await writer(storing, shop, agent, await shop.room(await shop.visitor(), "hello"))

        def change() -> None:
            Membership.objects.filter(tenant_id=shop.tenant.id, user_id=agent.id).update(role=role)

        await run_on_platform(change)
        resolve.forget(shop.tenant.id)  # or a minute later
        pending = handle(ben.session, Auth(token=await run_on_platform(agent_token, shop.tenant, agent)))
        assert pending is not None
        await pending
        assert ben.session.principal.role == "agent"
        if role == "agent":
            assert (len(ben.sink.came("authed")), ben.sink.code) == (1, None)
        else:
            assert (ben.sink.came("authed"), ben.sink.code) == ([], Close.RESTART)
            assert ben.sink.came("bye") == [{"t": "bye", "code": Close.RESTART, "after": 0}]
