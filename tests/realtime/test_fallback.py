"""Frames over HTTP: the same talk without a socket, and the same promises."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

from tenants.context import TenantRef
from tenants.tokens import Principal
from tests.support.polls import SOON, HttpDoors, held, quiet
from tests.support.shop import Shop
from tests.support.sockets import Doors, visitor_token
from tests.support.stored import texts
from tests.support.watching import comes_and_goes, named


class TestTalk:
    async def test_a_room_is_opened_answered_and_read_without_a_socket(self, web: HttpDoors, shop: Shop) -> None:
        who = await shop.visitor()
        async with web.visitor(shop.tenant, who) as widget, web.agent(shop.tenant, shop.owner) as inbox:
            assert [frame["t"] for frame in await widget.poll()] == ["welcome", "presence"]
            assert (await inbox.poll())[0]["t"] == "welcome"
            answers = await widget.say({"t": "open", "cid": uuid4(), "kind": "support", "text": "Is anybody there?"})
            joined = next(frame for frame in answers if frame["t"] == "joined")
            assert "ack" in [frame["t"] for frame in answers]
            room = joined["room"]
            widget._note(joined)
            await inbox.expect_one(lambda frame: "Is anybody there?" in str(frame))
            await inbox.join(room)
            assert (await inbox.send(room, "Yes."))["t"] == "ack"
            await widget.expect_line(room, "Yes.")
            assert widget.lines[room] == ["Is anybody there?", "Yes."]
            assert await inbox.say({"t": "read", "room": room, "seq": 2}) == []
            read = {"who": str(shop.owner.id), "seq": 2}
            await widget.expect_one(lambda frame: read.items() <= frame.items() or read in frame.get("marks", []))
            typing = asyncio.create_task(inbox.expect("typing", room=room))
            while not typing.done():  # who does not listen just now does not hear it
                assert await widget.say({"t": "typing", "room": room, "on": True}) == []
                await asyncio.wait([typing], timeout=0.2)
            assert (await typing)["who"]["id"] == str(who.id)

    async def test_a_socket_and_a_poller_hear_each_other(
        self, web: HttpDoors, doors: Doors, acme: TenantRef, vic: Principal, agent_ben: Principal, room: UUID
    ) -> None:
        async with web.visitor(acme, vic) as widget, doors.agent(acme, agent_ben) as inbox:
            await inbox.join(room)
            await widget.join(room)
            ack = await widget.send(room, "by request")
            heard = await inbox.expect("msg", room=str(room))
            assert (ack["seq"], heard["seq"], heard["message"]["text"]) == (3, 3, "by request")
            await widget.poll()
            waiting = asyncio.create_task(widget.expect_line(room, "by socket"))
            await inbox.expect("people", room=str(room), on=True)
            await inbox.send(room, "by socket")
            await waiting

    async def test_every_frame_is_answered_as_on_a_socket(
        self, web: HttpDoors, acme: TenantRef, vic: Principal, room: UUID
    ) -> None:
        cid = str(uuid4())
        async with web.visitor(acme, vic) as widget:
            answers = await widget.say(
                {"t": "ping", "n": 7},
                {"t": "history", "ref": "h", "room": room, "before": 2},
                {"t": "join", "ref": "j", "room": uuid4()},
                {"t": "send", "cid": cid, "room": room, "text": "three"},
                {"t": "send", "cid": cid, "room": room, "text": "another"},
                {"t": "leave", "ref": "l", "room": room},
                {"t": "auth", "token": visitor_token(acme, vic)},
                {"t": "hello", "v": 1, "token": "x"},
                {"t": "nonsense"},
            )
            found = {(frame["t"], frame.get("ref") or frame.get("cid") or frame.get("code") or "") for frame in answers}
            assert found == {
                ("pong", ""),
                ("page", "h"),
                ("err", "j"),
                ("ack", cid),
                ("err", cid),
                ("left", "l"),
                ("authed", ""),
                ("err", "bad_frame"),
            }
            assert await texts(acme, room) == ["one", "two", "three"]

    async def test_frames_of_one_request_are_stored_in_the_order_said(
        self, web: HttpDoors, acme: TenantRef, vic: Principal, room: UUID
    ) -> None:
        said = [f"line {number}" for number in range(20)]
        async with web.visitor(acme, vic) as widget:
            answers = await widget.say(*({"t": "send", "cid": uuid4(), "room": room, "text": text} for text in said))
            assert [frame["t"] for frame in answers] == ["ack"] * 20
            assert (await texts(acme, room))[2:] == said


class TestPolling:
    async def test_a_visitor_hears_nothing_of_notes(
        self, web: HttpDoors, acme: TenantRef, vic: Principal, agent_ben: Principal, room: UUID
    ) -> None:
        async with web.agent(acme, agent_ben) as inbox, web.visitor(acme, vic) as widget:
            notes = (await inbox.join(room))["summary"]["notes"]
            await inbox.join(notes)
            await widget.join(room)
            await widget.poll()
            said = (await inbox.send(notes, "secret"))["id"]
            asked: list[dict[str, Any]] = [
                {"t": "join", "ref": 1, "room": notes},
                {"t": "history", "ref": 2, "room": notes, "before": 9},
                {"t": "send", "cid": uuid4(), "room": notes, "text": "let me in"},
                {"t": "send", "cid": uuid4(), "room": room, "text": "about that", "reply_to": said},
            ]
            answers = await widget.say(*asked)
            assert [frame["code"] for frame in answers] == ["not_found"] * 4
            known = {"room": notes, "epoch": inbox.epochs[notes], "after": 0}
            heard = (await widget.post("events", {"rooms": [known]})).json()["frames"]
            assert [frame["code"] for frame in heard if frame["t"] == "left"] == ["not_found"]
            await inbox.send(room, "a word to Vic")
            await widget.expect_line(room, "a word to Vic")
            told = str([frame for frame in [*widget.frames, *heard] if frame["t"] != "left"])
            assert "secret" not in told
            assert notes not in told

    async def test_what_came_between_two_polls_is_in_the_next_and_nothing_twice(
        self, web: HttpDoors, doors: Doors, acme: TenantRef, vic: Principal, agent_ben: Principal, room: UUID
    ) -> None:
        async with web.visitor(acme, vic) as widget, doors.agent(acme, agent_ben) as inbox:
            await inbox.join(room)
            await widget.join(room)
            for number in range(60):
                await inbox.send(room, f"line {number}")
                if number % 7 == 0:
                    await widget.poll()
            while widget.last[str(room)] < 62:
                await widget.poll()
            assert widget.lines[str(room)] == await texts(acme, room)

    async def test_a_poll_without_news_waits_for_them(
        self, web: HttpDoors, doors: Doors, acme: TenantRef, vic: Principal, agent_ben: Principal, room: UUID
    ) -> None:
        async with web.visitor(acme, vic) as widget, doors.agent(acme, agent_ben) as inbox:
            await inbox.join(room)
            await widget.join(room)
            await quiet(widget)
            poll = await held(widget.poll, vic, inbox)
            await inbox.send(room, "now")
            assert "msg" in [frame["t"] for frame in await asyncio.wait_for(poll, SOON)]

    async def test_what_another_tab_read_is_told_to_a_poller_that_was_away(
        self, web: HttpDoors, doors: Doors, shop: Shop
    ) -> None:
        who = await shop.visitor()
        async with web.agent(shop.tenant, shop.owner) as inbox, doors.visitor(shop.tenant, who) as widget:
            await inbox.expect("welcome", unread=0)
            await widget.open("Hello")
            await inbox.expect("welcome", unread=1)
            inbox.forget()  # what was told before the message came has no unread one either
            async with doors.agent(shop.tenant, shop.owner) as tab:
                await tab.say("seen", all=True)
                await tab.settled()
            await inbox.expect("welcome", unread=0)

    async def test_an_agent_who_went_and_came_back_between_two_polls_is_here(
        self, web: HttpDoors, doors: Doors, shop: Shop
    ) -> None:
        """The end of one poll says that nobody is here; all is as before when the next one asks."""
        who = await shop.visitor()
        async with web.visitor(shop.tenant, who) as widget, doors.agent(shop.tenant, shop.owner) as inbox:
            await widget.expect("presence", agents=1)
            await quiet(widget)
            poll = await held(widget.poll, who, inbox)
            await inbox.say("presence", state="away")
            assert [frame["agents"] for frame in await asyncio.wait_for(poll, SOON)] == [0]
            away = await inbox.expect("presence", state="away")
            widget.forget()
            await inbox.say("presence", state="online")
            since = inbox.frames.index(away)
            await inbox.expect_one(lambda one: one.get("state") == "online" and one in inbox.frames[since:], "that they are back")
            await asyncio.wait_for(widget.expect("presence", agents=1), SOON)
            await quiet(widget)

    async def test_two_polls_of_one_client_both_get_the_news(
        self, web: HttpDoors, doors: Doors, acme: TenantRef, vic: Principal, agent_ben: Principal, room: UUID
    ) -> None:
        async with web.visitor(acme, vic) as one, web.visitor(acme, vic) as two, doors.agent(acme, agent_ben) as inbox:
            await inbox.join(room)
            for widget in (one, two):
                await widget.join(room)
            polls = [asyncio.create_task(widget.expect_line(room, "for both")) for widget in (one, two)]
            await inbox.expect("people", room=str(room), on=True)
            await inbox.send(room, "for both")
            await asyncio.gather(*polls)

    async def test_the_oldest_of_six_polls_of_a_visitor_ends(self, web: HttpDoors, doors: Doors, shop: Shop) -> None:
        who = await shop.visitor()
        async with web.visitor(shop.tenant, who) as widget, doors.agent(shop.tenant, shop.owner) as inbox:
            await quiet(widget)
            polls = [await held(widget.ask, who, inbox) for _ in range(6)]  # one after another
            answer = await asyncio.wait_for(polls[0], SOON)
            assert (answer.status_code, answer.json()["error"]["close"]) == (429, 4409)
            assert answer.json()["error"]["retry_after"] > 0
            assert not any(poll.done() for poll in polls[1:])
            for poll in polls:
                poll.cancel()


class TestPresence:
    async def test_who_polls_is_here_between_two_polls_without_a_flicker(self, web: HttpDoors, doors: Doors, shop: Shop) -> None:
        vic, other = await shop.visitor(), await shop.member("agent")
        room = await shop.room(vic, "hello")
        async with doors.agent(shop.tenant, shop.owner) as inbox, web.visitor(shop.tenant, vic) as widget:
            await inbox.join(room)
            await widget.join(room)
            await inbox.expect("people", room=str(room), on=True)
            for number in range(4):
                await widget.poll(page={"url": "https://shop.example/", "title": "Shop", "referrer": ""})
                await inbox.send(room, f"line {number}")
            await comes_and_goes(doors, shop, other, room, inbox)  # whoever went before them would be gone by now
            await widget.say({"t": "typing", "room": room, "on": True})
            await inbox.expect("typing", room=str(room))
            assert [frame["on"] for frame in inbox.came("people", room=str(room), who=named(vic))] == [True]
            told = [one for frame in inbox.came("presence") for one in frame.get("visitors", []) if one["id"] == str(vic.id)]
            assert all(one["on"] for one in told)
            assert told[-1]["page"]["url"] == "https://shop.example/"

    async def test_who_leaves_a_room_is_seen_to_leave(
        self, web: HttpDoors, doors: Doors, acme: TenantRef, vic: Principal, agent_ben: Principal, room: UUID
    ) -> None:
        async with doors.agent(acme, agent_ben) as inbox, web.visitor(acme, vic) as widget:
            await inbox.join(room)
            await widget.join(room)
            await inbox.expect("people", room=str(room), on=True)
            await widget.say({"t": "leave", "ref": 1, "room": room})
            await inbox.expect("people", room=str(room), on=False)
