"""A community room: who finds it, who may write in it, what its moderators decide, and how one hears of that."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.contract.conformance.conftest import Come, Guest
from tests.contract.conformance.end import Frame
from tests.contract.conformance.place import Json, Place, expect

TITLE = "Lamp talk"
SECONDS = 600  # of slow mode, a mute or a ban: longer than any test

Make = Callable[..., Awaitable["Room"]]


class Room:
    """A community room of the site, and what the agent decides there by the API."""

    def __init__(self, place: Place, summary: Json) -> None:
        self.place = place
        self.id = UUID(summary["id"])
        self.path = f"/rooms/{self.id}"

    async def change(self, **values: Any) -> None:
        await self.place.api("PATCH", self.path, values)

    async def restrain(self, person: Guest, **values: Any) -> None:
        await self.place.api("PUT", f"{self.path}/members/{person.id}", values)

    async def archive(self, *, ends: bool = False) -> None:
        await self.place.api("POST", f"{self.path}/{'unarchive' if ends else 'archive'}")

    async def delete(self) -> None:
        await self.place.api("DELETE", self.path, {"sure": TITLE})

    async def says(self, person: Guest, text: str = "Hello, all") -> Frame:
        """What answers a line of theirs: `ack` or `err`."""
        cid = str(uuid4())
        await person.socket.say("send", cid=cid, room=self.id, text=text)
        answer = {"ack", "err"}
        return await person.socket.expect_one(lambda one: one["t"] in answer and one.get("cid") == cid, "an answer")

    async def is_refused(self, person: Guest, code: str) -> Frame:
        """They may not write: the `err`."""
        answer = await self.says(person)
        assert (answer["t"], answer.get("code")) == ("err", code)
        return answer

    async def is_taken(self, person: Guest, text: str = "Hello, all") -> Frame:
        """They may write: the `ack`."""
        answer = await self.says(person, text)
        assert answer["t"] == "ack", answer
        return answer

    async def is_not_found(self, person: Guest) -> None:
        """For them there is no such room, on any path."""
        for kind, named in (
            ("join", {"ref": "out"}),
            ("history", {"ref": "out", "before": 9}),
            ("send", {"cid": str(uuid4()), "text": "?"}),
        ):
            await person.socket.say(kind, room=self.id, **named)
            own = {key: value for key, value in named.items() if key in {"ref", "cid"}}
            await person.socket.expect_error("not_found", **own)


@pytest.fixture
async def community(place: Place) -> AsyncIterator[Make]:
    """Makes a community room of the key's site."""
    made: list[Room] = []

    async def make(**values: Any) -> Room:
        asked = {"kind": "community", "title": TITLE, "site": await place.site(), **values}
        made.append(Room(place, (await place.api("POST", "/rooms", asked, status=201))["room"]))
        return made[-1]

    yield make
    for room in made:
        await place.ask("DELETE", f"{place.url}/api/v1{room.path}", body={"sure": TITLE}, bearer=await place.access())


@pytest.fixture
async def two(visitor: Come) -> tuple[Guest, Guest]:
    return (await visitor(), await visitor())


async def test_who_joins_an_open_room_is_a_member_and_hears_the_others(community: Make, two: tuple[Guest, Guest]) -> None:
    room, (vic, val) = await community(), two
    before = (await vic.socket.join(room.id))["summary"]
    after = (await val.socket.join(room.id))["summary"]
    assert (before["kind"], before["title"], after["people"]) == ("community", TITLE, before["people"] + 1)
    await vic.socket.expect_one(lambda one: one["t"] == "people" and one["on"] and one["who"]["id"] == val.id, "that Val came")
    ack = await room.is_taken(val, "Which lamp is it?")
    heard = (await vic.socket.expect("msg", room=str(room.id), seq=ack["seq"]))["message"]
    assert (heard["text"], heard["by"]["id"]) == ("Which lamp is it?", val.id)


async def test_a_room_of_signed_in_users_is_none_for_others(community: Make, visitor: Come) -> None:
    room, vic = await community(join_rule="identified"), await visitor()
    await room.is_not_found(vic)


async def test_a_room_of_invited_people_opens_by_a_code(community: Make, place: Place, visitor: Come) -> None:
    room, vic = await community(join_rule="invited"), await visitor()
    await room.is_not_found(vic)
    invitation = (await place.api("POST", f"{room.path}/invitations", {"expires_in": SECONDS, "uses": 1}, status=201))[
        "invitation"
    ]
    door = f"{place.widget}/w/{place.key}/invitations/{invitation['code']}"
    expect(await place.post(door, {}, bearer=vic.token, origin=place.widget), 200)
    await vic.socket.join(room.id)
    await room.is_taken(vic)


async def test_who_is_banned_is_out_and_hears_no_more(community: Make, two: tuple[Guest, Guest]) -> None:
    room, (vic, val) = await community(), two
    await asyncio.gather(vic.socket.join(room.id), val.socket.join(room.id))
    await room.restrain(vic, ban_for=SECONDS)
    await vic.socket.expect("left", room=str(room.id), code="not_found")
    ack = await room.is_taken(val, "Are they gone?")
    await val.socket.expect("msg", room=str(room.id), seq=ack["seq"])
    await room.is_not_found(vic)
    assert "Are they gone?" not in vic.socket.lines(room.id)
    assert val.socket.came("left") == []
    await room.restrain(vic, ban_for=0)
    await vic.socket.join(room.id)
    await room.is_taken(vic)


async def test_another_join_rule_puts_out_whom_it_leaves_out(community: Make, agent: Come, visitor: Come) -> None:
    room, vic, ben = await community(), await visitor(), await agent()
    await asyncio.gather(vic.socket.join(room.id), ben.socket.join(room.id))
    await room.change(join_rule="identified")
    await vic.socket.expect("left", room=str(room.id), code="not_found")
    await room.is_not_found(vic)
    await room.is_taken(ben)


async def test_who_is_muted_reads_and_does_not_write(community: Make, two: tuple[Guest, Guest]) -> None:
    room, (vic, val) = await community(), two
    await asyncio.gather(vic.socket.join(room.id), val.socket.join(room.id))
    await room.restrain(vic, mute_for=SECONDS)
    assert 0 < (await room.is_refused(vic, "muted"))["retry_after"] <= SECONDS
    assert (await vic.socket.join(room.id))["summary"]["mine"]["muted_until"]
    ack = await room.is_taken(val, "Vic, are you there?")
    await vic.socket.expect("msg", room=str(room.id), seq=ack["seq"])
    await room.restrain(vic, mute_for=0)
    await room.is_taken(vic)


async def test_in_slow_mode_a_member_waits_between_two_lines(community: Make, agent: Come, two: tuple[Guest, Guest]) -> None:
    room, (vic, val), ben = await community(slow_seconds=SECONDS), two, await agent()
    joined = await asyncio.gather(*(one.socket.join(room.id) for one in (vic, val, ben)))
    assert joined[0]["summary"]["slow"] == SECONDS
    await room.is_taken(vic)
    assert 0 < (await room.is_refused(vic, "slow_mode"))["retry_after"] <= SECONDS
    await room.is_taken(val)
    for _ in range(2):
        await room.is_taken(ben)


async def test_in_an_archived_room_nobody_writes(community: Make, agent: Come, visitor: Come) -> None:
    room, vic, ben = await community(), await visitor(), await agent()
    await asyncio.gather(vic.socket.join(room.id), ben.socket.join(room.id))
    await room.archive()
    for person in (vic, ben):
        await room.is_refused(person, "room_closed")
    assert (await vic.socket.join(room.id))["summary"]["closed"] is True
    await room.archive(ends=True)
    await room.is_taken(vic)


async def test_in_a_locked_room_its_moderators_write(community: Make, two: tuple[Guest, Guest]) -> None:
    room, (vic, val) = await community(), two
    await asyncio.gather(vic.socket.join(room.id), val.socket.join(room.id))
    await room.restrain(val, role="moderator")
    await room.change(locked=True)
    await room.is_refused(vic, "room_closed")
    await room.is_taken(val)
    assert (await val.socket.join(room.id))["summary"]["mine"]["role"] == "moderator"


async def test_a_deleted_room_lets_everybody_go(community: Make, agent: Come, visitor: Come) -> None:
    room, vic, ben = await community(), await visitor(), await agent()
    await asyncio.gather(vic.socket.join(room.id), ben.socket.join(room.id))
    await room.delete()
    for person in (vic, ben):
        await person.socket.expect("left", room=str(room.id), code="not_found")
    await room.is_not_found(vic)


async def test_a_ping_tells_how_far_the_rooms_have_come(community: Make, agent: Come) -> None:
    """Each socket has one every `welcome.ping` seconds: of many that came one after the other some have it soon."""
    room, first = await community(), await agent()
    many = [first, *[await agent() for _ in range(int(first.welcome["ping"]) - 1)]]
    await asyncio.gather(*(one.socket.join(room.id) for one in many))
    head = (await room.is_taken(first))["seq"]

    async def told(one: Guest) -> Frame:
        return await one.socket.expect_one(
            lambda frame: frame["t"] == "ping" and frame["heads"].get(str(room.id)) == head, "a ping with the room", seconds=60
        )

    pings = [asyncio.create_task(told(one)) for one in many]
    done, late = await asyncio.wait(pings, return_when=asyncio.FIRST_COMPLETED)
    for ping in late:
        ping.cancel()
    assert all(ping.result()["n"] >= 1 for ping in done)
