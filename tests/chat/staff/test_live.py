"""The staff's page of live figures: who may see it, what it shows of all processes, and at what cost."""

import json
import os
import threading
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from django.conf import settings as django_settings
from django.contrib.auth.models import Group
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from chat.staff import now as live_now
from saas.core.activity import database_now, redis_now
from saas.core.database import dsn
from saas.core.processes import Myself, all_processes
from saas.up.redis import RedisServer
from tenants.context import TenantRef, in_tenant
from tenants.models import User
from tests.support import talk
from tests.support.cast import MakeTenant, make_user
from tests.support.web import PLATFORM, Browser

HOST = PLATFORM.removeprefix("http://")
MakeProcess = Callable[..., Myself]


@pytest.fixture
def sam() -> User:
    """Staff of the support group, who may look."""
    return staff_of("support")


def staff_of(group: str = "") -> User:
    user = make_user(f"{uuid4().hex[:8]}@staff.example", "Sam")
    User.objects.filter(id=user.id).update(is_staff=True)
    if group:
        user.groups.add(Group.objects.get(name=group))
    return User.objects.get(id=user.id)


def client_of(user: User) -> Client:
    client = Client(headers={"host": HOST})
    client.force_login(user, backend=django_settings.AUTHENTICATION_BACKENDS[0])
    return client


@pytest.fixture
def process() -> Iterator[Callable[..., Myself]]:
    """Makes a process that has just told of itself."""
    made: list[Myself] = []

    def make(kind: str = "all", **figures: Any) -> Myself:
        made.append(Myself(kind))
        made[-1].tell(figures)
        return made[-1]

    yield make
    for one in made:
        one.leave()


class TestWhoMaySeeIt:
    @pytest.mark.parametrize("path", ["/staff/live/", "/staff/live/?part=1", "/staff/live/figures.json"])
    def test_staff_who_may_look(self, sam: User, path: str) -> None:
        assert client_of(sam).get(path).status_code == 200

    @pytest.mark.parametrize("path", ["/staff/live/", "/staff/live/?part=1", "/staff/live/figures.json"])
    def test_not_staff_of_no_group(self, path: str) -> None:
        assert client_of(staff_of()).get(path).status_code == 403

    @pytest.mark.parametrize("path", ["/staff/live/", "/staff/live/figures.json"])
    def test_nor_a_customer(self, ada: User, path: str) -> None:
        answer = client_of(ada).get(path)
        assert answer.status_code == 302
        assert "/staff/login/" in answer["Location"]

    def test_nor_a_tenants_host(self, acme: TenantRef, browser: Browser) -> None:
        assert browser.get(f"http://acme.{HOST}/staff/live/").status_code == 404


class TestWhatItShows:
    def test_all_processes_and_their_sums(self, sam: User, process: MakeProcess, monkeypatch: pytest.MonkeyPatch) -> None:
        mine = {
            process("ws", sockets=1200, rooms=30, messages_rate=12.5, bus="well", pool_pool_size=10, pool_pool_available=4).id,
            process("ws", sockets=800, rooms=20, messages_rate=7.5, bus="down", bus_down=1, lag_ms=310.0).id,
            process("worker").id,
        }
        # servers of other tests tell of themselves, too
        monkeypatch.setattr(live_now, "all_processes", lambda: [one for one in all_processes() if one.id in mine])
        said = client_of(sam).get("/staff/live/figures.json").json()
        assert said["sums"]["sockets"] == 2000
        assert said["sums"]["messages_rate"] == 20.0
        assert said["lag"] >= 310.0
        text = client_of(sam).get("/staff/live/").content.decode()
        assert text.count(f" {os.getpid()}</td>") >= 3
        for shown in ("1,200", "800", "6 of 10", ">down<"):
            assert shown in text

    def test_a_process_that_left_is_not_shown(self, sam: User, process: MakeProcess) -> None:
        gone = process("ws", sockets=5)
        assert str(gone.id) in client_of(sam).get("/staff/live/figures.json").content.decode()
        gone.leave()
        assert str(gone.id) not in client_of(sam).get("/staff/live/figures.json").content.decode()

    def test_the_busiest_tenants_by_name(self, sam: User, process: MakeProcess, make_tenant: MakeTenant) -> None:
        crowded, talking, quiet = make_tenant(), make_tenant(), make_tenant()
        process(busiest=[[4000, str(crowded.id)], [3000, str(talking.id)]])  # others talk more than these few lines
        process(busiest=[[1000, str(crowded.id)]])
        who = talk.visitor(talking)
        talk.room_of(talking, who, "one", "two", "three")
        found = {row.id: (row.sockets, row.messages) for row in live_now.now().tenants}
        assert found[crowded.id] == (5000, 0)
        assert found[talking.id] == (3000, 3)
        assert quiet.id not in found
        text = client_of(sam).get("/staff/live/").content.decode()
        assert f"/staff/money/tenants/{crowded.id}/" in text
        assert crowded.name in text

    def test_what_is_not_well_stands_out(self, sam: User, process: MakeProcess) -> None:
        process("ws", holes=2, lag_ms=10.0)
        text = client_of(sam).get("/staff/live/?part=1").content.decode()
        card = next(part for part in text.split('<div class="card')[1:] if "Layer" in part)
        assert card.startswith(" bad")

    def test_a_process_that_tells_little_is_shown_all_the_same(self, sam: User, process: MakeProcess) -> None:
        process("worker")
        assert client_of(sam).get("/staff/live/").status_code == 200

    def test_the_part_is_no_page(self, sam: User) -> None:
        text = client_of(sam).get("/staff/live/?part=1").content.decode()
        assert "<html" not in text
        assert "data-at=" in text

    def test_more_tenants_are_no_more_queries(self, sam: User, make_tenant: MakeTenant, process: MakeProcess) -> None:
        client = client_of(sam)
        process(busiest=[[1, str(make_tenant().id)]])
        client.get("/staff/live/?part=1")
        with CaptureQueriesContext(connection) as few:
            client.get("/staff/live/?part=1")
        process(busiest=[[n + 1, str(make_tenant().id)] for n in range(5)])
        with CaptureQueriesContext(connection) as more:
            client.get("/staff/live/?part=1")
        assert len(more) == len(few)


class TestTheDatabase:
    def test_it_sees_what_our_own_connections_do(self, acme: TenantRef) -> None:
        with in_tenant(acme), connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            found = database_now()
        assert found is not None
        assert found.most >= 20
        assert found.connections >= 1
        assert {"idle", "active", "idle in transaction"} & {one.state for one in found.sessions}

    def test_it_sees_who_waits_for_a_lock(self, superuser: psycopg.Connection[tuple[object, ...]]) -> None:
        before = database_now()
        assert before is not None
        with psycopg.connect(dsn(), autocommit=True) as waiting, superuser.transaction():
            superuser.execute("SELECT pg_advisory_xact_lock(4711)")
            thread = threading.Thread(target=waiting.execute, args=("SELECT pg_advisory_lock(4711)",))
            thread.start()
            while not (found := database_now()) or found.locked == before.locked:
                pass
            assert found.locked == before.locked + 1
        thread.join()

    def test_of_others_only_that_they_are_there(self, superuser: psycopg.Connection[tuple[object, ...]]) -> None:
        superuser.execute("SELECT 1")
        found = database_now()
        assert found is not None
        assert "not ours" in {one.state for one in found.sessions}

    def test_without_it_the_page_says_so(self, sam: User, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(live_now, "database_now", lambda: None)
        text = client_of(sam).get("/staff/live/").content.decode()
        assert "The database does not answer." in text
        assert client_of(sam).get("/staff/live/figures.json").json()["database"] is None


class TestRedis:
    def test_one_that_answers_tells_of_its_memory_and_clients(self, settings: Settings) -> None:
        with RedisServer() as url:
            settings.REDIS_HOSTS = [url]
            (found,) = redis_now()
        assert (found.error, found.clients >= 1, found.memory > 0) == ("", True, True)
        assert found.policy

    def test_one_that_is_away_is_named_without_its_password(self, settings: Settings, sam: User) -> None:
        settings.REDIS_HOSTS = ["redis://:hunter2@127.0.0.1:1/0"]
        (found,) = redis_now()
        assert (found.host, found.error) == ("127.0.0.1:1", "ConnectionError")
        text = client_of(sam).get("/staff/live/").content.decode()
        assert "127.0.0.1:1" in text
        assert "hunter2" not in text
        assert "hunter2" not in json.dumps(client_of(sam).get("/staff/live/figures.json").json())
