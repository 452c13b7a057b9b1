"""Sessions, the handshake, `hello`, and the codes with which a server ends what it does not want."""

import json
from uuid import uuid4

import pytest

from tests.contract.conformance.conftest import Come, line
from tests.contract.conformance.place import SUBPROTOCOL, Place


async def test_a_session_names_its_visitor_and_its_socket(place: Place) -> None:
    session = await place.session(handle=None)
    assert session.keys() >= {"token", "expires_in", "visitor", "socket"}
    assert session["token"] not in session["socket"]


async def test_a_handle_brings_the_same_visitor_back(place: Place) -> None:
    first = await place.session(cookies=False)
    again = await place.session(handle=first["handle"], cookies=False)
    assert again["visitor"] == first["visitor"]


async def test_a_page_that_may_not_show_the_site_gets_no_session(place: Place) -> None:
    answer = await place.post(f"{place.widget}/w/{place.key}/session", {"parent": "https://evil.example"}, origin=place.widget)
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "forbidden")


async def test_the_server_takes_the_subprotocol(place: Place) -> None:
    session = await place.session()
    async with line(session["socket"], origin=place.widget) as socket:
        assert socket.connection.subprotocol == SUBPROTOCOL


async def test_welcome_tells_who_i_am(visitor: Come) -> None:
    vic = await visitor()
    assert vic.welcome["me"]["id"] == vic.session["visitor"]["id"]
    assert (vic.welcome["v"], vic.welcome["rooms"]) == (1, [])


async def test_an_agent_is_welcomed_with_a_role(agent: Come) -> None:
    ben = await agent()
    assert (ben.welcome["me"]["kind"], bool(ben.welcome["me"]["role"])) == ("agent", True)


@pytest.mark.parametrize("origin", ["https://evil.example", "null"])
async def test_a_foreign_page_opens_no_socket(place: Place, origin: str) -> None:
    session = await place.session()
    async with line(session["socket"], origin=origin) as socket:
        await socket.expect_close(4403)


@pytest.mark.parametrize(("token", "code"), [("nonsense", 4401), ("", 4401)])
async def test_a_token_that_is_none_ends_the_socket(place: Place, token: str, code: int) -> None:
    session = await place.session()
    async with line(session["socket"], origin=place.widget) as socket:
        await socket.say("hello", v=1, token=token)
        await socket.expect_close(code)


async def test_a_visitors_token_opens_no_agents_door(place: Place) -> None:
    session, ticket = await place.session(), await place.ticket()
    async with line(ticket["socket"], origin=place.url) as socket:
        await socket.say("hello", v=1, token=session["token"])
        await socket.expect_close(4403)


async def test_a_key_of_no_site_ends_the_socket(place: Place) -> None:
    session = await place.session()
    async with line(session["socket"].replace(place.key, "a" * len(place.key)), origin=place.widget) as socket:
        await socket.expect_close(4404)


async def test_a_version_before_the_first_is_too_old(place: Place) -> None:
    session = await place.session()
    async with line(session["socket"], origin=place.widget) as socket:
        await socket.say("hello", v=0, token=session["token"])
        await socket.expect_close(4426)


async def test_silence_before_hello_ends_the_socket(place: Place) -> None:
    session = await place.session()
    async with line(session["socket"], origin=place.widget) as socket:
        await socket.expect_close(4000, seconds=20)


async def test_three_bad_frames_in_a_row_end_the_socket(visitor: Come) -> None:
    vic = await visitor()
    for bad in ("{", json.dumps({"t": "sing"}), json.dumps({"t": "ping", "n": 1, "more": True})):
        await vic.socket.say_text(bad)
    for _ in range(2):
        await vic.socket.expect_error("bad_frame")
    await vic.socket.expect_close(4400)


async def test_a_good_frame_between_bad_ones_is_forgiven(visitor: Come) -> None:
    vic = await visitor()
    for _ in range(4):
        await vic.socket.say_text("[]")
        await vic.socket.expect_error("bad_frame")
        await vic.socket.settled()


async def test_a_fresh_token_of_the_same_person_renews_the_socket(visitor: Come, place: Place) -> None:
    session = await place.session(cookies=False)
    vic = await visitor(session)
    await vic.socket.say("auth", token=(await place.session(handle=session["handle"], cookies=False))["token"])
    assert (await vic.socket.expect("authed"))["expires_in"] > 0


async def test_a_token_of_another_ends_the_socket(visitor: Come, place: Place) -> None:
    vic = await visitor()
    await vic.socket.say("auth", token=(await place.session())["token"])
    await vic.socket.expect_close(4403)


async def test_a_room_that_never_was_is_not_found(visitor: Come) -> None:
    vic = await visitor()
    await vic.socket.say("join", ref=1, room=uuid4())
    await vic.socket.expect_error("not_found", ref=1)
