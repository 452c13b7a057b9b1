"""Edits, deletions and reactions: each takes a number of its own, and shows the whole message."""

from typing import Any
from uuid import uuid4

import pytest

from tests.contract.conformance.conftest import Talk
from tests.contract.conformance.end import ChatSocket, Frame


async def change(socket: ChatSocket, kind: str, **fields: object) -> Frame:
    """Ask for a change; its `ack`."""
    cid = fields.setdefault("cid", str(uuid4()))
    await socket.say(kind, **fields)
    return await socket.expect("ack", cid=cid)


async def test_an_edit_shows_the_whole_message_anew(talk: Talk) -> None:
    line = await talk.vic.socket.send(talk.room, "Teh lamp")
    ack = await change(talk.vic.socket, "edit", room=talk.room, message=line["id"], text="The lamp")
    assert (ack["seq"], ack["id"]) == (line["seq"] + 1, line["id"])
    for person in (talk.vic, talk.ben):
        shown = (await person.socket.expect("upd", seq=ack["seq"]))["message"]
        assert (shown["text"], shown["seq"], shown["changed"]) == ("The lamp", line["seq"], ack["seq"])
        assert shown["edited_at"]


async def test_a_deletion_leaves_a_tombstone(talk: Talk) -> None:
    line = await talk.vic.socket.send(talk.room, "My password is tulip")
    ack = await change(talk.vic.socket, "delete", room=talk.room, message=line["id"])
    shown = (await talk.ben.socket.expect("upd", seq=ack["seq"]))["message"]
    assert (shown["deleted"], shown["text"]) == (True, "")
    messages = (await talk.ben.socket.join(talk.room))["messages"]
    assert "tulip" not in str(messages)


async def test_a_reaction_comes_and_goes(talk: Talk) -> None:
    line = await talk.vic.socket.send(talk.room, "It works")
    on = await change(talk.ben.socket, "react", room=talk.room, message=line["id"], emoji="👍", on=True)
    shown = (await talk.vic.socket.expect("upd", seq=on["seq"]))["message"]
    assert shown["reactions"] == {"👍": {"n": 1, "who": [talk.ben.id]}}
    off = await change(talk.ben.socket, "react", room=talk.room, message=line["id"], emoji="👍", on=False)
    shown = (await talk.vic.socket.expect("upd", seq=off["seq"]))["message"]
    assert shown["reactions"] == {}


async def test_the_same_change_again_changes_nothing(talk: Talk) -> None:
    line, cid = await talk.vic.socket.send(talk.room, "Teh lamp"), str(uuid4())
    asked = {"room": talk.room, "message": line["id"], "text": "The lamp", "cid": cid}
    first = await change(talk.vic.socket, "edit", **asked)
    newer = await change(talk.vic.socket, "edit", room=talk.room, message=line["id"], text="The brass lamp")
    assert await change(talk.vic.socket, "edit", **asked) == first
    shown = (await talk.vic.socket.join(talk.room))["messages"][-1]
    assert (shown["text"], shown["changed"]) == ("The brass lamp", newer["seq"])


async def test_another_ones_words_are_not_mine_to_edit(talk: Talk) -> None:
    line = await talk.vic.socket.send(talk.room, "Mine")
    await talk.ben.socket.say("edit", cid=uuid4(), room=talk.room, message=line["id"], text="Yours")
    await talk.ben.socket.expect_error("forbidden")


@pytest.mark.parametrize(
    ("kind", "fields"),
    [("edit", {"text": "x"}), ("delete", {}), ("react", {"emoji": "👍", "on": True})],
    ids=lambda one: str(one)[:6],
)
async def test_a_message_that_never_was_is_not_found(talk: Talk, kind: str, fields: dict[str, Any]) -> None:
    await talk.vic.socket.say(kind, cid=uuid4(), room=talk.room, message=uuid4(), **fields)
    await talk.vic.socket.expect_error("not_found")


async def test_whoever_comes_back_gets_the_changes(talk: Talk) -> None:
    line = await talk.vic.socket.send(talk.room, "Teh lamp")
    epoch = (await talk.ben.socket.join(talk.room))["epoch"]
    await change(talk.vic.socket, "edit", room=talk.room, message=line["id"], text="The lamp")
    joined = await talk.ben.socket.join(talk.room, epoch=epoch, after=line["seq"])
    assert (joined["resumed"], joined["head"]) == (True, line["seq"] + 1)
    assert [(one["seq"], one["changed"], one["text"]) for one in joined["messages"]] == [
        (line["seq"], line["seq"] + 1, "The lamp")
    ]


async def test_a_deleted_message_takes_no_more_changes(talk: Talk) -> None:
    line = await talk.vic.socket.send(talk.room, "Gone")
    await change(talk.vic.socket, "delete", room=talk.room, message=line["id"])
    await talk.vic.socket.say("edit", cid=uuid4(), room=talk.room, message=line["id"], text="Back")
    await talk.vic.socket.expect_error("not_found")
