"""A plan that is changed counts on every process at once: the one that hears of it first tells the others."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from chat.services.sites import change_site
from saas.up.redis import RedisServer
from tenants.context import TenantRef
from tests.support import cluster
from tests.support.cast import MakeTenant
from tests.support.pair import PATIENTLY
from tests.support.server import Server, make_server
from tests.support.talk import embed_key

pytestmark = pytest.mark.xdist_group("realtime-plans")

SHOP = "https://shop.example"
LIMIT = "widget_new_site"
TIMES = 4  # new visitors of a site in ten hours, on the plan that everybody has


@dataclass
class House:
    """Two servers with Redis between them, and the plans that both read."""

    servers: list[Server]
    redis_url: str
    plans: Path

    def plan(self, tenant: TenantRef, factor: float) -> None:
        """From now on the tenant has this plan; one process says so, which serves nobody."""
        self.plans.write_text(json.dumps({str(tenant.id): {LIMIT: factor}}))
        said = f"{PATIENTLY}\nfrom tenants.services import announce_change; announce_change('{tenant.id}')"
        cluster.manage("shell", "--no-imports", "-c", said, REDIS_URL=self.redis_url)


@pytest.fixture(scope="module")
def house(cast: dict[str, TenantRef], tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    plans = tmp_path_factory.mktemp("plans") / "plans.json"
    plans.write_text("{}")
    with RedisServer() as url:
        servers = [make_server(redis_url=url, LIMITS=f"{LIMIT}={TIMES}/36000", PLANS=str(plans)) for _ in range(2)]
        for server in servers:
            server.command = ["-m", "tests.support.planned", "--port", "{port}"]
            server.launch()
        try:
            for server in servers:
                server.await_ready()
            yield House(servers, url, plans)
        finally:
            for server in servers:
                server.stop()


def new_visitors(server: Server, tenant: TenantRef, most: int) -> int:
    """How many new visitors the server lets in, until it refuses one."""
    host = f"widget.{server.base_host}"
    headers = {"Host": host, "Origin": f"http://{host}"}
    for count in range(most):
        asked = {"parent": SHOP, "handle": uuid4().hex, "cookies": False}
        path = f"http://127.0.0.1:{server.port}/w/{embed_key(tenant).key}/session"
        answer = httpx.post(path, json=asked, headers=headers, timeout=20)
        if answer.status_code == 429:
            return count
        assert answer.status_code == 200, answer.text
    return most


def test_a_changed_plan_counts_on_every_process_at_once(house: House, make_tenant: MakeTenant) -> None:
    tenant, other = make_tenant(), make_tenant()
    for one in (tenant, other):
        change_site(one, embed_key(one).site_id, allowed_origins=[SHOP])
    left, right = house.servers
    assert [new_visitors(server, tenant, 1) for server in (left, right)] == [1, 1], "both know the plan by now"
    house.plan(tenant, 10.0)
    assert new_visitors(right, tenant, 10) == 10, "half of the time is used up, and what is left is worth ten times as many"
    assert new_visitors(left, tenant, 30) == 10
    assert new_visitors(right, tenant, 30) == 0, "they count together"
    assert new_visitors(right, other, 30) == TIMES, "another tenant's plan is its own"
