"""The widget's own client against the real consumer, on lines that are cut: what people did, what is stored, what each sees.

`widget/client/test/property/` lives the people, `client_checker.py` judges. `CLIENT_SEED` plays a run again, `CLIENT_SEEDS` plays
several, `CLIENT_MESSAGES` and `CLIENT_KILLS` make each longer: `make chaos` plays 10,000 messages and 1,000 kills in eight seeds.
"""

import asyncio
import json
import os
import secrets
import sys
from collections import Counter
from collections.abc import Iterator
from math import ceil
from typing import Final

import pytest

from tenants.context import run_in_tenant, run_on_platform
from tenants.tokens import read_socket_token
from tests.chaos.client_checker import Findings, Frame, judge, stored_of
from tests.support import talk
from tests.support.server import Server, running
from tests.support.shop import Shop
from tests.support.sockets import Doors, agent_token, key_of, visitor_token

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(900), pytest.mark.xdist_group("client-property")]

MESSAGES: Final = int(os.environ.get("CLIENT_MESSAGES", 600))  # of one seed
KILLS: Final = int(os.environ.get("CLIENT_KILLS", 60))
SEEDS: Final = int(os.environ.get("CLIENT_SEEDS", 1))
VISITORS: Final = 4  # each with a room of their own
AGENTS: Final = 3  # each in all rooms
PACE_MS: Final = 100  # between two messages of one person at most: below the pace at which a visitor is slowed down
NETWORKS: Final = {"0": "requests", "1": "now these, now those"}  # by the last digit of a name; the others have sockets
LIVES: Final = 5  # of a client with a defect: a short life may meet no fault that the defect needs


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running() as server:
        yield server


async def plan(shop: Shop, server: Server, *, seed: int, messages: int, kills: int, mutant: str) -> Frame:
    """Who is to say how much, and where. The first visitor and the first agent are behind a wall that lets no socket through, the
    second ones behind one that does now and then."""
    doors, tenant = Doors(server), shop.tenant
    visitors = [await shop.visitor() for _ in range(VISITORS)]
    agents = [shop.owner, *[await shop.member("agent") for _ in range(AGENTS - 1)]]
    rooms = [str(await run_on_platform(talk.room_of, tenant, who)) for who in visitors]
    share = {"messages": ceil(messages / (VISITORS + AGENTS)), "kills": ceil(kills / (VISITORS + AGENTS))}
    of_visitors, of_agents = doors.visitor_url(key_of(tenant)), doors.agent_url(tenant)
    people: list[Frame] = [
        {"name": f"visitor {n}", "url": of_visitors, "token": visitor_token(tenant, who), "rooms": [rooms[n]], **share}
        for n, who in enumerate(visitors)
    ]
    people += [
        {"name": f"agent {n}", "url": of_agents, "token": agent_token(tenant, who), "rooms": rooms, **share}
        for n, who in enumerate(agents)
    ]
    for person in people:
        person["network"] = NETWORKS.get(person["name"][-1], "sockets") if mutant == "none" else "sockets"
    return {"seed": seed, "pace": PACE_MS, "mutant": mutant, "people": people}


async def play(ordered: Frame) -> Frame:
    """Let the people live, in a process of their own; their reports."""
    node = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "saas.up.node", "test/property/main.ts"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        said, complained = await node.communicate(json.dumps(ordered).encode())
    finally:
        if node.returncode is None:
            node.kill()
    assert node.returncode == 0, complained.decode()[-3000:]
    reports: Frame = json.loads(said)
    return reports


async def run(
    shop: Shop, server: Server, *, seed: int, messages: int, kills: int, mutant: str = "none"
) -> tuple[Findings, Frame]:
    """One whole run; what was found, and what happened on the lines."""
    ordered = await plan(shop, server, seed=seed, messages=messages, kills=kills, mutant=mutant)
    result = await play(ordered)
    rooms = sorted({room for person in ordered["people"] for room in person["rooms"]})
    stored = await run_in_tenant(shop.tenant, stored_of, rooms)
    ids = {person["name"]: str(read_socket_token(person["token"], shop.tenant).id) for person in ordered["people"]}
    totals: Counter[str] = Counter()
    for report in result["reports"]:
        totals.update(report["counts"])
        totals.update(one["kind"] for one in report["done"])
    return judge(result, stored, ids), totals


def new_seed() -> int:
    return int(os.environ.get("CLIENT_SEED", 0)) or secrets.randbelow(1_000_000) + 1


@pytest.fixture(scope="module")
def sums() -> Iterator[dict[int, Frame]]:
    """What happened, by seed; said at the end."""
    by_seed: dict[int, Frame] = {}
    yield by_seed
    total: Counter[str] = Counter()
    for one in by_seed.values():
        total.update(one)
    print(f"\nseeds {sorted(by_seed)}: {total['send']} messages, {total['kills']} kills")  # noqa: T201 - `make chaos` shows it


@pytest.mark.parametrize("number", range(SEEDS))
async def test_nothing_is_lost_doubled_or_disordered(shop: Shop, server: Server, sums: dict[int, Frame], number: int) -> None:
    seed = new_seed()
    print(f"CLIENT_SEED={seed} CLIENT_MESSAGES={MESSAGES} CLIENT_KILLS={KILLS}")  # noqa: T201 - shown with a failure
    found, totals = await run(shop, server, seed=seed, messages=MESSAGES, kills=KILLS)
    print(dict(totals))  # noqa: T201
    sums[seed] = totals
    assert not found, str(found)
    assert totals["send"] >= MESSAGES * 0.95
    assert totals["kills"] >= KILLS * 0.9
    assert min(totals[kind] for kind in ("withheld", "doubled", "dropped", "edit", "delete", "react")) > 0
    assert not server.complaints()


@pytest.mark.parametrize("mutant", ["resumes_ahead", "new_cid_each_time", "says_once", "last_first"])
async def test_a_client_with_a_defect_is_found_out(shop: Shop, server: Server, mutant: str) -> None:
    for _ in range(LIVES):
        seed = new_seed()
        print(f"CLIENT_SEED={seed}")  # noqa: T201
        found, totals = await run(shop, server, seed=seed, messages=280, kills=56, mutant=mutant)
        if found:
            return
    raise AssertionError(f"{mutant} went unseen {LIVES} times: {dict(totals)}")
