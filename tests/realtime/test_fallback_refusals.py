"""What requests that carry frames are refused, and with what."""

import time
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import jwt
import pytest

from tenants.context import TenantRef, run_on_platform
from tenants.tokens import Principal
from tests.support.community import community, place_of
from tests.support.polls import HttpDoors
from tests.support.shop import Shop
from tests.support.sockets import resigned, visitor_token
from tests.support.stored import texts


def no_token(acme: TenantRef, globex: TenantRef, vic: Principal, val: Principal) -> str:
    return "none"


def of_another_tenant(acme: TenantRef, globex: TenantRef, vic: Principal, val: Principal) -> str:
    return visitor_token(globex, val)


def run_out(acme: TenantRef, globex: TenantRef, vic: Principal, val: Principal) -> str:
    claims, now = jwt.decode(visitor_token(acme, vic), options={"verify_signature": False}), int(time.time())
    return resigned({**claims, "iat": now - 1000, "exp": now - 100}, acme)


class TestRefusals:
    @pytest.mark.parametrize(
        ("token", "status", "close", "code"),
        [
            (no_token, 401, 4401, "unauthenticated"),
            (of_another_tenant, 403, 4403, "forbidden"),
            (run_out, 401, 4001, "token_expired"),
        ],
    )
    @pytest.mark.parametrize("act", ["frames", "events"])
    async def test_a_bad_token_is_refused_with_the_code_that_would_close_a_socket(
        self,
        web: HttpDoors,
        acme: TenantRef,
        globex: TenantRef,
        vic: Principal,
        val: Principal,
        act: str,
        token: Callable[..., str],
        status: int,
        close: int,
        code: str,
    ) -> None:
        async with web.visitor(acme, vic) as widget:
            good, widget.token = widget.token, token(acme, globex, vic, val)
            answer = await widget.post(act, {"frames": []} if act == "frames" else {})
            error = answer.json()["error"]
            assert (answer.status_code, error["close"], error["code"]) == (status, close, code)
            assert answer.headers["cache-control"] == "no-store"
            widget.token = good
            assert (await widget.post("frames", {"frames": []})).status_code == 200

    async def test_another_pages_requests_are_refused(self, web: HttpDoors, acme: TenantRef, vic: Principal) -> None:
        async with web.visitor(acme, vic) as widget:
            answer = await widget.post("frames", {"frames": []}, Origin="https://evil.example")
            assert (answer.status_code, answer.json()["error"]["close"]) == (403, 4403)
            assert (await widget.post("frames", {"frames": []})).status_code == 200

    async def test_a_foreign_room_does_not_exist(
        self, web: HttpDoors, acme: TenantRef, vic: Principal, room: UUID, shop: Shop
    ) -> None:
        stranger, theirs = await shop.visitor(), uuid4()
        async with web.visitor(shop.tenant, stranger) as widget:
            for target in (room, theirs):
                frames: list[dict[str, Any]] = [
                    {"t": "join", "ref": 1, "room": target},
                    {"t": "send", "cid": uuid4(), "room": target, "text": "let me in"},
                    {"t": "history", "ref": 2, "room": target, "before": 9},
                    {"t": "read", "room": target, "seq": 1},
                    {"t": "typing", "room": target, "on": True},
                    {"t": "leave", "ref": 3, "room": target},
                ]
                assert [frame["code"] for frame in await widget.say(*frames)] == ["not_found"] * 6
            answer = await widget.post("events", {"rooms": [{"room": room, "epoch": uuid4(), "after": 0}]})
            left = [frame for frame in answer.json()["frames"] if frame["t"] == "left"]
            assert [(frame["room"], frame["code"]) for frame in left] == [(str(room), "not_found")]
            assert "one" not in answer.text
        assert await texts(acme, room) == ["one", "two"]

    async def test_only_a_join_makes_a_member_of_a_community_room(self, web: HttpDoors, shop: Shop) -> None:
        who, room = await shop.visitor(), await run_on_platform(community, shop.tenant)
        async with web.visitor(shop.tenant, who) as widget:
            line = {"t": "send", "cid": uuid4(), "room": room, "text": "hello"}
            assert [frame["code"] for frame in await widget.say(line)] == ["not_found"]
            inside: list[dict[str, Any]] = [
                {"t": "read", "room": room, "seq": 1},
                {"t": "typing", "room": room, "on": True},
                {"t": "leave", "ref": 3, "room": room},
            ]
            assert [frame["code"] for frame in await widget.say(*inside)] == ["not_found"] * 3
            assert await run_on_platform(place_of, shop.tenant, room, who) is None
            assert (await widget.join(room))["t"] == "joined"
            assert [frame["t"] for frame in await widget.say(line)] == ["ack"]
            assert [frame["t"] for frame in await widget.say(*inside)] == ["left"]
            assert await run_on_platform(place_of, shop.tenant, room, who)

    @pytest.mark.parametrize(
        ("act", "body", "status"),
        [
            ("frames", {"frames": [{"t": "ping", "n": 1}] * 21}, 413),
            ("frames", {"frames": "no"}, 400),
            ("frames", {"frames": [{"t": "ping", "n": 1, "pad": "x" * 1_400_000}]}, 413),
            ("events", {"rooms": 1}, 400),
            ("events", {"v": 0}, 426),
            ("events", {"unknown": 1}, 400),
        ],
        ids=["too many", "no list", "too large", "bad rooms", "too old", "unknown field"],
    )
    async def test_a_body_that_makes_no_sense_is_refused(
        self, web: HttpDoors, acme: TenantRef, vic: Principal, act: str, body: Any, status: int
    ) -> None:
        async with web.visitor(acme, vic) as widget:
            assert (await widget.post(act, body)).status_code == status

    async def test_an_unknown_site_and_an_unknown_host(self, web: HttpDoors, acme: TenantRef, vic: Principal) -> None:
        async with web.visitor(acme, vic) as widget:
            widget.door = "/w/nosuchkey"
            assert (await widget.post("events", {})).json()["error"]["close"] == 4404
        async with web.at("nobody.localhost") as http:
            assert (await http.post("/api/v1/frames", json={"frames": []})).status_code == 404
            assert (await http.get("/api/v1/frames")).status_code == 405
