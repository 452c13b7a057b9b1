"""infra/nginx, by Debian's nginx, in front of a real process for pages and a real one for sockets."""

import asyncio
import json
import re
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field

import httpx
import pytest
from websockets.exceptions import InvalidStatus

from chat.realtime.protocol.codes import PING_SECONDS, PONG_SECONDS
from saas.core.server import KEEP_ALIVE_SECONDS
from saas.up.redis import RedisServer
from saas.up.unpacked import NGINX
from tests.infra.fronts import Front, before_an_echo
from tests.support.cluster import manage
from tests.support.nginx import INFRA, Nginx
from tests.support.patience import PATIENCE
from tests.support.secret_paths import secret_paths
from tests.support.server import Server, make_server
from tests.support.shop import Shop
from tests.support.sockets import ChatSocket, key_of, visitor_token

pytestmark = [
    pytest.mark.xdist_group("infra"),
    pytest.mark.skipif(NGINX.find() is None, reason="no nginx; `python -m saas.up.unpacked` fetches Debian's"),
]


@dataclass
class Whole(Front):
    """nginx before a process for pages and one for sockets."""

    web: Server = field(kw_only=True)
    ws: Server = field(kw_only=True)

    @contextmanager
    def process(self, server: Server) -> Iterator[httpx.Client]:
        """Past nginx, to a process itself."""
        address = f"http://127.0.0.1:{server.port}"
        with httpx.Client(base_url=address, headers={"Host": self.base}, timeout=PATIENCE) as client:
            yield client


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory, cast: object) -> Iterator[Whole]:
    data = tmp_path_factory.mktemp("data")
    manage("collectstatic", "--noinput", "--verbosity", "0", DATA_DIR=str(data))
    with RedisServer() as redis_url:
        servers = [make_server(redis_url=redis_url, PORCHLIGHT_SERVES=part, DATA_DIR=str(data)) for part in ("web", "ws")]
        web, ws = servers
        nginx = Nginx(web=[web.port, web.port], ws=[ws.port, ws.port])
        for server in servers:
            server.variables |= {
                "PORCHLIGHT_BASE_HOST": f"localhost:{nginx.tls}",
                "PORCHLIGHT_SCHEME": "https",
                "TRUST_PROXY": "1",
            }
            server.launch()
        try:
            for server in servers:
                server.await_ready()
            with nginx:
                yield Whole(nginx, f"localhost:{nginx.tls}", web=web, ws=ws)
        finally:
            for server in servers:
                server.stop()
                server.log.unlink()


class TestPages:
    def test_plain_http_is_led_to_https(self, front: Whole) -> None:
        address = f"http://127.0.0.1:{front.nginx.plain}/home/?next=x"
        answer = httpx.get(address, headers={"Host": "acme.localhost"}, timeout=PATIENCE)
        assert (answer.status_code, answer.headers["location"]) == (301, "https://acme.localhost/home/?next=x")

    def test_a_page_knows_that_it_came_by_https(self, front: Whole) -> None:
        answer = front.get("/sign-in/")
        assert answer.status_code == 200
        assert answer.headers["strict-transport-security"]
        assert f"wss://{front.base}" in answer.headers["content-security-policy"]
        assert "Secure" in answer.headers["set-cookie"]

    def test_a_host_of_nobody_is_told_so_by_porchlight(self, front: Whole) -> None:
        assert front.get("/", "nobody.").status_code == 404

    def test_what_is_named_by_its_content_is_kept_for_good(self, front: Whole) -> None:
        (path,) = set(re.findall(r'href="(/static/[^"]*\.svg)"', front.get("/sign-in/").text))
        first, second = front.get(path), front.get(path)
        assert [answer.status_code for answer in (first, second)] == [200, 200]
        assert "immutable" in first.headers["cache-control"]
        assert (first.headers["x-cache"], second.headers["x-cache"]) == ("MISS", "HIT")

    def test_the_loader_is_kept_for_minutes_in_each_coding(self, front: Whole) -> None:
        packed = front.get("/porchlight.js", "widget.", headers={"Accept-Encoding": "gzip"})
        plain = front.get("/porchlight.js", "widget.", headers={"Accept-Encoding": "identity"})
        assert (packed.headers.get("content-encoding"), plain.headers.get("content-encoding")) == ("gzip", None)
        assert packed.text == plain.text
        assert packed.headers["cache-control"] == "public, max-age=300"
        assert front.get("/porchlight.js", "widget.", headers={"Accept-Encoding": "gzip"}).headers["x-cache"] == "HIT"

    def test_health_is_nobodys_business_outside(self, front: Whole) -> None:
        assert front.get("/healthz/ready").status_code == 404

    def test_each_process_says_so_where_the_proxy_leads_wrong(self, front: Whole) -> None:
        upgrade = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13"}
        with front.process(front.ws) as ws, front.process(front.web) as web:
            assert ws.get("/sign-in/").status_code == 421
            assert web.get("/ws/agent/", headers=upgrade | {"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}).status_code == 421
            assert [client.get("/healthz/ready").status_code for client in (ws, web)] == [200, 200]


class TestSockets:
    async def test_a_socket_talks_through(self, front: Whole, shop: Shop) -> None:
        who = await shop.visitor()
        room = await shop.room(who, "one")
        async with front.socket(key_of(shop.tenant)) as connection:
            socket = ChatSocket(connection)
            await socket.hello(visitor_token(shop.tenant, who))
            await socket.join(room)
            assert (await socket.send(room, "two"))["seq"] == 2
            await socket.expect("msg", room=str(room), seq=2)

    def test_an_idle_socket_is_not_cut_between_two_pings(self) -> None:
        """What nginx waits for a word from either side; and it lets go of an idle connection before the process does."""
        said = (INFRA / "porchlight/site.conf").read_text().partition("location /ws/")[2].partition("}")[0]
        waits = [int(seconds) for seconds in re.findall(r"proxy_(?:read|send)_timeout (\d+)s", said)]
        assert len(waits) == 2
        assert min(waits) > PING_SECONDS + PONG_SECONDS
        kept = re.search(r"keepalive_timeout (\d+)s", (INFRA / "porchlight/upstreams.conf").read_text())
        assert kept is not None
        assert int(kept[1]) < KEEP_ALIVE_SECONDS


class TestTrust:
    def test_nobody_says_for_themselves_who_they_are(self) -> None:
        claims = {
            "X-Forwarded-For": "203.0.113.9",
            "X-Forwarded-Proto": "http",
            "X-Request-ID": "mine",
            "X-Real-IP": "203.0.113.9",
        }
        with before_an_echo() as front:
            told = front.get("/", headers=claims).json()
        assert (told["x-forwarded-for"], told["x-forwarded-proto"]) == ("127.0.0.1", "https")
        assert re.fullmatch(r"[0-9a-f]{32}", told["x-request-id"])

    def test_a_balancer_that_is_named_says_who_they_are(self) -> None:
        with before_an_echo(**{"#set_real_ip_from 10.0.0.0/16;": "set_real_ip_from 127.0.0.0/8;"}) as front:
            told = front.get("/", headers={"X-Forwarded-For": "198.51.100.1, 203.0.113.9"}).json()
        assert told["x-forwarded-for"] == "203.0.113.9"

    def test_no_log_holds_what_lets_somebody_in(self) -> None:
        secret = "s3cr3t-c0de"
        paths = [f"/sign-in/code/?code={secret}", *secret_paths(secret)]
        headers = {"Referer": f"https://x/?{secret}", "Authorization": f"Bearer {secret}", "Cookie": f"__Host-session={secret}"}
        with before_an_echo() as front:
            for path in paths:
                assert front.get(path, headers=headers).status_code == 200
        with Nginx(web=[1, 1], ws=[1, 1]) as away:
            assert Front(away).get(paths[0], headers=headers).status_code == 502
        logs = [nginx.log(name) for nginx in (front.nginx, away) for name in ("access", "error")]
        said = {json.loads(line)["path"] for line in logs[0].splitlines()}
        assert said == {
            *("/sign-in/code/", "/invitations/***", "/you/email/confirm/***", "/you/password/reset/***"),
            *("/w/1/invitations/***", "/w/~***"),
        }
        assert not [log for log in logs if secret in log]
        assert {json.loads(line)["status"] for line in (logs[0] + logs[2]).splitlines()} == {200, 502}

    def test_a_log_names_the_pages_beside_a_secret(self) -> None:
        """Where people ask for a link is no link."""
        paths = ["/you/password/reset/", "/you/password/reset/sent/", "/you/password/reset/done/", "/w/abc/rooms/invitations"]
        with before_an_echo() as front:
            for path in paths:
                assert front.get(path).status_code == 200
        assert [json.loads(line)["path"] for line in front.nginx.log("access").splitlines()] == paths


class TestLimits:
    def test_a_body_that_nobody_needs_is_refused(self) -> None:
        with before_an_echo() as front, httpx.Client(verify=front.nginx.trust, timeout=PATIENCE) as client:
            sent = [
                client.post(f"https://localhost:{front.nginx.tls}/", content=b"x" * (size << 20)).status_code for size in (2, 4)
            ]
        assert sent == [200, 413]

    def test_a_flood_from_one_address_is_refused(self) -> None:
        changes = {"burst=200": "burst=3", "rate=50r/s": "rate=1r/s"}
        with before_an_echo(**changes) as front, httpx.Client(verify=front.nginx.trust, timeout=PATIENCE) as client:
            statuses = [client.get(f"https://localhost:{front.nginx.tls}/").status_code for _ in range(12)]
        assert statuses[0] == 200
        assert 429 in statuses

    async def test_one_address_holds_no_more_sockets_than_it_may(self, front: Whole, shop: Shop) -> None:
        key = await asyncio.to_thread(key_of, shop.tenant)
        changes = {"limit_conn sockets 300": "limit_conn sockets 2"}
        with Nginx(web=[front.web.port] * 2, ws=[front.ws.port] * 2, changes=changes) as few:
            narrow = Front(few, front.base)
            async with AsyncExitStack() as stack:
                for _ in range(2):
                    await stack.enter_async_context(narrow.socket(key))
                with pytest.raises(InvalidStatus, match="429"):
                    await stack.enter_async_context(narrow.socket(key))
