"""A visitor and an agent talk: what each hears, and in which order."""

import asyncio
from uuid import UUID, uuid4

from tenants.context import TenantRef
from tenants.tokens import Principal
from tests.support.shop import Shop
from tests.support.sockets import Doors, agent_token, key_of, visitor_token
from tests.support.stored import is_gapless, stored, texts


async def test_hello_is_answered_with_what_a_client_needs(doors: Doors, acme: TenantRef, vic: Principal) -> None:
    async with doors.socket(doors.visitor_url(key_of(acme))) as socket:
        welcome = await socket.hello(visitor_token(acme, vic))
        assert welcome["me"] == {"kind": "visitor", "id": str(vic.id), "name": vic.name}
        assert (welcome["v"], welcome["ping"], welcome["unread"]) == (1, 25, 0)
        assert [room for room in welcome["rooms"] if room["kind"] == "support"] == []  # acme's community rooms are everybody's
        assert welcome["limits"] == {"text": 4000, "frame": 65536, "rooms": 100}
        assert socket.connection.subprotocol == "porchlight.v1"


async def test_an_agent_is_welcomed_with_their_role_and_the_rooms(
    doors: Doors, acme: TenantRef, agent_ben: Principal, room: UUID
) -> None:
    async with doors.socket(doors.agent_url(acme)) as socket:
        welcome = await socket.hello(agent_token(acme, agent_ben))
        assert welcome["me"] == {"kind": "agent", "id": str(agent_ben.id), "name": "Ben", "role": "agent"}
        summary = next(one for one in welcome["rooms"] if one["id"] == str(room))
        assert (summary["head"], summary["unread"], summary["last"]["text"]) == (2, 2, "two")


async def test_the_first_words_stand_in_the_inbox_at_once(doors: Doors, shop: Shop) -> None:
    who = await shop.visitor()
    async with doors.agent(shop.tenant, shop.owner) as inbox, doors.visitor(shop.tenant, who) as widget:
        cid = uuid4()
        await widget.say("open", cid=cid, kind="support", text="  Is anybody there?  ")
        joined = await widget.expect("joined")
        ack = await widget.expect("ack", cid=str(cid))
        assert (joined["head"], joined["resumed"], ack["seq"], ack["room"]) == (1, False, 1, joined["room"])
        assert [one["text"] for one in joined["messages"]] == ["Is anybody there?"]
        assert joined["people"] == [{"kind": "visitor", "id": str(who.id), "name": who.name}]
        told = await inbox.expect("room", room=joined["room"])
        assert told["summary"]["last"]["text"] == "Is anybody there?"
        assert "unread" not in told["summary"]
        notice = await inbox.expect("notice", room=joined["room"])
        assert (notice["kind"], notice["body"]) == ("room_opened", "Is anybody there?")


async def test_both_hear_each_other(doors: Doors, acme: TenantRef, vic: Principal, agent_ben: Principal, room: UUID) -> None:
    async with doors.agent(acme, agent_ben) as inbox, doors.visitor(acme, vic) as widget:
        await inbox.join(room)
        await widget.join(room)
        await inbox.send(room, "Hello Vic")
        heard = await widget.expect("msg", room=str(room), seq=3)
        assert heard["message"]["by"] == {"kind": "agent", "id": str(agent_ben.id), "name": "Ben"}
        await widget.send(room, "Hello Ben")
        heard = await inbox.expect("msg", room=str(room), seq=4)
        assert (heard["message"]["text"], heard["message"]["by"]["kind"]) == ("Hello Ben", "visitor")
        assert await texts(acme, room) == ["one", "two", "Hello Vic", "Hello Ben"]


async def test_the_sender_gets_ack_and_message_with_one_seq_id_and_time(
    doors: Doors, acme: TenantRef, vic: Principal, room: UUID
) -> None:
    async with doors.visitor(acme, vic) as widget:
        await widget.join(room)
        ack = await widget.send(room, "three")
        line = (await widget.expect("msg", seq=ack["seq"]))["message"]
        assert {"t": "ack", **{key: line[key] for key in ("room", "cid", "seq", "id", "ts")}} == ack


async def test_what_one_sends_in_a_burst_is_stored_and_heard_in_that_order(
    doors: Doors, acme: TenantRef, vic: Principal, agent_ben: Principal, room: UUID
) -> None:
    burst = [f"line {n}" for n in range(120)]
    async with doors.agent(acme, agent_ben) as inbox, doors.visitor(acme, vic) as widget:
        await inbox.join(room)
        await widget.say("join", ref=1, room=room)  # not awaited: the lines wait in its lane
        for text in burst:
            await widget.say("send", cid=uuid4(), room=room, text=text)
        await inbox.expect("msg", seq=122)
        await widget.expect("msg", seq=122)
        assert inbox.lines(room) == burst
        assert await texts(acme, room) == ["one", "two", *burst]


async def test_a_refused_frame_does_not_take_the_ones_behind_it_along(
    doors: Doors, acme: TenantRef, vic: Principal, room: UUID
) -> None:
    async with doors.visitor(acme, vic) as widget:
        bad, good = uuid4(), uuid4()
        await widget.say("join", ref=1, room=room)
        await widget.say("send", cid=bad, room=room, text="   ")
        await widget.say("send", cid=good, room=room, text="good")
        await widget.expect_error("empty", cid=str(bad))
        await widget.expect("ack", cid=str(good))
        await widget.expect("joined", ref=1)


async def test_an_agent_may_answer_a_room_they_have_not_joined(
    doors: Doors, acme: TenantRef, agent_ben: Principal, room: UUID
) -> None:
    async with doors.agent(acme, agent_ben) as inbox:
        assert (await inbox.send(room, "from the list"))["seq"] == 3
        assert inbox.came("msg") == []


async def test_a_reply_names_what_it_replies_to(doors: Doors, acme: TenantRef, vic: Principal, room: UUID) -> None:
    async with doors.visitor(acme, vic) as widget:
        first = (await widget.join(room))["messages"][0]["id"]
        await widget.send(room, "about that", reply_to=first)
        assert (await widget.expect("msg", seq=3))["message"]["reply_to"] == first


async def test_a_text_of_4000_characters_arrives_whole(doors: Doors, acme: TenantRef, vic: Principal, room: UUID) -> None:
    long = "🪔" * 4000
    async with doors.visitor(acme, vic) as widget:
        await widget.join(room)
        await widget.send(room, long)
        assert (await widget.expect("msg", seq=3))["message"]["text"] == long


async def test_nobody_misses_a_line_that_falls_into_their_join(
    doors: Doors, acme: TenantRef, vic: Principal, agent_ben: Principal, room: UUID
) -> None:
    async with doors.visitor(acme, vic) as widget, doors.agent(acme, agent_ben) as inbox:
        for turn in range(10):
            await inbox.say("join", ref=turn, room=room)
            for n in range(10):
                await widget.say("send", cid=uuid4(), room=room, text=f"line {turn} {n}")
            await inbox.expect("joined", ref=turn)
        last = await widget.send(room, "last")
        await inbox.expect("msg", seq=last["seq"])
        known = 0
        for frame in inbox.frames:
            if frame["t"] == "joined":
                known = max(known, frame["head"])
            elif frame["t"] == "msg":
                assert frame["seq"] <= known + 1, "a hole"
                known = max(known, frame["seq"])
        assert known == 103


class TestOnceOnly:
    async def test_the_same_cid_again_gives_the_same_ack_and_nothing_else(
        self, doors: Doors, acme: TenantRef, vic: Principal, room: UUID
    ) -> None:
        cid = uuid4()
        async with doors.visitor(acme, vic) as widget:
            await widget.join(room)
            first = await widget.send(room, "once", cid=cid)
            await widget.send(room, "later")
            assert await widget.send(room, "once", cid=cid) == first
            assert widget.lines(room) == ["once", "later"]
            assert await texts(acme, room) == ["one", "two", "once", "later"]

    async def test_other_words_under_a_known_cid_are_refused(
        self, doors: Doors, acme: TenantRef, vic: Principal, room: UUID
    ) -> None:
        cid = uuid4()
        async with doors.visitor(acme, vic) as widget:
            await widget.send(room, "once", cid=cid)
            await widget.say("send", cid=cid, room=room, text="twice")
            await widget.expect_error("conflict", cid=str(cid), field="cid")
            assert await texts(acme, room) == ["one", "two", "once"]

    async def test_two_authors_may_use_one_cid(
        self, doors: Doors, acme: TenantRef, vic: Principal, agent_ben: Principal, room: UUID
    ) -> None:
        cid = uuid4()
        async with doors.visitor(acme, vic) as widget, doors.agent(acme, agent_ben) as inbox:
            acks = [await widget.send(room, "mine", cid=cid), await inbox.send(room, "mine", cid=cid)]
            assert [one["seq"] for one in acks] == [3, 4]

    async def test_over_two_sockets_at_once_each_line_is_stored_once(
        self, doors: Doors, acme: TenantRef, vic: Principal, room: UUID
    ) -> None:
        cids = [uuid4() for _ in range(50)]
        async with doors.visitor(acme, vic) as left, doors.visitor(acme, vic) as right:
            sent = [socket.send(room, f"line {cid}", cid=cid) for cid in cids for socket in (left, right)]
            acks = await asyncio.gather(*sent)
        assert acks[::2] == acks[1::2]
        lines = await stored(acme, room)
        assert is_gapless([line.seq for line in lines])
        assert sorted(map(str, cids)) == sorted(str(line.cid) for line in lines[2:])

    async def test_open_again_gives_the_same_room(self, doors: Doors, acme: TenantRef, vic: Principal) -> None:
        cid = uuid4()
        async with doors.visitor(acme, vic) as widget:
            room = await widget.open("Hello", cid=cid)
            first = await widget.expect("ack")
            assert await widget.open("Hello", cid=cid) == room
            assert await widget.expect("ack") == first
            assert await texts(acme, room) == ["Hello"]

    async def test_open_over_two_sockets_at_once_makes_one_room(self, doors: Doors, acme: TenantRef, vic: Principal) -> None:
        cid = uuid4()
        async with doors.visitor(acme, vic) as left, doors.visitor(acme, vic) as right:
            rooms = await asyncio.gather(left.open("Hello", cid=cid), right.open("Hello", cid=cid))
        assert rooms[0] == rooms[1]
        assert await texts(acme, rooms[0]) == ["Hello"]

    async def test_open_again_without_words_gives_the_same_ack(self, doors: Doors, acme: TenantRef, vic: Principal) -> None:
        cid = uuid4()
        async with doors.visitor(acme, vic) as widget:
            room = await widget.open(cid=cid)
            first = await widget.expect("ack")
            await widget.send(room, "meanwhile")
            assert await widget.open(cid=cid) == room
            assert await widget.expect("ack") == first

    async def test_a_form_is_a_message_before_the_first_words(self, doors: Doors, acme: TenantRef, vic: Principal) -> None:
        async with doors.visitor(acme, vic) as socket:
            cid = uuid4()
            for _ in range(2):
                await socket.say("open", cid=cid, kind="support", text="Hello", form={"email": "vic@shop.example", "size": "54"})
                joined = await socket.expect("joined")
                assert (await socket.expect("ack", cid=str(cid)))["seq"] == 2
                said = [(message["kind"], message["text"]) for message in joined["messages"]]
                assert said == [("form", "email: vic@shop.example\nsize: 54"), ("text", "Hello")]

    async def test_open_with_other_words_under_a_known_cid_is_refused(
        self, doors: Doors, acme: TenantRef, vic: Principal
    ) -> None:
        cid = uuid4()
        async with doors.visitor(acme, vic) as widget:
            room = await widget.open("Hello", cid=cid)
            await widget.say("open", cid=cid, kind="support", text="Goodbye")
            await widget.expect_error("conflict", cid=str(cid))
            assert await texts(acme, room) == ["Hello"]
