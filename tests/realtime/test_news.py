"""What a poll tells: what its client does not know, and what may be otherwise by now than it was told."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest

from chat.consumers.news import news_of
from chat.realtime.here import MOST_LISTED, LocalTenant, present
from chat.realtime.protocol.incoming import Page
from saas.core.fastsocket import payloads
from tenants.context import TenantRef
from tenants.tokens import Principal
from tests.support.sessions import session_of, someone

ROOM = str(uuid4())
CROWD = frozenset({ROOM})
PEOPLE = [{"kind": "visitor", "id": str(uuid4()), "name": f"Vic {number}"} for number in range(60)]


def frame(frame_type: str, **fields: Any) -> bytes:
    """A frame of ours."""
    return msgspec.json.encode({"t": frame_type, **fields})


def joined(*, people: Sequence[Any] = (), room: str = ROOM, head: int = 3, resumed: bool = True) -> bytes:
    """A room without new messages."""
    summary = {"id": room, "head": head, "rev": head}
    known = {"epoch": str(UUID(int=0)), "head": head, "resumed": resumed, "messages": [], "more": False}
    return frame("joined", room=room, summary=summary, people=people, marks=[], **known)


def hello(*rooms: bytes, agents: int = 1, unread: int = 0) -> list[bytes]:
    """What answers a hello."""
    return [frame("welcome", rooms=[], notices=[], unread=unread), frame("presence", agents=agents), *rooms]


def tags(found: Sequence[bytes]) -> list[str]:
    return [msgspec.json.decode(text)["t"] for text in found]


class TestCrowds:
    def test_another_sample_of_a_crowd_is_no_news(self) -> None:
        """Each process names the first twenty of its own."""
        told = news_of(hello(joined(people=PEOPLE[:20])), None, crowds=CROWD)
        assert tags(news_of(hello(joined(people=PEOPLE[39:60])), told.cursor(), crowds=CROWD).frames) == []

    def test_another_twenty_in_a_room_that_is_no_crowd_are_news(self) -> None:
        told = news_of(hello(joined(people=PEOPLE[:20])), None)
        assert tags(news_of(hello(joined(people=PEOPLE[39:60])), told.cursor()).frames) == ["joined"]

    @pytest.mark.parametrize("many", [20, 50])
    def test_a_room_that_becomes_a_crowd_or_is_one_no_more_is_news_once(self, many: int) -> None:
        few, crowd = hello(joined(people=PEOPLE[:many])), hello(joined(people=PEOPLE[20:40]))
        begun = news_of(few, None).cursor()
        grown = news_of(crowd, begun, crowds=CROWD)
        shrunk = news_of(few, grown.cursor())
        assert [tags(one.frames) for one in (grown, shrunk)] == [["joined"]] * 2
        assert news_of(crowd, grown.cursor(), crowds=CROWD).frames == []
        assert news_of(few, shrunk.cursor()).frames == []

    def test_its_count_is_told_without_the_room(self) -> None:
        """Once a second while people come and go: the room with it would be another request each time."""
        crowd = hello(joined(people=PEOPLE[:20]))
        told = news_of(crowd, None, crowds=CROWD)
        counted = told.cursor([frame("people", room=ROOM, who=PEOPLE[:20], count=61)])
        assert news_of(crowd, counted, crowds=CROWD).frames == []


class TestWhatChangesBack:
    """The client was told of a change by an event, and all is as it was before when it asks again."""

    @pytest.mark.parametrize(
        ("event", "said_anew"),
        [
            pytest.param(frame("presence", agents=0), ["welcome", "presence"], id="presence"),
            pytest.param(frame("notice", id=str(uuid4())), ["welcome", "presence"], id="notice"),
            pytest.param(frame("seen", all=True, unread=0), ["welcome", "presence"], id="seen"),
            pytest.param(frame("people", room=ROOM, who=PEOPLE[0], on=False), ["joined"], id="people"),
        ],
    )
    def test_it_is_said_anew_once(self, event: bytes, said_anew: list[str]) -> None:
        state = hello(joined(people=PEOPLE[:2]), joined(people=PEOPLE[:2], room=str(uuid4())))
        told = news_of(state, None)
        assert news_of(state, told.cursor()).frames == []
        again = news_of(state, told.cursor([event]))
        assert tags(again.frames) == said_anew
        assert news_of(state, again.cursor()).frames == []

    def test_what_came_with_the_state_is_said_anew_too(self) -> None:
        """Somebody went after the room was read, and before the answer left."""
        state = hello(joined(people=PEOPLE[:2]))
        told = news_of([*state, frame("people", room=ROOM, who=PEOPLE[0], on=False)], None)
        assert tags(news_of(state, told.cursor()).frames) == ["joined"]

    @pytest.mark.parametrize(
        "event", [frame("typing", room=ROOM, who=PEOPLE[0], on=True), frame("msg", room=ROOM, seq=4)], ids=["typing", "msg"]
    )
    def test_what_ends_by_itself_or_moves_forward_only_is_not(self, event: bytes) -> None:
        state = hello(joined(people=PEOPLE[:2]))
        told = news_of(state, None)
        assert news_of(state, told.cursor([event])).frames == []


class TestTwoProcesses:
    """The same people are here whichever process answers, though each holds and heard of them in an order of its own."""

    async def test_a_team_in_another_order_is_no_news(self, acme: TenantRef) -> None:
        one, two = processes(acme, [[someone(acme, "agent")], [someone(acme, "agent")]])
        assert one != two
        assert news_of(two, news_of(one, None).cursor()).frames == []

    async def test_a_team_of_others_is_news(self, acme: TenantRef) -> None:
        ben, gus, ada = (someone(acme, "agent") for _ in range(3))
        one, two = (processes(acme, [[ben], [other]])[0] for other in (gus, ada))
        assert news_of(two, news_of(one, None).cursor()).frames == two

    async def test_another_sample_of_many_visitors_is_no_news(self, acme: TenantRef) -> None:
        one, two = processes(acme, [[someone(acme) for _ in range(MOST_LISTED // 2 + 1)] for _ in range(2)])
        assert named(one) != named(two)
        assert news_of(two, news_of(one, None).cursor()).frames == []

    async def test_the_last_visitor_whom_a_list_holds_is_news(self, acme: TenantRef) -> None:
        many = [someone(acme) for _ in range(MOST_LISTED)]
        found = [processes(acme, [many[:size], []])[0] for size in (MOST_LISTED - 2, MOST_LISTED - 1, MOST_LISTED)]
        for before, after in pairwise(found):
            assert news_of(after, news_of(before, None).cursor()).frames == after

    async def test_a_visitor_with_a_tab_on_each_is_on_one_page(self, acme: TenantRef) -> None:
        vic = someone(acme)
        one, two = processes(acme, [[vic], [vic]])
        assert named(one) == named(two)
        assert news_of(two, news_of(one, None).cursor()).frames == []

    async def test_whoever_is_asked_for_all_visitors_has_them_on_the_same_pages(self, acme: TenantRef) -> None:
        vic, left, right = (someone(acme) for _ in range(3))
        one, two = (place.visitors() for place in holding(acme, [[vic, left], [vic, right]]))
        assert one == two
        assert [(each.id, each.page.url[-2:]) for each in one] == sorted([(vic.id, "/0"), (left.id, "/0"), (right.id, "/1")])


def holding(tenant: TenantRef, people: Sequence[Sequence[Principal]]) -> list[LocalTenant]:
    """Two processes, which hold these people, each on a page of its process."""
    local = [LocalTenant(tenant, "here", lambda _on, _off: None) for _ in people]
    held = [[session_of(tenant, who)[0] for who in theirs] for theirs in people]
    for number, (place, sessions) in enumerate(zip(local, held, strict=True)):
        for session in sessions:
            session.page = Page(url=f"https://shop.example/{number}")
            place.came(session)
    for place, others in zip(local, reversed(held), strict=True):
        place.heard("other", [present(session) for session in others], [])
    return local


def processes(tenant: TenantRef, people: Sequence[Sequence[Principal]]) -> list[list[bytes]]:
    """What answers an agent's hello on each of these."""
    inbox = session_of(tenant, someone(tenant, "agent"))[0]
    told = [[text for piece in place.welcome(inbox) for text in payloads(piece)] for place in holding(tenant, people)]
    return [[frame("welcome", unread=0), *frames] for frames in told]


def named(frames: Sequence[bytes]) -> list[Any]:
    """The visitors whom an agent is told of."""
    return [one for text in frames for one in msgspec.json.decode(text).get("visitors", ())]
