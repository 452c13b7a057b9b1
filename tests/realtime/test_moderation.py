"""What moderators decide counts on every process at once. Two processes and Redis between them."""

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from chat.models import Visitor
from tenants.context import TenantRef, in_tenant, run_on_platform
from tenants.tokens import Principal
from tests.support import talk
from tests.support.community import community, lines_in, place_of
from tests.support.pair import Pair, Sides
from tests.support.server import Server
from tests.support.sockets import ChatSocket

pytestmark = pytest.mark.xdist_group("realtime-redis")

SOON = 15.0  # seconds, for what must come; the beat that looks who may stay comes within 25, and may be the one that finds it


@pytest.fixture
def friends(acme: TenantRef) -> UUID:
    """A community room of acme."""
    return community(acme)


async def ada_asks(server: Server, acme: TenantRef, method: str, path: str, body: Any = None) -> Any:
    """The answer of acme's HTTP API to its owner."""
    headers = {"Host": f"acme.{server.base_host}"}
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}", headers=headers, timeout=60) as client:
        access = await talk.access_of(acme, "ada@acme.example")
        answer = await client.request(method, f"/api/v1{path}", json=body, headers={"Authorization": f"Bearer {access}"})
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.content else None


async def is_put_out(socket: ChatSocket, room: UUID, decide: Callable[[], Any]) -> None:
    """The socket is put out of the room behind the decision."""
    await decide()
    await socket.expect("left", room=str(room), code="not_found", seconds=SOON)


@pytest.mark.parametrize("act", ["ban", "removal"])
async def test_who_is_put_out_hears_nothing_more_on_any_process(
    pair: Pair, sides: Sides, acme: TenantRef, vic: Principal, friends: UUID, act: str
) -> None:
    left, right = sides
    val = await run_on_platform(talk.visitor, acme)
    async with left.visitor(acme, vic) as here, right.visitor(acme, vic) as there, left.visitor(acme, val) as other:
        for socket in (here, there, other):
            await socket.join(friends)
        path = f"/rooms/{friends}/members/{vic.id}"

        async def decide() -> None:
            await ada_asks(
                pair.right, acme, "PUT" if act == "ban" else "DELETE", path, {"ban_for": 600} if act == "ban" else None
            )

        await is_put_out(here, friends, decide)
        await there.expect("left", room=str(friends), code="not_found", seconds=SOON)
        ack = await other.send(friends, "now that they are gone")
        await other.expect("msg", seq=ack["seq"])
        for socket in (here, there):
            await socket.settled()
            assert socket.lines(friends) == []
            if act == "ban":
                await socket.say("join", ref=1, room=friends)
                await socket.expect_error("not_found", ref=1)
                await socket.say("send", cid=uuid4(), room=friends, text="let me in")
                await socket.expect_error("not_found")


async def test_another_join_rule_puts_out_who_may_not_stay(
    pair: Pair, sides: Sides, acme: TenantRef, vic: Principal, friends: UUID
) -> None:
    left, right = sides
    known = await run_on_platform(signed_in_visitor, acme)
    async with left.visitor(acme, vic) as anonymous, right.visitor(acme, known) as signed_in:
        await anonymous.join(friends)
        await signed_in.join(friends)

        async def decide() -> None:
            await ada_asks(pair.right, acme, "PATCH", f"/rooms/{friends}", {"join_rule": "identified"})

        await is_put_out(anonymous, friends, decide)
        ack = await signed_in.send(friends, "still here")
        await signed_in.expect("msg", seq=ack["seq"])
        assert signed_in.came("left") == []
        await anonymous.settled()
        assert "still here" not in anonymous.lines(friends)


async def test_the_new_summary_reaches_the_room_and_the_inbox_and_nobody_else(
    pair: Pair, sides: Sides, acme: TenantRef, vic: Principal, agent_ben: Principal, friends: UUID
) -> None:
    left, right = sides
    val = await run_on_platform(talk.visitor, acme)
    async with left.visitor(acme, vic) as inside, left.visitor(acme, val) as outside, right.agent(acme, agent_ben) as inbox:
        await inside.join(friends)
        message = (await inside.send(friends, "hello"))["id"]
        await ada_asks(pair.right, acme, "POST", f"/rooms/{friends}/pins", {"message": message})
        for socket in (inside, inbox):
            await socket.expect_one(
                lambda one: one["t"] == "room" and one["summary"].get("pinned") == [message], "the pin", seconds=SOON
            )
        told = (await inside.expect("msg", room=str(friends), seq=2, seconds=SOON))["message"]
        assert (told["kind"], told["text"]) == ("system", "Ada pinned a message")
        await outside.settled()
        assert [one for one in outside.frames if str(friends) in str(one) and one["t"] != "welcome"] == []


async def test_who_is_muted_is_told_and_may_not_write(
    pair: Pair, sides: Sides, acme: TenantRef, vic: Principal, friends: UUID
) -> None:
    async with sides[0].visitor(acme, vic) as widget:
        await widget.join(friends)
        await ada_asks(pair.right, acme, "PUT", f"/rooms/{friends}/members/{vic.id}", {"mute_for": 600})
        told = await widget.expect_one(lambda one: one["t"] == "room" and "mine" in one["summary"], "my mute", seconds=SOON)
        assert told["summary"]["mine"]["muted_until"]
        await widget.say("send", cid=uuid4(), room=friends, text="but")
        assert 0 < (await widget.expect_error("muted"))["retry_after"] <= 600
        await ada_asks(pair.right, acme, "PUT", f"/rooms/{friends}/members/{vic.id}", {"mute_for": 0})
        await widget.expect_one(
            lambda one: one["t"] == "room" and "unread" in one["summary"] and "mine" not in one["summary"], "the end of it"
        )
        await widget.send(friends, "thank you")


async def test_a_refused_word_is_refused_on_every_process_to_members_only(
    pair: Pair, sides: Sides, acme: TenantRef, vic: Principal, agent_ben: Principal, friends: UUID, room: UUID
) -> None:
    left, right = sides
    word = f"x{uuid4().hex[:10]}"
    async with left.visitor(acme, vic) as widget, right.agent(acme, agent_ben) as inbox:
        await widget.join(friends)
        await inbox.join(friends)
        mine = await widget.send(friends, f"{word} is no word yet")
        try:
            await ada_asks(pair.right, acme, "PUT", f"/sites/{vic.site_id}/words", {"words": [word]})
            await refused_before_long(widget, friends, f"so {word.upper()}!")
            await widget.say("edit", cid=uuid4(), room=friends, message=mine["id"], text=f"{word[:3]}\u200b{word[3:]}")
            await widget.expect_error("forbidden", field="text")
            await widget.send(friends, f"{word}s are others")
            await inbox.send(friends, f"the team may say {word}")
            await widget.send(room, f"and in my own room I may say {word}")
            await ada_asks(pair.right, acme, "PUT", f"/rooms/{friends}/members/{vic.id}", {"role": "moderator"})
            await widget.send(friends, f"{word}, says a moderator")
        finally:
            await ada_asks(pair.right, acme, "PUT", f"/sites/{vic.site_id}/words", {"words": []})


async def test_a_first_join_makes_a_member_and_leave_only_closes_the_room(
    sides: Sides, acme: TenantRef, vic: Principal, friends: UUID
) -> None:
    left, right = sides
    async with left.visitor(acme, vic) as here, right.visitor(acme, vic) as there:
        joined = await asyncio.gather(here.join(friends), there.join(friends))
        assert [one["summary"]["people"] for one in joined] == [1, 1]
        await here.say("leave", ref=1, room=friends)
        await here.expect("left", ref=1)
    assert await run_on_platform(place_of, acme, friends, vic)
    assert await run_on_platform(lines_in, acme, friends) == []


async def refused_before_long(socket: ChatSocket, room: UUID, text: str) -> None:
    """The text is refused for its words, as soon as the process knows the new list."""
    async with asyncio.timeout(SOON):
        while True:
            cid = str(uuid4())
            await socket.say("send", cid=cid, room=room, text=text)
            said = await socket.expect_one(lambda one, cid=cid: one.get("cid") == cid, "an answer")  # type: ignore[misc]
            if said["t"] == "err":
                assert (said["code"], said["field"]) == ("forbidden", "text")
                return
            await asyncio.sleep(0.05)


def signed_in_visitor(tenant: TenantRef) -> Principal:
    """A visitor whom the site's backend has signed in."""
    who = talk.visitor(tenant)
    with in_tenant(tenant):
        Visitor.objects.filter(id=who.id).update(external_id=uuid4().hex)
    return who


async def test_a_deleted_room_is_gone_for_everybody_on_every_process(
    pair: Pair, sides: Sides, acme: TenantRef, agent_ben: Principal, vic: Principal, friends: UUID
) -> None:
    left, right = sides
    async with left.visitor(acme, vic) as here, right.agent(acme, agent_ben) as inside, left.agent(acme, agent_ben) as looking:
        for socket in (here, inside):
            await socket.join(friends)

        async def decide() -> None:
            await ada_asks(pair.right, acme, "DELETE", f"/rooms/{friends}", {"sure": "The shop's friends"})

        await is_put_out(here, friends, decide)
        for socket in (inside, looking):
            await socket.expect("left", room=str(friends), code="not_found", seconds=SOON)
        await here.say("send", cid=uuid4(), room=friends, text="is anybody here?")
        await here.expect_error("not_found")
