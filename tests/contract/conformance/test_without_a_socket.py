"""The same frames over HTTP, for those whose proxy refuses sockets."""

import asyncio
from uuid import UUID, uuid4

from tests.contract.conformance.conftest import Come
from tests.contract.conformance.place import Json, Place, expect
from tests.contract.conformance.shapes import faults


class Poller:
    """A visitor without a socket."""

    def __init__(self, place: Place, session: Json) -> None:
        self.place = place
        self.session = session
        self.rooms: dict[str, Json] = {}
        self.cursor = ""

    async def ask(self, what: str, body: Json) -> Json:
        """One request; every frame of the answer has its shape."""
        url = f"{self.place.widget}/w/{self.place.key}/{what}"
        answer = expect(await self.place.post(url, body, bearer=self.session["token"], origin=self.place.widget), 200)
        assert [fault for frame in answer["frames"] for fault in faults(frame)] == []
        return answer

    async def say(self, frame_type: str, **fields: object) -> Json:
        """One frame, and the first answer to it."""
        frames = (await self.ask("frames", {"frames": [{"t": frame_type, **fields}]}))["frames"]
        for frame in frames:
            self.keep(frame)
        return next(frame for frame in frames if frame["t"] in {"ack", "err", "page", "pong"})

    async def hear(self) -> list[Json]:
        """What is new."""
        cursor = {"cursor": self.cursor} if self.cursor else {}
        answer = await self.ask("events", {"rooms": list(self.rooms.values()), **cursor})
        self.cursor = answer["cursor"]
        for frame in answer["frames"]:
            self.keep(frame)
        frames: list[Json] = answer["frames"]
        return frames

    def keep(self, frame: Json) -> None:
        """Remember how far each room has come."""
        if frame["t"] == "joined":
            self.rooms[frame["room"]] = {"room": frame["room"], "epoch": frame["epoch"], "after": frame["head"]}
        if frame["t"] in {"msg", "upd"} and frame["room"] in self.rooms:
            self.rooms[frame["room"]]["after"] = frame["seq"]


def texts(frames: list[Json]) -> list[str]:
    """The words in the frames that carry messages."""
    found = [frame["message"] for frame in frames if frame["t"] == "msg"]
    found += [message for frame in frames if frame["t"] == "joined" for message in frame["messages"]]
    return [message["text"] for message in found]


async def test_the_first_request_is_answered_at_once(place: Place) -> None:
    poller = Poller(place, await place.session())
    assert next(frame["t"] for frame in await poller.hear()) == "welcome"


async def test_a_room_is_opened_and_both_sides_are_heard(place: Place, agent: Come) -> None:
    ben, poller = await agent(), Poller(place, await place.session())
    await poller.say("open", cid=str(uuid4()), kind="support", text="Behind a proxy")
    [room] = poller.rooms
    await ben.socket.join(UUID(room))
    await poller.hear()
    heard = asyncio.create_task(hear_until(poller, "I hear you"))
    await ben.socket.send(UUID(room), "I hear you")
    await heard
    ack = await poller.say("send", cid=str(uuid4()), room=room, text="Good")
    assert (await ben.socket.expect("msg", seq=ack["seq"]))["message"]["text"] == "Good"


async def hear_until(poller: Poller, text: str) -> None:
    """Ask again until the words have come."""
    while text not in texts(await poller.hear()):
        pass


async def test_what_is_said_between_two_requests_is_not_lost(place: Place, agent: Come) -> None:
    ben, poller = await agent(), Poller(place, await place.session())
    await poller.say("open", cid=str(uuid4()), kind="support", text="Hello")
    [room] = poller.rooms
    await poller.hear()
    for text in ("one", "two", "three"):
        await ben.socket.send(UUID(room), text)
    heard: list[str] = []
    while heard[-1:] != ["three"]:
        heard += [text for text in texts(await poller.hear()) if text not in heard]
    assert heard == ["one", "two", "three"]


async def test_a_frame_that_is_none_is_refused_by_itself(place: Place) -> None:
    poller = Poller(place, await place.session())
    answer = await poller.ask("frames", {"frames": [{"t": "sing"}, {"t": "ping", "n": 7}]})
    assert {(frame["t"], frame.get("code"), frame.get("n")) for frame in answer["frames"]} == {
        ("err", "bad_frame", None),
        ("pong", None, 7),
    }


async def test_without_a_token_nothing_is_told(place: Place) -> None:
    url = f"{place.widget}/w/{place.key}/events"
    answer = await place.post(url, {"rooms": []}, bearer="nonsense", origin=place.widget)
    assert (answer.status_code, answer.json()["error"]["close"]) == (401, 4401)


async def test_a_foreign_page_is_refused(place: Place) -> None:
    session = await place.session()
    url = f"{place.widget}/w/{place.key}/events"
    answer = await place.post(url, {"rooms": []}, bearer=session["token"], origin="https://evil.example")
    assert (answer.status_code, answer.json()["error"]["close"]) == (403, 4403)
