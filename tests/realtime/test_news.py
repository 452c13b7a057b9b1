"""What a poll tells: what its client does not know, and what may be otherwise by now than it was told."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest

from chat.consumers.news import news_of

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
