"""An archive in the place of a tenant that is in use: nothing that was acknowledged is lost, and what fails changes nothing."""

import asyncio
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from uuid import UUID, uuid4

import psycopg
import pytest
from django.db import transaction

from chat.models import Room
from saas.core.database import dsn
from saas.core.errors import Busy
from tenants.context import TenantRef, in_tenant
from tenants.models import User
from tenants.tokens import Principal
from tests.support import talk
from tests.support.api import signed_in
from tests.support.archives import Superuser, back_up, restore, shut
from tests.support.cast import MakeTenant
from tests.support.journals import a_journal, outcome, row
from tests.support.server import Server, running
from tests.support.sockets import ChatSocket, Doors, Frame, NothingCame, key_of, visitor_token
from tests.support.stored import texts
from tests.support.web import Browser

ENOUGH = 25  # lines of each writer, before and after
PACE = 0.06  # seconds between two lines: nobody may write faster for long
PASSING = {"busy"}  # what a writer may hear meanwhile: it keeps its line and sends it again
COME_BACK = {1000, 1012, 4013}  # with which its socket may end: by itself when it is over, or to be opened again


@pytest.fixture
def tenant(make_tenant: MakeTenant) -> TenantRef:
    made = make_tenant()
    key_of(made)
    return made


@pytest.fixture
def people(tenant: TenantRef) -> list[tuple[Principal, UUID]]:
    """Three visitors, each with a room."""
    return people_of(tenant)


@pytest.fixture
def vic(acme: TenantRef) -> tuple[Principal, UUID]:
    """Somebody of a tenant that is not shut, and their room."""
    return people_of(acme)[0]


class Writer:
    """Somebody at a socket who writes line after line, each until it is acknowledged, as the clients of ours do."""

    def __init__(self, doors: Doors, tenant: TenantRef, who: Principal, room: UUID) -> None:
        self.doors, self.tenant, self.who, self.room = doors, tenant, who, room
        self.acked: list[str] = []
        self.heard: set[str] = set()  # codes of refusals
        self.closed: set[int | None] = set()
        self.over = False

    async def write(self) -> None:
        lines = deque([(uuid4(), f"line {number}") for number in range(100_000)])
        while not self.over:
            with suppress(NothingCame):
                async with self.doors.visitor(self.tenant, self.who) as socket:
                    await socket.join(self.room)
                    await self._say(socket, lines)
            self.closed.add(socket.code)

    async def _say(self, socket: ChatSocket, lines: deque[tuple[UUID, str]]) -> None:
        while not self.over:
            cid, text = lines[0]
            await socket.say("send", cid=cid, room=self.room, text=text)
            answer = await socket.expect_one(partial(is_answer, str(cid)), f"an answer to {text}")
            if answer["t"] == "ack":
                lines.popleft()
                self.acked.append(text)
            else:
                self.heard.add(answer["code"])
            await asyncio.sleep(PACE)


def is_answer(cid: str, frame: Frame) -> bool:
    return frame["t"] in {"ack", "err"} and frame.get("cid") == cid


async def enough(writers: list[Writer], lines: int) -> None:
    """Each has so many lines more."""
    wanted = [len(one.acked) + lines for one in writers]
    async with asyncio.timeout(60):
        while any(len(one.acked) < many for one, many in zip(writers, wanted, strict=True)):
            await asyncio.sleep(0.02)


def people_of(tenant: TenantRef) -> list[tuple[Principal, UUID]]:
    who = [talk.visitor(tenant) for _ in range(3)]
    return [(one, talk.room_of(tenant, one)) for one in who]


@pytest.fixture(scope="module")
def server(cast: dict[str, TenantRef]) -> Iterator[Server]:
    with running() as server:
        yield server


async def test_replaced_while_people_write_no_line_that_was_acknowledged_is_lost(
    tenant: TenantRef, people: list[tuple[Principal, UUID]], server: Server, tmp_path: Path
) -> None:
    writers = [Writer(Doors(server), tenant, who, room) for who, room in people]
    async with asyncio.TaskGroup() as running_writers:
        for writer in writers:
            running_writers.create_task(writer.write())
        await enough(writers, ENOUGH)
        made = await asyncio.to_thread(back_up, tenant, tmp_path)
        await enough(writers, ENOUGH)
        done = await asyncio.to_thread(restore, made, "--replace")
        await enough(writers, ENOUGH)
        for writer in writers:
            writer.over = True
    assert done.returncode == 0, done.stderr
    after = {writer.room: await texts(tenant, writer.room) for writer in writers}
    assert (await asyncio.to_thread(restore, made.with_name(f"{made.name}.replaced"), "--replace")).returncode == 0
    for writer in writers:
        before = await texts(tenant, writer.room)
        kept = before + [line for line in after[writer.room] if line not in set(before)]
        assert kept[: len(writer.acked)] == writer.acked  # at most one more, whose acknowledgement was cut off
        assert writer.heard == PASSING
        assert writer.closed <= COME_BACK
    assert server.complaints() == []


class TestShut:
    """What those hear who come meanwhile: come again."""

    async def test_a_message_is_refused_as_busy_and_taken_afterwards(
        self, tenant: TenantRef, people: list[tuple[Principal, UUID]], acme: TenantRef, vic: tuple[Principal, UUID]
    ) -> None:
        (who, room), (other, elsewhere) = people[0], vic
        async with a_journal() as journal:
            assert type(await outcome(journal, tenant, row(room, who, "before"))).__name__ == "Appended"
            with shut(tenant):
                lines = [
                    outcome(journal, tenant, row(room, who, "meanwhile")),
                    outcome(journal, acme, row(elsewhere, other, "hello")),
                ]
                refused, taken = await asyncio.gather(*lines)
            assert isinstance(refused, Busy)
            assert refused.retry_after
            assert type(taken).__name__ == "Appended"
            assert type(await outcome(journal, tenant, row(room, who, "after"))).__name__ == "Appended"
        assert await texts(tenant, room) == ["before", "after"]

    async def test_a_socket_that_comes_is_told_to_come_again(
        self, tenant: TenantRef, people: list[tuple[Principal, UUID]], server: Server
    ) -> None:
        who, doors = people[0][0], Doors(server)
        with shut(tenant):
            async with doors.socket(doors.visitor_url(key_of(tenant))) as socket:
                await socket.say("hello", v=1, token=visitor_token(tenant, who))
                await socket.expect("bye")
                await socket.expect_close(4013)
        async with doors.visitor(tenant, who) as socket:
            assert socket.came("welcome")

    def test_a_program_and_a_page_are_told_when_to_try_again(self, tenant: TenantRef, browser: Browser) -> None:
        owner = User.objects.get(memberships__tenant=tenant.id)
        program, page = signed_in(tenant, owner.email), f"http://{tenant.slug}.localhost:8000/sites/"
        browser.sign_in(page, owner.email)
        with shut(tenant):
            refused, shown = program.get("/rooms"), browser.get(page)
        assert (refused.status_code, refused.json()["error"]["code"]) == (503, "busy")
        assert (shown.status_code, shown.headers["Retry-After"]) == (503, refused.headers["Retry-After"])
        assert "This inbox is being restored" in shown.content.decode()
        assert program.get("/rooms").status_code == browser.get(page).status_code == 200

    def test_who_was_inside_before_reaches_neither_what_was_there_nor_what_is_loaded(
        self, tenant: TenantRef, tmp_path: Path
    ) -> None:
        made = back_up(tenant, tmp_path)
        write = f"UPDATE {tenant.schema}.chat_room SET title = 'mine'"
        with psycopg.connect(dsn(), autocommit=True) as inside:
            inside.execute(f"SET ROLE {tenant.role}")
            inside.execute(write)
            assert restore(made, "--replace").returncode == 0
            with pytest.raises(psycopg.Error):
                inside.execute(write)
            inside.execute(f"SET ROLE {tenant.role}")
            inside.execute(write)

    def test_a_transaction_that_is_under_way_is_waited_for_and_kept(
        self, tenant: TenantRef, tmp_path: Path, superuser: Superuser
    ) -> None:
        made = back_up(tenant, tmp_path)
        _, room = people_of(tenant)[0]
        with ThreadPoolExecutor(1) as thread:
            with in_tenant(tenant), transaction.atomic():
                Room.objects.filter(id=room).update(title="kept")
                running_restore = thread.submit(restore, made, "--replace")
                await_a_lock(superuser, tenant)
            assert running_restore.result().returncode == 0
        assert restore(made.with_name(f"{made.name}.replaced"), "--replace").returncode == 0
        with in_tenant(tenant):
            assert Room.objects.get(id=room).title == "kept"


def await_a_lock(superuser: Superuser, tenant: TenantRef) -> None:
    """Until somebody waits for tables of the tenant."""
    question = (
        "SELECT count(*) FROM pg_locks JOIN pg_class c ON c.oid = relation WHERE NOT granted AND relnamespace = %s::regnamespace"
    )
    end = time.monotonic() + 60
    while superuser.execute(question, [tenant.schema]).fetchone() == (0,):
        assert time.monotonic() < end
