"""A neighbour's latency beside a tenant that floods: one server, in one run, alone and then beside the flood.

`measure(services)` gives the numbers; `python -m bench.noisy flood ...` is the child process that floods.
"""

import asyncio
import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import websockets
from websockets.asyncio.client import ClientConnection, connect

from bench import ours
from bench.services import Services
from chat.realtime.protocol.codes import SUBPROTOCOL

QUOTA = 200  # messages of a tenant in a second; the flood says `TIMES` as many
TIMES = 20
LIMITS = f"chat.send.tenant={QUOTA * 10}/10 chat.send.ip=1000000/10 chat.history.tenant=500/10 chat.hello.tenant=500/10"
FLOODERS = 20  # sockets
PACE = 50.0  # messages of the neighbour in a second
SECONDS = 12.0  # of each part

Numbers = dict[str, float]


def measure(services: Services, seconds: float = SECONDS) -> Numbers:
    """p50 and p99 in ms from a send to its `ack`, of the neighbour `alone` and `beside` the flood, the server's `cpu` meanwhile
    in percent of a core, and the `errors` that the neighbour heard."""
    orders = [{"slug": f"{name}-{uuid4().hex[:6]}", "visitors": FLOODERS, "support": FLOODERS} for name in ("noisy", "quiet")]
    noisy, quiet = ours.Tenant.seeded(services, orders)
    limited = replace(services, ours=services.ours | {"LIMITS": LIMITS})
    with ours.serve(limited) as side:
        used = partial(_cpu, side.pids[0])
        asyncio.run(_talk(side.target.ports[0], quiet, 2.0))  # warm
        before, began = used(), time.perf_counter()
        alone, errors = asyncio.run(_talk(side.target.ports[0], quiet, seconds))
        cpu_alone = (used() - before) / (time.perf_counter() - began) * 100
        with _flood(side.target.ports[0], noisy):
            time.sleep(2.0)  # until all of it is under way
            before, began = used(), time.perf_counter()
            beside, more = asyncio.run(_talk(side.target.ports[0], quiet, seconds))
            cpu_beside = (used() - before) / (time.perf_counter() - began) * 100
    parts = {"alone": alone, "beside": beside}
    found = {f"{name}_p{at}": _percentile(took, at) for name, took in parts.items() for at in (50, 99)}
    found |= {"alone_cpu": cpu_alone, "beside_cpu": cpu_beside}
    return {**found, "p99_ratio": found["beside_p99"] / found["alone_p99"], "errors": float(errors + more)}


@contextlib.contextmanager
def _flood(port: int, tenant: ours.Tenant) -> Iterator[None]:
    people = [[who["token"], room["id"]] for who, room in zip(tenant.visitors, tenant.support, strict=True)]
    words = [sys.executable, "-m", "bench.noisy", "flood", str(port), tenant.embed_key, json.dumps(people)]
    child = subprocess.Popen(words)
    _apart(child.pid)
    try:
        yield
    finally:
        child.terminate()
        child.wait()


@contextlib.asynccontextmanager
async def _joined(port: int, key: str, token: str, room: str) -> Any:
    """A visitor's socket in its room."""
    host = f"widget.localhost:{port}"
    options: dict[str, Any] = {"origin": f"http://{host}", "subprotocols": [SUBPROTOCOL], "ping_interval": None, "proxy": None}
    async with connect(f"ws://{host}/ws/w/{key}/", host="127.0.0.1", port=port, **options) as socket:
        await socket.send(json.dumps({"t": "hello", "v": 1, "token": token}))
        await socket.send(json.dumps({"t": "join", "ref": 1, "room": room}))
        async for text in socket:
            if '"t":"joined"' in str(text):
                break
        yield socket


async def _talk(port: int, tenant: ours.Tenant, seconds: float) -> tuple[list[float], int]:
    """The neighbour says `PACE` lines a second, from several sockets in turn: seconds until each `ack`, and errors heard."""
    async with contextlib.AsyncExitStack() as stack:
        people = [
            (await stack.enter_async_context(_joined(port, tenant.embed_key, who["token"], room["id"])), room["id"])
            for who, room in zip(tenant.visitors, tenant.support, strict=True)
        ]
        sent: dict[str, float] = {}
        took: list[float] = []
        errors: list[str] = []
        readers = [asyncio.create_task(_read(socket, sent, took, errors)) for socket, _ in people]
        began = time.perf_counter()
        for number in range(int(seconds * PACE)):
            await asyncio.sleep(max(0.0, began + number / PACE - time.perf_counter()))
            socket, room = people[number % len(people)]
            cid = str(uuid4())
            sent[cid] = time.perf_counter()
            await socket.send(json.dumps({"t": "send", "cid": cid, "room": room, "text": "a line of the neighbour's"}))
        await asyncio.sleep(1.0)
        for reader in readers:
            reader.cancel()
    return took, len(errors)


async def _read(socket: ClientConnection, sent: dict[str, float], took: list[float], errors: list[str]) -> None:
    async for text in socket:
        frame = json.loads(text)
        if frame["t"] == "ack":
            took.append(time.perf_counter() - sent[frame["cid"]])
        elif frame["t"] == "err":
            errors.append(frame["code"])


def _apart(pid: int) -> None:
    """The flood has the last core, and what is left of its time: what is measured is the server's sharing, not the kernel's."""
    os.sched_setaffinity(pid, {max(os.sched_getaffinity(0))})
    os.setpriority(os.PRIO_PROCESS, pid, 19)


def _cpu(pid: int) -> float:
    """Seconds of CPU that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _percentile(took: list[float], at: int) -> float:
    return sorted(took)[min(len(took) - 1, len(took) * at // 100)] * 1000


async def flood(port: int, key: str, people: list[tuple[str, str]]) -> None:
    """Until it is ended: `TIMES` the quota of messages, a read of history for each tenth, and sockets that come and go."""
    await asyncio.gather(*(_flood_one(port, key, token, room) for token, room in people), _come_and_go(port, key, *people[0]))


async def _flood_one(port: int, key: str, token: str, room: str) -> None:
    pace = QUOTA * TIMES / FLOODERS
    async with _joined(port, key, token, room) as socket:
        reader = asyncio.create_task(_drop(socket))
        began, number = time.perf_counter(), 0
        while not reader.done():
            await asyncio.sleep(max(0.0, began + number / pace - time.perf_counter()))
            await socket.send(json.dumps({"t": "send", "cid": str(uuid4()), "room": room, "text": "noise"}))
            if number % 10 == 0:
                await socket.send(json.dumps({"t": "history", "ref": number, "room": room, "before": 9}))
            number += 1


async def _drop(socket: ClientConnection) -> None:
    async for _ in socket:
        pass


async def _come_and_go(port: int, key: str, token: str, room: str) -> None:
    while True:
        with contextlib.suppress(OSError, websockets.WebSocketException, TimeoutError):
            async with asyncio.timeout(2), _joined(port, key, token, room):
                pass


if __name__ == "__main__":
    asyncio.run(flood(int(sys.argv[2]), sys.argv[3], json.loads(sys.argv[4])))
