"""Who is let in: each door, each token, each Origin, and the code that turns the others away."""

import asyncio
from contextlib import suppress
from typing import Any
from uuid import UUID, uuid4

import jwt
import pytest
from django.utils import timezone
from websockets.exceptions import InvalidStatus

from chat.models import Site
from tenants.context import TenantRef, in_tenant, run_on_platform
from tenants.models import EmbedKey, Membership, Tenant
from tenants.resolve import ref
from tenants.tokens import Principal
from tests.support.cast import MakeTenant
from tests.support.server import Server
from tests.support.shop import Shop
from tests.support.sockets import Doors, agent_token, key_of, resigned, visitor_token
from tests.support.stored import texts


class TestHello:
    @pytest.mark.parametrize(("version", "code"), [(0, 4426), (-3, 4426), (2, 4400), (99, 4400)])
    async def test_another_version_is_told_apart(
        self, doors: Doors, acme: TenantRef, vic: Principal, version: int, code: int
    ) -> None:
        async with doors.socket(doors.visitor_url(key_of(acme))) as socket:
            await socket.say("hello", v=version, token=visitor_token(acme, vic))
            await socket.expect_close(code)

    async def test_the_first_frame_must_be_hello(self, doors: Doors, acme: TenantRef, vic: Principal, room: UUID) -> None:
        async with doors.socket(doors.visitor_url(key_of(acme))) as socket:
            await socket.say("send", cid=uuid4(), room=room, text="early")
            await socket.expect_error("bad_frame")
            await socket.hello(visitor_token(acme, vic))
        async with doors.socket(doors.visitor_url(key_of(acme))) as socket:
            for _ in range(3):
                await socket.say("ping", n=1)
            await socket.expect_close(4400)
        assert await texts(acme, room) == ["one", "two"]

    async def test_silence_instead_of_hello_ends_the_socket(self, doors: Doors, acme: TenantRef) -> None:
        async with doors.socket(doors.visitor_url(key_of(acme))) as silent, doors.socket(doors.agent_url(acme)) as busy:
            await busy.say("ping", n=1)
            await asyncio.gather(silent.expect_close(4000), busy.expect_close(4000))

    async def test_a_token_that_ran_out_is_told_apart_from_a_forged_one(
        self, doors: Doors, acme: TenantRef, vic: Principal, agent_ben: Principal
    ) -> None:
        for url, token in (
            (doors.visitor_url(key_of(acme)), visitor_token(acme, vic)),
            (doors.agent_url(acme), agent_token(acme, agent_ben)),
        ):
            claims = jwt.decode(token, options={"verify_signature": False})
            head, body, signature = token.split(".")
            tried = {
                4001: [resigned({**claims, "exp": 1_700_000_000}, acme)],
                4401: [
                    "",
                    "nonsense",
                    f"{head}.{body}.",
                    f"{head}.{body}.{signature[::-1]}",
                    jwt.encode(claims, "", algorithm="none"),
                    jwt.encode(claims, "another key of a good length, surely", algorithm="HS256"),
                    resigned({**claims, "aud": "elsewhere"}, acme),
                    resigned({key: value for key, value in claims.items() if key != "jti"}, acme),
                    resigned({**claims, "exp": "soon"}, acme),
                ],
            }
            for code, tokens in tried.items():
                for one in tokens:
                    await closes(doors, url, one, code)

    async def test_a_token_of_another_tenant_is_not_yours(
        self, doors: Doors, acme: TenantRef, globex: TenantRef, val: Principal, agent_gus: Principal
    ) -> None:
        await closes(doors, doors.visitor_url(key_of(acme)), visitor_token(globex, val), 4403)
        await closes(doors, doors.agent_url(acme), agent_token(globex, agent_gus), 4403)

    async def test_a_tenant_renamed_in_the_token_does_not_help(
        self, doors: Doors, acme: TenantRef, globex: TenantRef, val: Principal
    ) -> None:
        claims = jwt.decode(visitor_token(globex, val), options={"verify_signature": False})
        forged = resigned({**claims, "tid": str(acme.id)}, globex)
        await closes(doors, doors.visitor_url(key_of(acme)), forged, 4401)

    async def test_the_other_door_is_not_yours(self, doors: Doors, acme: TenantRef, vic: Principal, agent_ben: Principal) -> None:
        await closes(doors, doors.agent_url(acme), visitor_token(acme, vic), 4403)
        await closes(doors, doors.visitor_url(key_of(acme)), agent_token(acme, agent_ben), 4403)

    async def test_another_site_of_the_same_tenant_is_not_yours(self, doors: Doors, shop: Shop) -> None:
        second = await run_on_platform(_second_site_key, shop.tenant)
        await closes(doors, doors.visitor_url(second), visitor_token(shop.tenant, await shop.visitor()), 4403)

    async def test_a_stranger_with_a_good_ticket_is_refused(self, doors: Doors, shop: Shop, agent_ben: Principal) -> None:
        await closes(doors, doors.agent_url(shop.tenant), agent_token(shop.tenant, agent_ben), 4401)

    async def test_a_disabled_member_is_refused(self, doors: Doors, shop: Shop) -> None:
        gone = await shop.member("agent")
        await run_on_platform(_disable, gone.id)
        await closes(doors, doors.agent_url(shop.tenant), agent_token(shop.tenant, gone), 4401)


class TestDoor:
    @pytest.mark.parametrize(
        "origin",
        [
            "http://evil.example",
            "null",
            "http://widget.localhost",
            "https://{host}",
            "http://{host}.evil.example",
            "http://evil{host}",
            "http://me@{host}",
            "http://{host}/path",
            "http://globex.localhost:{port}",
            "file://",
            "http://[::1",
        ],
    )
    async def test_a_page_of_another_origin_is_refused(
        self, doors: Doors, server: Server, acme: TenantRef, vic: Principal, agent_ben: Principal, origin: str
    ) -> None:
        for url, token in (
            (doors.visitor_url(key_of(acme)), visitor_token(acme, vic)),
            (doors.agent_url(acme), agent_token(acme, agent_ben)),
        ):
            said = origin.format(host=url.split("/")[2], port=server.port)
            with suppress(InvalidStatus):  # daphne refuses the handshake for an Origin that is no address
                await closes(doors, url, token, 4403, origin=said)

    async def test_a_program_that_is_no_browser_names_no_origin(self, doors: Doors, acme: TenantRef, vic: Principal) -> None:
        async with doors.socket(doors.visitor_url(key_of(acme)), origin=None) as socket:
            await socket.hello(visitor_token(acme, vic))

    async def test_an_unknown_key_is_no_site(self, doors: Doors, shop: Shop) -> None:
        for key in ("nosuchkey", "x" * 64, "-_-"):
            await closes(doors, doors.visitor_url(key), visitor_token(shop.tenant, await shop.visitor()), 4404)

    async def test_a_revoked_key_is_no_site(self, doors: Doors, shop: Shop) -> None:
        who = await shop.visitor()
        await run_on_platform(_revoke_keys, shop.tenant)
        await closes(doors, doors.visitor_url(key_of(shop.tenant)), visitor_token(shop.tenant, who), 4404)

    async def test_an_unknown_host_path_or_a_swapped_one_is_no_site(self, doors: Doors, server: Server, acme: TenantRef) -> None:
        for url in (
            f"ws://nobody.{server.base_host}/ws/agent/",
            f"ws://{server.base_host}/ws/agent/",
            f"ws://widget.{server.base_host}/ws/agent/",
            f"ws://acme.{server.base_host}/ws/w/{key_of(acme)}/",
            f"ws://acme.{server.base_host}/ws/",
            f"ws://widget.{server.base_host}/ws/w/{key_of(acme)}",
            f"ws://widget.{server.base_host}/ws/w/%00/",
        ):
            async with doors.socket(url) as socket:
                await socket.expect_close(4404)

    async def test_a_suspended_tenant_is_told_so(self, doors: Doors, suspended: TenantRef) -> None:
        for url in (doors.visitor_url(key_of(suspended)), doors.agent_url(suspended)):
            async with doors.socket(url) as socket:
                await socket.expect_close(4410)

    async def test_the_sixth_socket_of_a_visitor_ends_the_first(
        self, doors: Doors, acme: TenantRef, vic: Principal, room: UUID
    ) -> None:
        async with (
            doors.visitor(acme, vic) as first,
            doors.visitor(acme, vic) as second,
            doors.visitor(acme, vic),
            doors.visitor(acme, vic),
            doors.visitor(acme, vic),
        ):
            await first.settled()
            async with doors.visitor(acme, vic) as sixth:
                await first.expect_close(4409)
                await second.settled()
                await sixth.send(room, "three")


async def closes(doors: Doors, url: str, token: str, code: int, **options: Any) -> None:
    """A hello with this token at this door is answered with a close code and nothing else."""
    async with doors.socket(url, **options) as socket:
        await socket.say("hello", v=1, token=token)
        await socket.expect_close(code)
        assert socket.frames == []


@pytest.fixture
def suspended(make_tenant: MakeTenant) -> TenantRef:
    tenant = make_tenant()
    key_of(tenant)
    Tenant.objects.filter(id=tenant.id).update(status=Tenant.Status.SUSPENDED)
    return ref(Tenant.objects.get(id=tenant.id))


def _disable(user_id: UUID) -> None:
    Membership.objects.filter(user_id=user_id).update(disabled_at=timezone.now())


def _revoke_keys(tenant: TenantRef) -> None:
    EmbedKey.objects.filter(tenant_id=tenant.id).update(revoked_at=timezone.now())


def _second_site_key(tenant: TenantRef) -> str:
    with in_tenant(tenant):
        site = Site.objects.create(name="Second")
    return EmbedKey.objects.create(tenant_id=tenant.id, site_id=site.id, key=uuid4().hex[:24]).key
