"""Messages: stored once, numbered without holes, equal for everyone, and there when one comes back."""

from uuid import uuid4

import pytest

from tests.contract.conformance.conftest import Come, Talk
from tests.contract.conformance.place import Place


async def test_open_makes_a_room_with_its_first_line(visitor: Come) -> None:
    vic, cid = await visitor(), uuid4()
    room = await vic.socket.open("Is the lamp dimmable?", cid=cid)
    ack = await vic.socket.expect("ack", cid=str(cid))
    assert (ack["room"], ack["seq"]) == (str(room), 1)


async def test_the_same_open_again_gives_the_same_room(visitor: Come) -> None:
    vic, cid = await visitor(), uuid4()
    rooms = [await vic.socket.open("Hello", cid=cid) for _ in range(2)]
    assert rooms[0] == rooms[1]


async def test_a_form_stands_before_the_first_words(visitor: Come) -> None:
    vic = await visitor()
    await vic.socket.say("open", cid=uuid4(), kind="support", text="Hello", form={"email": "vic@shop.example"})
    messages = (await vic.socket.expect("joined"))["messages"]
    assert [one["kind"] for one in messages] == ["form", "text"]


async def test_both_hear_both_in_the_same_order(talk: Talk) -> None:
    await talk.vic.socket.send(talk.room, "It is for the hall")
    await talk.ben.socket.send(talk.room, "It is dimmable")
    for person in (talk.vic, talk.ben):
        await person.socket.expect("msg", seq=3)
        assert person.socket.lines(talk.room)[-2:] == ["It is for the hall", "It is dimmable"]


async def test_an_ack_and_its_message_agree(talk: Talk) -> None:
    cid = uuid4()
    ack = await talk.vic.socket.send(talk.room, "  It is\r\nfor the hall ", cid=cid)
    heard = (await talk.ben.socket.expect("msg", seq=ack["seq"]))["message"]
    assert (heard["id"], heard["cid"], heard["ts"], heard["text"]) == (ack["id"], str(cid), ack["ts"], "It is\nfor the hall")


async def test_the_same_cid_is_stored_once(talk: Talk) -> None:
    cid = uuid4()
    first, again = [await talk.vic.socket.send(talk.room, "Once", cid=cid) for _ in range(2)]
    after = await talk.vic.socket.send(talk.room, "Twice")
    assert (again, after["seq"]) == (first, first["seq"] + 1)


async def test_other_content_under_a_cid_is_a_conflict(talk: Talk) -> None:
    cid = uuid4()
    await talk.vic.socket.send(talk.room, "Once", cid=cid)
    await talk.vic.socket.say("send", cid=cid, room=talk.room, text="Otherwise")
    await talk.vic.socket.expect_error("conflict", cid=str(cid))


async def test_fifty_lines_are_numbered_without_holes(talk: Talk) -> None:
    cids = [str(uuid4()) for _ in range(50)]
    for number, cid in enumerate(cids):
        await talk.vic.socket.say("send", cid=cid, room=talk.room, text=f"line {number}")
    seqs = [(await talk.vic.socket.expect("ack", cid=cid))["seq"] for cid in cids]
    assert seqs == list(range(2, 52))
    await talk.ben.socket.expect("msg", seq=51)
    assert talk.ben.socket.lines(talk.room)[-50:] == [f"line {number}" for number in range(50)]


@pytest.mark.parametrize(
    ("text", "code"),
    [("", "empty"), (" \n ", "empty"), ("x" * 4001, "too_long"), ("a\x00b", "bad_frame"), ("a\x1bb", "bad_frame")],
    ids=["nothing", "spaces", "long", "nul", "escape"],
)
async def test_what_is_no_text_is_refused(talk: Talk, text: str, code: str) -> None:
    cid = uuid4()
    await talk.vic.socket.say("send", cid=cid, room=talk.room, text=text)
    await talk.vic.socket.expect_error(code, cid=str(cid))


async def test_a_reply_names_a_message_of_the_room(talk: Talk) -> None:
    ack = await talk.vic.socket.send(talk.room, "Which one?")
    await talk.ben.socket.send(talk.room, "The brass one", reply_to=ack["id"])
    heard = await talk.vic.socket.expect("msg", seq=ack["seq"] + 1)
    assert heard["message"]["reply_to"] == ack["id"]


async def test_a_reply_to_nothing_is_refused(talk: Talk) -> None:
    cid = uuid4()
    await talk.vic.socket.say("send", cid=cid, room=talk.room, text="Well?", reply_to=uuid4())
    await talk.vic.socket.expect_error("not_found", cid=str(cid))


async def test_a_room_is_invisible_to_another_visitor(talk: Talk, visitor: Come) -> None:
    val = await visitor()
    await val.socket.say("join", ref=1, room=talk.room)
    await val.socket.expect_error("not_found", ref=1)
    await val.socket.say("send", cid=uuid4(), room=talk.room, text="Hello?")
    await val.socket.expect_error("not_found")


async def test_whoever_comes_back_gets_what_was_said(talk: Talk, agent: Come) -> None:
    epoch = (await talk.ben.socket.join(talk.room))["epoch"]
    for text in ("one", "two"):
        await talk.vic.socket.send(talk.room, text)
    back = await agent(rooms=[{"room": str(talk.room), "epoch": epoch, "after": 1}])
    joined = await back.socket.expect("joined", room=str(talk.room))
    assert (joined["resumed"], [one["text"] for one in joined["messages"]], joined["head"]) == (True, ["one", "two"], 3)


@pytest.mark.parametrize("position", [{"epoch": str(uuid4()), "after": 1}, {"after": 1_000}], ids=["another epoch", "beyond"])
async def test_a_position_that_cannot_be_is_told(talk: Talk, position: dict[str, object]) -> None:
    epoch = (await talk.vic.socket.join(talk.room))["epoch"]
    joined = await talk.vic.socket.join(talk.room, **{"epoch": epoch, **position})
    assert joined["resumed"] is False
    assert [one["seq"] for one in joined["messages"]] == [1]


async def test_history_pages_upwards(talk: Talk) -> None:
    for number in range(2, 31):
        await talk.vic.socket.say("send", cid=uuid4(), room=talk.room, text=f"line {number}")
    await talk.vic.socket.expect("msg", seq=30)
    await talk.ben.socket.say("history", ref="up", room=talk.room, before=25)
    page = await talk.ben.socket.expect("page", ref="up")
    assert ([one["seq"] for one in page["messages"]], page["more"]) == (list(range(5, 25)), True)


async def test_the_list_shows_the_last_line_and_what_is_unread(talk: Talk, place: Place, agent: Come) -> None:
    await talk.vic.socket.send(talk.room, "Still there?")
    inbox = (await agent()).welcome["rooms"]
    mine = next(one for one in inbox if one["id"] == str(talk.room))
    assert (mine["last"]["text"], mine["unread"]) == ("Still there?", 2)


async def test_who_left_hears_nothing_more(talk: Talk) -> None:
    await talk.ben.socket.say("leave", ref="out", room=talk.room)
    await talk.ben.socket.expect("left", ref="out")
    await talk.vic.socket.expect("people", on=False)
    await talk.vic.socket.send(talk.room, "Gone?")
    await talk.ben.socket.settled()
    assert talk.ben.socket.lines(talk.room) == []
