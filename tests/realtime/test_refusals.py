"""Bad input: each gets the code of the protocol, nothing is stored, and the server's log stays quiet."""

import json
from itertools import count, islice
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from chat.realtime.protocol.codes import MAX_FRAME
from tenants.context import TenantRef
from tenants.tokens import Principal
from tests.support.server import Server
from tests.support.shop import Shop
from tests.support.sockets import ChatSocket, Doors, visitor_token
from tests.support.stored import texts

GOLDEN = json.loads((Path(__file__).parents[1] / "contract/frames.json").read_text())


def padded(size: int) -> str:
    """A good frame of so many bytes."""
    frame = json.dumps({"t": "ping", "n": 1})
    return frame + " " * (size - len(frame))


class TestFrames:
    async def test_what_is_no_frame_is_refused_and_the_socket_lives_on(
        self, doors: Doors, acme: TenantRef, vic: Principal, room: UUID
    ) -> None:
        sample = GOLDEN["client"]["send"][0]["room"]
        async with doors.visitor(acme, vic) as widget:
            await widget.join(room)
            for case in GOLDEN["refused"]:
                await widget.say_text(case["text"].replace(sample, str(room)))
                await widget.expect_error(case["code"])
                await widget.settled()  # a good frame between two bad ones
            assert len(widget.came("err")) == len(GOLDEN["refused"])
        assert await texts(acme, room) == ["one", "two"]

    async def test_a_text_too_long_is_refused(self, doors: Doors, acme: TenantRef, vic: Principal, room: UUID) -> None:
        async with doors.visitor(acme, vic) as widget:
            cid = uuid4()
            await widget.say("send", cid=cid, room=room, text="x" * 4001)
            await widget.expect_error("too_long", cid=str(cid), field="text")
            await widget.say("open", cid=cid, kind="support", text="x" * 4001)
            await widget.expect_error("too_long", cid=str(cid), field="text")
            assert widget.came("joined") == []
        assert await texts(acme, room) == ["one", "two"]

    async def test_64_kib_are_taken_and_a_byte_more_is_refused(self, doors: Doors, acme: TenantRef, vic: Principal) -> None:
        async with doors.visitor(acme, vic) as widget:
            await widget.say_text(padded(MAX_FRAME))
            await widget.expect("pong", n=1)
            await widget.say_text(padded(MAX_FRAME + 1))
            await widget.expect_error("too_large")
            await widget.settled()

    async def test_what_is_far_too_large_is_cut_off(self, doors: Doors, server: Server, acme: TenantRef, vic: Principal) -> None:
        most, code = {"uvicorn": (128 * 1024, 1009), "daphne": (1024 * 1024, 1006)}[server.kind]  # daphne drops without a word
        async with doors.visitor(acme, vic) as widget:
            await widget.say_text(padded(most + 1))
            await widget.expect_close(code)

    async def test_binary_frames_are_refused(self, doors: Doors, acme: TenantRef, vic: Principal) -> None:
        async with doors.visitor(acme, vic) as widget:
            await widget.say_text(b'{"t":"ping","n":1}')
            await widget.expect_error("bad_frame")
            await widget.settled()
            assert widget.came("pong", n=1) == []

    async def test_bytes_that_are_no_utf_8_end_the_socket(
        self, doors: Doors, server: Server, acme: TenantRef, vic: Principal
    ) -> None:
        async with doors.visitor(acme, vic) as widget:
            await widget.connection.send(b'{"t":"ping","n":"\xff"}', text=True)
            await widget.expect_close({"uvicorn": 1007, "daphne": 1006}[server.kind])

    async def test_three_bad_frames_in_a_row_end_the_socket(self, doors: Doors, acme: TenantRef, vic: Principal) -> None:
        async with doors.visitor(acme, vic) as widget:
            for _ in range(2):
                await widget.say_text("nonsense")
            await widget.settled()
            for _ in range(3):
                await widget.say_text("nonsense")
            await widget.expect_close(4400)
            assert len(widget.came("err", code="bad_frame")) == 5

    async def test_a_second_hello_is_refused(self, doors: Doors, acme: TenantRef, vic: Principal) -> None:
        async with doors.visitor(acme, vic) as widget:
            again = {"v": 1, "token": visitor_token(acme, vic)}
            await widget.say("hello", **again)
            await widget.expect_error("bad_frame")
            await widget.settled()
            for _ in range(3):
                await widget.say("hello", **again)
            await widget.expect_close(4400)
            assert len(widget.came("welcome")) == 1

    async def test_a_visitor_may_not_do_what_agents_do_nor_the_other_way(
        self, doors: Doors, acme: TenantRef, agent_ben: Principal
    ) -> None:
        async with doors.agent(acme, agent_ben) as inbox:
            await inbox.say("open", cid=uuid4(), kind="support", text="me?")
            await inbox.expect_error("forbidden")
            await inbox.say("page", url="https://shop.example/")
            await inbox.expect_error("forbidden")

    async def test_an_attachment_that_nobody_uploaded_is_refused(
        self, doors: Doors, acme: TenantRef, vic: Principal, room: UUID
    ) -> None:
        async with doors.visitor(acme, vic) as widget:
            await widget.say("send", cid=uuid4(), room=room, text="see", attachments=[uuid4()])
            await widget.expect_error("attachment_refused", field="attachments")
        assert await texts(acme, room) == ["one", "two"]

    async def test_seen_without_saying_what_is_refused(self, doors: Doors, acme: TenantRef, vic: Principal) -> None:
        async with doors.visitor(acme, vic) as widget:
            await widget.say("seen")
            await widget.expect_error("not_found")


class TestRoomsOfOthers:
    """A room that does not exist, another tenant's, another visitor's: the same answer, and nothing moves."""

    async def test_a_room_that_does_not_exist(self, doors: Doors, acme: TenantRef, vic: Principal, agent_ben: Principal) -> None:
        async with doors.visitor(acme, vic) as widget, doors.agent(acme, agent_ben) as inbox:
            for socket in (widget, inbox):
                await refuses_everything(socket, uuid4())

    async def test_another_tenants_room(
        self, doors: Doors, acme: TenantRef, globex: TenantRef, val: Principal, agent_gus: Principal, room: UUID
    ) -> None:
        async with doors.visitor(globex, val) as widget, doors.agent(globex, agent_gus) as inbox:
            for socket in (widget, inbox):
                await refuses_everything(socket, room)
        assert await texts(acme, room) == ["one", "two"]

    async def test_another_visitors_room(self, doors: Doors, shop: Shop) -> None:
        owner, other = await shop.visitor(), await shop.visitor()
        room = await shop.room(owner, "private")
        async with doors.visitor(shop.tenant, other) as widget:
            await refuses_everything(widget, room)
        assert await texts(shop.tenant, room) == ["private"]

    async def test_nothing_of_one_tenant_reaches_another(
        self, doors: Doors, acme: TenantRef, globex: TenantRef, vic: Principal, val: Principal, agent_ben: Principal,
        agent_gus: Principal, room: UUID,
    ) -> None:  # fmt: skip
        canary = f"canary-{uuid4().hex}"
        page = {"url": f"https://shop.example/{canary}", "title": canary}
        async with doors.agent(globex, agent_gus) as gus, doors.visitor(globex, val) as widget:
            theirs = await widget.open("ours")
            await gus.join(theirs)
            async with doors.visitor(acme, vic, page=page) as vic_socket, doors.agent(acme, agent_ben) as ben:
                await ben.join(room)
                await vic_socket.join(room)
                await vic_socket.say("typing", room=room, on=True)
                await vic_socket.open(canary)
                await vic_socket.send(room, canary)
                await vic_socket.say("read", room=room, seq=3)
                await ben.expect("marks", who=str(vic.id))
                await ben.expect("typing", room=str(room))
                await ben.expect("notice", body=canary)
                await ben.expect_one(lambda frame: "visitors" in frame and canary in str(frame), "the canary's page")
            await widget.send(theirs, "after")
            await gus.expect("msg", room=str(theirs))
            acme_words = (canary, str(acme.id), str(vic.id), str(room), "Ben")
            assert not [word for word in acme_words for frame in [*gus.frames, *widget.frames] if word in str(frame)]

    async def test_the_same_room_id_and_cid_in_two_tenants_stay_apart(
        self, doors: Doors, acme: TenantRef, globex: TenantRef, vic: Principal, val: Principal
    ) -> None:
        cid = uuid4()
        async with doors.visitor(acme, vic) as here, doors.visitor(globex, val) as there:
            rooms = [await here.open("here", cid=cid), await there.open("there", cid=cid)]
        assert rooms[0] != rooms[1]
        assert [await texts(acme, rooms[0]), await texts(globex, rooms[1])] == [["here"], ["there"]]


async def refuses_everything(socket: ChatSocket, room: UUID) -> None:
    """Every frame that names a room gets `not_found`, and nothing of the room comes."""
    cid, epoch = uuid4(), uuid4()
    asked: dict[str, dict[str, Any]] = {
        "join": {"ref": 1, "epoch": epoch, "after": 1},
        "leave": {"ref": 2},
        "history": {"ref": 3, "before": 100},
        "send": {"cid": cid, "text": "let me in"},
        "read": {"seq": 1},
        "typing": {"on": True, "draft": "let me in"},
    }
    for frame_type, fields in asked.items():
        await socket.say(frame_type, room=room, **fields)
        named = {key: str(fields[key]) if key == "cid" else fields[key] for key in ("ref", "cid") if key in fields}
        await socket.expect_error("not_found", **named)
    about = [frame for frame in socket.frames if str(room) in str(frame)]
    assert about == [], "something of the room came"


class TestLimits:
    async def test_a_flood_of_messages_is_slowed_and_told_for_how_long(
        self, doors: Doors, acme: TenantRef, vic: Principal, room: UUID
    ) -> None:
        cids = [str(uuid4()) for _ in range(260)]
        async with doors.visitor(acme, vic) as widget:
            await widget.join(room)
            for cid in cids:
                await widget.say("send", cid=cid, room=room, text="flood")
            refused = await widget.expect_error("rate_limited")
            assert 0 < refused["retry_after"] <= 10
            answers = {"ack": set[str](), "err": set[str]()}
            while len(answers["ack"]) + len(answers["err"]) < len(cids) - 1:
                one = await widget.expect_one(lambda frame: frame["t"] in answers, "an answer")
                answers[one["t"]].add(one["cid"])
            assert answers["ack"] | answers["err"] | {refused["cid"]} == set(cids)
            assert len(answers["ack"]) >= 200
        assert len(await texts(acme, room)) == 2 + len(answers["ack"])

    async def test_what_follows_a_refused_message_does_not_overtake_it(
        self, doors: Doors, acme: TenantRef, vic: Principal, room: UUID
    ) -> None:
        async with doors.visitor(acme, vic) as widget:
            await widget.join(room)
            numbers = count()
            while not widget.came("err"):  # for its pace, or by a busy machine
                for number in islice(numbers, 50):  # fewer refusals than what leaves a socket unread
                    await widget.say("send", cid=uuid4(), room=room, text=str(number))
                await widget.settled()
            kept = [int(text) for text in (await texts(acme, room))[2:]]
            assert kept == list(range(len(kept)))

    async def test_a_flood_of_frames_is_slowed(self, doors: Doors, acme: TenantRef, vic: Principal) -> None:
        async with doors.visitor(acme, vic) as widget:
            for n in range(1_500):
                await widget.say("ping", n=n)
            assert (await widget.expect_error("rate_limited"))["retry_after"] > 0
