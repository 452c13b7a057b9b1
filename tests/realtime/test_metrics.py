"""What a server tells Prometheus of a session: sockets, messages, the way between two processes; and never whose they were."""

import asyncio
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from uuid import UUID, uuid4

import httpx
import psycopg
import pytest
from prometheus_client.parser import text_string_to_metric_families

from saas.core import slow
from saas.core.metrics import REGISTRY
from saas.core.processes import all_processes
from saas.core.watch import LOOK_SECONDS
from saas.up.redis import RedisServer
from tenants.context import TenantRef, run_on_platform
from tenants.tokens import Principal
from tests.support.journals import a_journal, lock_of, row
from tests.support.server import Server, lasting_port, make_server
from tests.support.sockets import Doors, key_of

pytestmark = pytest.mark.xdist_group("realtime-redis")

PATIENCE = 4 * LOOK_SECONDS  # levels are looked at every few seconds


@dataclass
class Told:
    """A server, and what it tells at its private port."""

    server: Server
    port: int

    @property
    def text(self) -> str:
        return httpx.get(f"http://127.0.0.1:{self.port}/metrics", timeout=60).text

    def value(self, name: str, **labels: str) -> float:
        """Of one series; 0 if there is none."""
        families = text_string_to_metric_families(self.text)
        found = [one.value for family in families for one in family.samples if one.name == name and one.labels == labels]
        return found[0] if found else 0.0

    async def until(self, name: str, fits: Callable[[float], bool], **labels: str) -> None:
        """Wait for the series to be so."""
        async with asyncio.timeout(PATIENCE):
            while not fits(await asyncio.to_thread(lambda: self.value(name, **labels))):
                await asyncio.sleep(0.1)


@pytest.fixture(scope="module")
def pair(cast: dict[str, TenantRef]) -> Iterator[tuple[Told, Told]]:
    """Two servers and the Redis between them."""
    ports = lasting_port(), lasting_port()
    with RedisServer() as url:
        left, right = (Told(make_server(redis_url=url, METRICS_PORT=str(port)).launch(), port) for port in ports)
        try:
            for told in (left, right):
                told.server.await_ready()
            yield left, right
        finally:
            for told in (left, right):
                told.server.stop()


async def test_sockets_are_counted_as_they_come_and_go(pair: tuple[Told, Told], acme: TenantRef, vic: Principal) -> None:
    left, doors = pair[0], Doors(pair[0].server)
    key_of(acme)
    welcomed = left.value("porchlight_socket_accepts_total", result="welcomed")
    async with doors.visitor(acme, vic):
        assert left.value("porchlight_socket_accepts_total", result="welcomed") == welcomed + 1
        assert left.value("porchlight_socket_welcome_seconds_count") == welcomed + 1
        await left.until("porchlight_sockets", lambda count: count == 1)
        await left.until("porchlight_tenants", lambda count: count == 1)
    await left.until("porchlight_sockets", lambda count: count == 0)
    assert left.value("porchlight_socket_closes_total", code="1000") >= 1


@pytest.mark.parametrize(
    ("token", "result", "code"), [("nonsense", "refused", "4401"), (None, "refused", "4400")], ids=["no token", "no hello"]
)
async def test_who_may_not_come_in_is_counted_with_the_code(
    pair: tuple[Told, Told], acme: TenantRef, token: str | None, result: str, code: str
) -> None:
    left, doors = pair[0], Doors(pair[0].server)
    before = left.value("porchlight_socket_accepts_total", result=result), left.value("porchlight_socket_closes_total", code=code)
    async with doors.socket(doors.visitor_url(key_of(acme))) as socket:
        if token is None:
            for _ in range(3):
                await socket.say_text("{")
        else:
            await socket.say("hello", v=1, token=token)
        await socket.expect_close(int(code))
    after = left.value("porchlight_socket_accepts_total", result=result), left.value("porchlight_socket_closes_total", code=code)
    assert after == (before[0] + 1, before[1] + 1)


async def test_a_message_is_timed_on_both_ways(
    pair: tuple[Told, Told], acme: TenantRef, vic: Principal, agent_ben: Principal, room: UUID
) -> None:
    left, right = pair
    here, there = Doors(left.server), Doors(right.server)
    async with here.visitor(acme, vic) as widget, there.agent(acme, agent_ben) as inbox:
        await widget.join(room)
        await inbox.join(room)
        await left.until("porchlight_bus_others", lambda count: count == 1)
        before = [left.value("porchlight_append_seconds_count"), left.value("porchlight_messages_total")]
        at_home, over = (
            left.value("porchlight_deliver_seconds_count", way="here"),
            right.value("porchlight_deliver_seconds_count", way="bus"),
        )
        for number in range(10):
            await widget.send(room, f"line {number}")
        await inbox.expect("msg", room=str(room), seq=12)
        assert left.value("porchlight_append_seconds_count") == before[0] + 10
        assert left.value("porchlight_messages_total") == before[1] + 10
        assert left.value("porchlight_deliver_seconds_count", way="here") == at_home + 10
        assert right.value("porchlight_deliver_seconds_count", way="bus") == over + 10
        assert left.value("porchlight_journal_flush_seconds_count") >= 1
        assert left.value("porchlight_bus_publish_total", result="sent") >= 10
        assert right.value("porchlight_bus_heard_total") >= 10
        for told in pair:  # in time: the sums of ten lines
            assert told.value("porchlight_deliver_seconds_sum", way="here") < 60


async def test_who_comes_back_is_counted_by_how_they_go_on(
    pair: tuple[Told, Told], acme: TenantRef, vic: Principal, room: UUID
) -> None:
    left, doors = pair[0], Doors(pair[0].server)
    async with doors.visitor(acme, vic) as widget:
        joined = await widget.join(room)
        whole, anew = (left.value("porchlight_resumes_total", result=result) for result in ("whole", "anew"))
        await widget.join(room, epoch=joined["epoch"], after=1)
        await widget.join(room, epoch=str(uuid4()), after=1)
        assert left.value("porchlight_resumes_total", result="whole") == whole + 1
        assert left.value("porchlight_resumes_total", result="anew") == anew + 1
        assert left.value("porchlight_resume_gap_messages_count") >= 1


async def test_no_name_and_no_id_of_anybody_is_told(pair: tuple[Told, Told], acme: TenantRef, vic: Principal, room: UUID) -> None:
    left, doors = pair[0], Doors(pair[0].server)
    async with doors.visitor(acme, vic) as widget:
        await widget.join(room)
        await widget.send(room, "a canary sings")
        await left.until("porchlight_sockets", lambda count: count == 1)
        text = left.text
    for secret in (acme.slug, str(acme.id), acme.id.hex, str(room), str(vic.id), vic.name, "canary", key_of(acme)):
        assert secret not in text
    assert not re.search(r"[0-9a-f]{8}-[0-9a-f]{4}", text)


async def test_both_stand_in_the_list_of_processes(pair: tuple[Told, Told]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not {told.server.process.pid for told in pair} <= {one.pid for one in await run_on_platform(all_processes)}:
            await asyncio.sleep(0.1)


class TestInThisProcess:
    async def test_a_row_that_waits_for_a_room_is_a_slow_append(
        self,
        acme: TenantRef,
        vic: Principal,
        room: UUID,
        superuser: psycopg.Connection[tuple[object, ...]],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        said: list[dict[str, object]] = []
        monkeypatch.setattr(slow.MESSAGE, "limit", 0.2)
        monkeypatch.setattr(slow.MESSAGE, "note", lambda seconds, **facts: said.append({"seconds": seconds, **facts}))
        before = appends("0.25"), appends("+Inf")
        async with a_journal() as journal:
            with superuser.transaction():
                superuser.execute(lock_of(acme), [room])
                waiting = asyncio.create_task(journal.put(acme, row(room, vic, "late")))
                await asyncio.sleep(0.3)
            await waiting
            monkeypatch.setattr(slow.MESSAGE, "limit", 60.0)
            await journal.put(acme, row(room, vic, "in time"))
        (one,) = said
        assert (one["step"], one["tenant"], one["room"], one["rows"]) == ("append", acme.id, room, 1)
        assert 0.25 <= float(str(one["seconds"])) < 60
        assert appends("+Inf") == before[1] + 2
        assert appends("0.25") - before[0] <= 1, "the late one was not so fast"


def appends(most: str) -> float:
    """How many rows were stored in this process in so many seconds."""
    return REGISTRY.get_sample_value("porchlight_append_seconds_bucket", {"le": most}) or 0.0
