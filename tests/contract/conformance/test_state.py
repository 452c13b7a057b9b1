"""What is state and no history: people, marks, typing, presence, pages, notifications. And notes, which no visitor hears of."""

import json
from uuid import uuid4

from tests.contract.conformance.conftest import Come, Talk


async def test_a_mark_reaches_the_room(talk: Talk) -> None:
    await talk.ben.socket.say("read", room=talk.room, seq=1)
    heard = await talk.vic.socket.expect("marks", room=str(talk.room))
    assert (heard["who"], heard["seq"]) == (talk.ben.id, 1)


async def test_typing_reaches_the_others_and_takes_no_number(talk: Talk) -> None:
    await talk.vic.socket.say("typing", room=talk.room, on=True)
    heard = await talk.ben.socket.expect("typing", room=str(talk.room), on=True)
    assert heard["who"]["id"] == talk.vic.id
    assert (await talk.vic.socket.send(talk.room, "Next"))["seq"] == 2


async def test_people_come_and_go(talk: Talk, agent: Come) -> None:
    await talk.ben.socket.say("leave", ref=1, room=talk.room)
    gone = await talk.vic.socket.expect("people", room=str(talk.room), on=False)
    assert gone["who"]["id"] == talk.ben.id


async def test_agents_see_the_page_before_a_visitor(agent: Come, visitor: Come) -> None:
    ben = await agent()
    vic = await visitor()
    await vic.socket.say("page", url="https://shop.example/lamps", title="Lamps", referrer="")
    await ben.socket.expect_one(
        lambda frame: (
            frame["t"] == "presence"
            and any(one["id"] == vic.id and one["page"]["title"] == "Lamps" for one in frame.get("visitors") or [])
        ),
        "the page of the visitor",
    )


async def test_visitors_hear_how_many_agents_are_there_and_no_more(talk: Talk) -> None:
    heard = await talk.vic.socket.expect_one(
        lambda frame: frame["t"] == "presence" and frame.get("agents", 0) >= 1, "how many agents are there"
    )
    assert not heard.keys() & {"who", "visitors"}


async def test_an_agent_who_goes_away_is_told_to_the_agents(agent: Come) -> None:
    ben, also_ben = await agent(), await agent()
    for state in ("away", "online"):
        await ben.socket.say("presence", state=state)
        heard = await also_ben.socket.expect("presence", state=state)
        assert heard["who"]["id"] == ben.id


async def test_a_visitor_has_no_such_state(visitor: Come) -> None:
    vic = await visitor()
    await vic.socket.say("presence", state="away")
    await vic.socket.expect_error("forbidden")


async def test_a_new_room_is_notified_and_seen_on_every_tab(agent: Come, visitor: Come) -> None:
    ben, also_ben = await agent(), await agent()
    vic = await visitor()
    room = await vic.socket.open("Anybody there?")
    notice = await ben.socket.expect("notice", room=str(room))
    await also_ben.socket.expect("notice", id=notice["id"])
    await ben.socket.say("seen", notification=notice["id"])
    await also_ben.socket.expect("seen", notification=notice["id"])


async def test_a_note_leaves_no_trace_at_the_visitor(talk: Talk) -> None:
    notes = (await talk.ben.socket.join(talk.room))["summary"]["notes"]
    before = len(talk.vic.socket.frames)
    await talk.ben.socket.join(notes)
    await talk.ben.socket.say("typing", room=notes, on=True)
    await talk.ben.socket.send(notes, "A canary among notes")
    await talk.ben.socket.send(talk.room, "A moment, please")
    heard = await talk.vic.socket.expect("msg", seq=2)
    assert heard["message"]["text"] == "A moment, please"
    told = json.dumps(talk.vic.socket.frames[before:])
    assert notes not in told
    assert "canary" not in told


async def test_a_visitor_finds_no_notes(talk: Talk) -> None:
    summary = (await talk.ben.socket.join(talk.room))["summary"]
    assert "notes" not in (await talk.vic.socket.join(talk.room))["summary"]
    await talk.vic.socket.say("join", ref="notes", room=summary["notes"])
    await talk.vic.socket.expect_error("not_found", ref="notes")
    await talk.vic.socket.say("send", cid=uuid4(), room=summary["notes"], text="Hello?")
    await talk.vic.socket.expect_error("not_found")
