"""The database is killed under a running server: what was acknowledged is there, and the conversation goes on by itself."""

import asyncio
import json
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import sql

from saas.up.database import prepare
from saas.up.postgres import EmbeddedPostgres
from tenants.context import TenantRef
from tenants.tokens import Principal
from tests.support.cluster import manage
from tests.support.server import Server, running
from tests.support.sockets import ChatSocket, Doors, Frame, visitor_token
from tests.support.stored import is_gapless
from tests.support.talk import FAR

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(240), pytest.mark.xdist_group("chaos-database")]

SEED = """
import json
from tenants.provisioning import create_tenant
from tests.support.cast import make_user
from tests.support.talk import embed_key, visitor
acme = create_tenant(slug="acme", name="Acme", owner=make_user("ada@acme.example", "Ada"))
who = visitor(acme)
made = {"id": acme.id, "schema": acme.schema, "visitor": who.id, "site": who.site_id, "key": embed_key(acme).key}
print("MADE", json.dumps(made, default=str))
"""
BACK = 45.0  # seconds for the database to recover and the next message to be acknowledged


@dataclass
class Own:
    """A cluster that may be killed, a server on it, and one visitor of it."""

    postgres: EmbeddedPostgres
    superuser: str
    server: Server
    tenant: TenantRef
    vic: Principal
    key: str

    def kill_database(self) -> int:
        """SIGKILL for the server's first process and all its children; the id of the first."""
        first = self._first()
        for pid in (first, *_children(first)):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return first

    async def is_back(self, killed: int) -> None:
        """Wait for another first process that answers."""
        async with asyncio.timeout(BACK):
            while not await asyncio.to_thread(self._answers, killed):
                await asyncio.sleep(0.1)

    def _first(self) -> int:
        return int((self.postgres.cluster / "postmaster.pid").read_text().split()[0])

    def _answers(self, killed: int) -> bool:
        with suppress(OSError, IndexError, ValueError, psycopg.OperationalError):
            if self._first() != killed:
                psycopg.connect(self.superuser, connect_timeout=2).close()
                return True
        return False

    def cids(self, room: UUID) -> list[tuple[int, UUID]]:
        """The seq and cid of what is stored."""
        statement = sql.SQL("SELECT seq, cid FROM {}.chat_message WHERE room_id = %s ORDER BY seq")
        with psycopg.connect(self.superuser) as connection:
            return connection.execute(statement.format(sql.Identifier(self.tenant.schema)), [room]).fetchall()


@pytest.fixture
def own() -> Iterator[Own]:
    folder = Path(tempfile.mkdtemp(prefix="porchlight-killed-"))
    folder.chmod(0o755)  # as root, the server's account must enter it
    postgres = EmbeddedPostgres(folder)
    try:
        with postgres.use() as superuser:
            urls = prepare(superuser, name="killed", secrets_file=folder / "secrets.json")
            both = {"DATABASE_URL": urls.app, "DATABASE_OWNER_URL": urls.owner}
            manage("migrate_tenants", check=True, DATABASE_AS_OWNER="1", **both)
            made = json.loads(manage("shell", "-c", SEED, check=True, **both).stdout.partition("MADE ")[2].splitlines()[0])
            with running("uvicorn", redis_url="", **both) as server:
                yield _own(postgres, superuser.removesuffix("postgres") + "killed", server, made)
        postgres.wait_stopped()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        shutil.rmtree(postgres.home, ignore_errors=True)


def _children(parent: int) -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it has ended meanwhile
            head, _, tail = path.read_text().rpartition(")")
            if int(tail.split()[1]) == parent:
                found.append(int(head.split()[0]))
    return found


def _own(postgres: EmbeddedPostgres, superuser: str, server: Server, made: dict[str, str]) -> Own:
    tenant = TenantRef(UUID(made["id"]), "acme", "Acme", made["schema"], "active")
    vic = Principal(tenant.id, "visitor", UUID(made["visitor"]), "Vic", None, UUID(made["site"]), None, "sid", FAR)
    return Own(postgres, superuser, server, tenant, vic, made["key"])


async def test_nothing_acknowledged_is_lost_and_lines_flow_again(own: Own) -> None:
    doors = Doors(own.server)
    async with doors.socket(doors.visitor_url(own.key)) as writer, doors.socket(doors.visitor_url(own.key)) as reader:
        for socket in (writer, reader):
            await socket.hello(visitor_token(own.tenant, own.vic))
        room = await writer.open()
        await reader.join(room)
        said = asyncio.create_task(say_until_told(writer, room, stop := asyncio.Event()))
        for _ in range(2):
            await reader.expect("msg", seconds=BACK)
            await own.is_back(own.kill_database())
            known = max((one["seq"] for one in writer.came("ack")), default=0)
            await writer.expect_one(partial(_is_ack_after, known + 10), "an ack", seconds=BACK)
        stop.set()
        await answered(writer, await said)
        acked = {UUID(one["cid"]): one["seq"] for one in writer.came("ack", room=str(room)) if one["seq"]}
        await reader.expect("msg", seq=max(acked.values()), seconds=BACK)
        assert own.server.process.poll() is None
    stored = await asyncio.to_thread(own.cids, room)
    assert is_gapless([seq for seq, _cid in stored])
    assert len({cid for _seq, cid in stored}) == len(stored)
    assert acked.items() <= {cid: seq for seq, cid in stored}.items()
    assert [UUID(one["message"]["cid"]) for one in reader.came("msg")] == [cid for _seq, cid in stored]


def _is_ack_after(seq: int, frame: Frame) -> bool:
    return bool(frame["t"] == "ack" and frame["seq"] > seq)


async def say_until_told(socket: ChatSocket, room: UUID, stop: asyncio.Event) -> list[str]:
    """One line after the other, whatever becomes of them; their cids."""
    cids: list[str] = []
    while not stop.is_set():
        cids.append(str(uuid4()))
        await socket.say("send", cid=cids[-1], room=room, text=f"line {len(cids)}")
        await asyncio.sleep(0.06)  # a visitor's limit is 20 a second in the long run
    return cids


async def answered(socket: ChatSocket, cids: list[str]) -> None:
    """Everything said gets an answer: an ack, or a refusal that says to try again."""
    async with asyncio.timeout(BACK):
        while waiting := set(cids) - {one["cid"] for one in socket.frames if one["t"] in {"ack", "err"} and "cid" in one}:
            await asyncio.sleep(0.1)
            assert socket.code is None, f"{len(waiting)} lines were never answered"
    assert {one["code"] for one in socket.came("err")} <= {"busy"}
