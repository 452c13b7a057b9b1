"""Peers on node: bare `ws`, socket.io with its Redis adapter, and `ws` with `pg`. Their packages are installed at first use."""

import contextlib
import os
import subprocess
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import psycopg

from bench.load import CannotMeasure, Client, Target
from bench.measure import Side
from bench.processes import server
from bench.services import Services
from saas.up.node import NODE, NPM
from saas.up.processes import free_port

FOLDER = Path(__file__).parent / "node"
INSTALL_SECONDS = 120
WS, SOCKET_IO, WS_PG = "node ws", "socket.io", "node ws + pg"

PG_TABLES = """
    DROP TABLE IF EXISTS message, room;
    CREATE TABLE room (id bigint PRIMARY KEY, last_seq bigint NOT NULL DEFAULT 0);
    CREATE TABLE message (
        room_id bigint NOT NULL REFERENCES room, seq bigint NOT NULL, cid uuid NOT NULL, text text NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (room_id, seq), UNIQUE (room_id, cid)
    );
"""


def ws_clients(rooms: Sequence[object], *, senders: int) -> list[Client]:
    """A socket for each entry of `rooms`, in that room; the first so many write."""
    return [Client(f"/{room}", '{"message": "{text}"}' if number < senders else "") for number, room in enumerate(rooms)]


def pg_clients(rooms: Sequence[object], *, senders: int) -> list[Client]:
    """The same for the peer that stores; its rooms are numbers."""
    message = '{"cid": "{cid}", "text": "{text}"}'
    return [Client(f"/{room}", message if number < senders else "") for number, room in enumerate(rooms)]


def socket_io_clients(rooms: Sequence[object], *, senders: int) -> list[Client]:
    """The same in socket.io's protocol: 40 connects, 42 is an event."""
    message = '42["say",{"message":"{text}"}]'
    path = "/socket.io/?EIO=4&transport=websocket&room={}"
    return [
        Client(path.format(room), message if number < senders else "", [("40", '40{"sid"')]) for number, room in enumerate(rooms)
    ]


@contextlib.contextmanager
def serve_ws(services: Services, *, clients: Sequence[Client]) -> Iterator[Side]:
    """`ws` until the block ends."""
    with _node(services, "ws.mjs", {}) as (port, pid):
        yield Side(_target([port]), clients, [pid])


@contextlib.contextmanager
def serve_socket_io(services: Services, *, clients: Sequence[Client], processes: int = 1) -> Iterator[Side]:
    """socket.io until the block ends, as so many processes."""
    environment = {"REDIS_URL": services.ours["REDIS_URL"]}
    with contextlib.ExitStack() as running:
        started = [running.enter_context(_node(services, "socketio.mjs", environment)) for _ in range(processes)]
        ports, pids = zip(*started, strict=True)
        yield Side(_target(ports), clients, pids, behind=[services.redis_pid])


@contextlib.contextmanager
def serve_ws_pg(services: Services, *, clients: Sequence[Client], rooms: int) -> Iterator[Side]:
    """`ws` with `pg` until the block ends, on empty tables with the rooms 0, 1, ..."""
    url = services.peer["PEER_DATABASE_URL"]
    with psycopg.connect(url) as connection:
        connection.execute(PG_TABLES)
        connection.execute("INSERT INTO room (id) SELECT generate_series(0, %s - 1)", [rooms])
    with _node(services, "ws_pg.mjs", {"DATABASE_URL": url}) as (port, pid):
        yield Side(_target([port], refused='"type":"error"'), clients, [pid], behind=[services.postgres_pid])


@contextlib.contextmanager
def _node(services: Services, program: str, environment: dict[str, str]) -> Iterator[tuple[int, int]]:
    """One of the programs here: its port and its process."""
    if (failure := install()) is not None:
        raise CannotMeasure(failure)
    port = free_port()
    words = [str(NODE), str(FOLDER / program), str(port)]
    with server(words, port=port, environment={"NODE_ENV": "production", **environment}, log=services.folder / "node.log") as pid:
        yield port, pid


def _target(ports: Sequence[int], refused: str = "") -> Target:
    return Target(ports, f"localhost:{ports[0]}", delivered='"type":"message"', refused=refused)


@cache
def install() -> str | None:
    """Bring the packages of package-lock.json into node_modules, unless they are there. Returns why it could not, or None."""
    lock = FOLDER / "package-lock.json"
    kept = FOLDER / "node_modules" / ".package-lock.json"  # npm writes it last
    if kept.exists() and kept.stat().st_mtime >= lock.stat().st_mtime:
        return None
    print("Installing the peers on node ...", flush=True)
    environment = os.environ | {"PATH": os.pathsep.join([str(NODE.parent), os.environ.get("PATH", os.defpath)])}
    try:
        subprocess.run(
            [str(NODE), str(NPM), "ci", "--ignore-scripts"],
            cwd=FOLDER,
            env=environment,
            capture_output=True,
            text=True,
            check=True,
            timeout=INSTALL_SECONDS,
        )
    except subprocess.TimeoutExpired:
        return f"npm did not install the packages within {INSTALL_SECONDS} s"
    except (OSError, subprocess.CalledProcessError) as error:
        return f"npm could not install the packages: {getattr(error, 'stderr', error)!s:.300}"
    return None
