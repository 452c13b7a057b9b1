"""What stands in a log, in both forms, and what never does: a real session is looked through for it."""

import asyncio
import json
import logging
import re
from collections.abc import Iterator
from io import StringIO
from logging.config import DictConfigurator
from typing import Any
from uuid import UUID, uuid4

import httpx
import psycopg
import pytest
import structlog
from django.db import connection
from django.test import RequestFactory
from django.urls import Resolver404
from structlog.contextvars import bound_contextvars

from saas.core import slow
from saas.core.jobs import defer, run_worker, task
from saas.core.logs import clean, logging_config
from saas.core.slow import LINES_PER_SECOND, Slow
from tenants.context import TenantRef, in_tenant
from tenants.models import User
from tenants.tokens import Principal
from tests.contract.conformance.end import ChatSocket
from tests.support import talk
from tests.support.cast import PASSWORD
from tests.support.patience import PATIENCE
from tests.support.secret_paths import parameters, secret_paths
from tests.support.server import Server, running
from tests.support.sockets import Doors, agent_token, key_of, visitor_token
from tests.support.trying import try_again

CANARY = "mellow-yellow-submarine"  # what somebody wrote


class Sheet:
    """A logger of a test's own whose lines are kept, formatted as the process would."""

    def __init__(self, *, as_json: bool) -> None:
        self._out = StringIO()
        handler = logging.StreamHandler(self._out)
        handler.setFormatter(DictConfigurator(logging_config(as_json=as_json)).configure_formatter(_formatter(as_json)))
        self.log = logging.getLogger(f"tests.{uuid4().hex}")
        self.log.handlers, self.log.propagate = [handler], False

    def text(self) -> str:
        return self._out.getvalue()

    def said(self) -> dict[str, Any]:
        """The one line."""
        (line,) = self.text().splitlines()
        found: dict[str, Any] = json.loads(line)
        return found


def _formatter(as_json: bool) -> dict[str, Any]:
    found: dict[str, Any] = logging_config(as_json=as_json)["formatters"]["one"]
    return found


@pytest.fixture
def sheet() -> Sheet:
    return Sheet(as_json=True)


@pytest.fixture
def lines() -> Sheet:
    return Sheet(as_json=False)


class TestForms:
    def test_a_line_of_production_is_one_object(self, sheet: Sheet) -> None:
        sheet.log.warning("it took %d s", 3)
        said = sheet.said()
        assert said["at"].endswith("Z")
        assert (said["level"], said["logger"], said["message"]) == ("warning", sheet.log.name, "it took 3 s")

    def test_what_is_bound_stands_in_it(self, sheet: Sheet, acme: TenantRef) -> None:
        with bound_contextvars(tenant=acme.id, request="r1", connection="c1", job=7):
            sheet.log.info("well")
        said = sheet.said()
        assert (said["tenant"], said["request"], said["connection"], said["job"]) == (str(acme.id), "r1", "c1", 7)

    def test_facts_of_structlog_stand_in_it(self, sheet: Sheet) -> None:
        structlog.stdlib.get_logger(sheet.log.name).warning("slow message", ms=812, room=UUID(int=1))
        said = sheet.said()
        assert (said["message"], said["ms"], said["room"]) == ("slow message", 812, str(UUID(int=1)))

    def test_a_traceback_stays_on_the_line(self, sheet: Sheet) -> None:
        try:
            raise RuntimeError("oh")
        except RuntimeError:
            sheet.log.exception("it failed")
        assert "RuntimeError: oh" in sheet.said()["exception"]

    def test_for_people_it_is_a_plain_line(self, lines: Sheet) -> None:
        with bound_contextvars(request="r1"):
            lines.log.warning("it took %d s", 3)
        assert lines.text().endswith(f" WARNING {lines.log.name}: it took 3 s request=r1\n")


class TestWhatNeverStandsThere:
    def test_addresses_and_tokens(self) -> None:
        token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"
        assert clean(f"ada@acme.example and {token} and sk_test_0123456789abc") == "<e-mail> and <token> and <token>"

    def test_the_values_of_a_row_that_the_database_refused(
        self, sheet: Sheet, superuser: psycopg.Connection[tuple[object, ...]]
    ) -> None:
        superuser.execute("CREATE TEMP TABLE words (word text PRIMARY KEY)")
        superuser.execute("INSERT INTO words VALUES (%s)", [CANARY])
        with pytest.raises(psycopg.errors.UniqueViolation, match=CANARY) as refused:
            superuser.execute("INSERT INTO words VALUES (%s)", [CANARY])
        sheet.log.error("a row was refused: %s", refused.value, exc_info=refused.value)
        assert "words_pkey" in sheet.said()["message"]
        assert "words_pkey" in sheet.said()["exception"]
        assert CANARY not in sheet.text()

    def test_the_path_of_a_request_that_may_be_a_secret_link(self, sheet: Sheet) -> None:
        request = RequestFactory().get(f"/you/password/reset/{CANARY}/")
        sheet.log.warning("Not Found: %s", request.path, extra={"request": request, "status_code": 404})
        assert sheet.said()["message"] == "Not Found: (an address of no page)"

    def test_every_route_whose_path_may_hold_a_secret_is_known(self) -> None:
        """Say of a new one whether it lets somebody in; what does, nginx leaves out by its own list (its log.conf)."""
        assert [each for each in parameters() if not each.is_secret and not each.is_harmless] == []
        assert len(secret_paths(CANARY)) == len({each.route for each in parameters() if each.is_secret}) + 1  # one holds two

    def test_nor_as_a_traceback_has_it(self, sheet: Sheet) -> None:
        request = RequestFactory().get(f"/invitations/{CANARY}/")
        error = Resolver404({"path": f"invitations/{CANARY}/"})
        sheet.log.error("Internal Server Error: %s", request.path, exc_info=error, extra={"request": request})
        assert "Resolver404" in sheet.said()["exception"]
        assert CANARY not in sheet.text()

    def test_the_arguments_of_a_job_that_failed(self, caplog: pytest.LogCaptureFixture, sheet: Sheet) -> None:
        defer(leak, text=CANARY)
        asyncio.run(run_worker(leak.queue, wait=False))
        try_again(leak.queue)
        asyncio.run(run_worker(leak.queue, wait=False))
        theirs = [record for record in caplog.records if record.name.startswith("procrastinate")]
        records = [record for record in theirs if record.levelno >= logging.ERROR]
        assert CANARY in "".join(record.getMessage() for record in records)
        for record in records:
            sheet.log.handle(record)
        assert leak.name in sheet.text()
        assert CANARY not in sheet.text()


@task(queue=f"tests-{uuid4().hex[:8]}", retries=1)
def leak(*, text: str) -> None:
    """A job that fails."""
    raise RuntimeError("it cannot be done")


class TestSlow:
    @pytest.fixture
    def said(self, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []

        class Log:
            def warning(self, event: str, **facts: Any) -> None:
                found.append({"event": event, **facts})

        monkeypatch.setattr(slow, "log", Log())
        return found

    def test_a_flood_is_said_in_a_few_lines(self, said: list[dict[str, Any]]) -> None:
        now = 100.0
        kind = Slow("test", 500, clock=lambda: now)
        for _ in range(50):
            kind.note(0.8, rows=2)
        assert len(said) == LINES_PER_SECOND
        assert said[0] == {"event": "slow test", "ms": 800, "rows": 2}
        now = 101.0
        kind.note(0.9)
        assert said[-1] == {"event": "slow test", "ms": 900, "not_said": 50 - LINES_PER_SECOND}

    def test_without_a_limit_nothing_is_slow(self) -> None:
        assert Slow("test", 0).limit == float("inf")

    def test_a_slow_query_is_named_without_its_values(
        self, said: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch, acme: TenantRef
    ) -> None:
        with in_tenant(acme), connection.cursor() as cursor:
            monkeypatch.setattr(slow.QUERY, "limit", PATIENCE)
            cursor.execute("SELECT 1")
            monkeypatch.setattr(slow.QUERY, "limit", 0.05)
            cursor.execute("SELECT pg_sleep(0.06),\n   %s", [CANARY])
            monkeypatch.setattr(slow.QUERY, "limit", PATIENCE)
        (one,) = said
        assert (one["event"], one["schema"], one["statement"]) == ("slow query", acme.schema, "SELECT pg_sleep(0.06), %s")


@pytest.fixture(scope="module")
def server(cast: dict[str, TenantRef]) -> Iterator[Server]:
    """A server as in production, to which everything is slow, so that it has much to say."""
    with running("uvicorn", LOG_FORMAT="json", SLOW_MESSAGE_MS="1", SLOW_QUERY_MS="1", SLOW_REQUEST_MS="1") as server:
        yield server


def records(server: Server) -> list[dict[str, Any]]:
    """Each line of its log that is whole, every one of which is an object."""
    return [json.loads(line) for line in server.said().rpartition("\n")[0].splitlines()]


@pytest.fixture
def vic(acme: TenantRef) -> Principal:
    key_of(acme)
    return talk.visitor(acme)


@pytest.fixture
def agent_ben(acme: TenantRef, ben: User) -> Principal:
    return talk.agent(acme, ben)


@pytest.fixture
def room(acme: TenantRef, vic: Principal) -> UUID:
    return talk.room_of(acme, vic)


class TestARealSession:
    async def test_the_log_names_whom_it_is_about_and_tells_nothing_they_said(
        self, server: Server, acme: TenantRef, vic: Principal, agent_ben: Principal, room: UUID
    ) -> None:
        doors, tokens = Doors(server), (visitor_token(acme, vic), agent_token(acme, agent_ben))
        async with doors.agent(acme, agent_ben) as inbox, doors.visitor(acme, vic) as widget:
            await inbox.join(room)
            await widget.join(room)
            for number in range(5):
                await widget.send(room, f"{CANARY} {number} ada@acme.example")
            await widget.say("send", room="nonsense", text=CANARY)
            await widget.expect("err")
            await widget.say("send", cid=uuid4(), room=uuid4(), text=CANARY)
            await widget.expect("err")
            await inbox.say("page", url=f"https://shop.example/{CANARY}", title=CANARY)
            await inbox.expect("err")
            await self._until_a_query_names_its_connection(server, acme, widget)
        async with doors.socket(doors.visitor_url(key_of(acme))) as stranger:
            await stranger.say("hello", v=1, token=f"{tokens[0]}x")
            await stranger.expect_close(4401)
        await self._ask(server)
        self._look_through(server, tokens, acme)

    async def _until_a_query_names_its_connection(self, server: Server, acme: TenantRef, widget: ChatSocket) -> None:
        """Only the first ones of a second are said: of a busy one, perhaps those that belong to no connection."""
        async with asyncio.timeout(PATIENCE):
            while not any(_names_its_connection(one, acme) for one in records(server)):
                await widget.say("page", url=f"https://shop.example/{CANARY}", title=CANARY)
                await asyncio.sleep(0.7)

    async def _ask(self, server: Server) -> None:
        base = f"http://127.0.0.1:{server.port}"
        async with httpx.AsyncClient(timeout=PATIENCE) as web:
            host = {"host": f"acme.{server.base_host}"}
            body = {"email": "ben@acme.example", "password": PASSWORD}
            found = await web.post(f"{base}/api/v1/auth/token", json=body, headers=host)
            token = found.json()["access"]
            await web.get(f"{base}/api/v1/rooms", headers=host | {"authorization": f"Bearer {token}"})
            await web.get(f"{base}/api/v1/rooms", headers=host | {"authorization": f"Bearer {token}x"})
            for path in secret_paths(CANARY):
                for at in (server.base_host, f"widget.{server.base_host}"):
                    await web.get(f"{base}{path}", headers={"host": at})
            await web.get(f"{base}/nothing/{CANARY}/", headers={"host": server.base_host})
            await web.post(f"{base}/sign-up/", data={"email": "new@acme.example"}, headers={"host": server.base_host})

    def _look_through(self, server: Server, tokens: tuple[str, ...], acme: TenantRef) -> None:
        said = records(server)
        text = server.said()
        assert {"slow message", "slow query", "slow request"} <= {one["message"] for one in said}
        for secret in (CANARY, "@acme.example", PASSWORD, "eyJ", *tokens):
            assert secret not in text, secret
        message = next(one for one in said if one["message"] == "slow message")
        assert message["tenant"] == str(acme.id)
        request = next(one for one in said if one["message"] == "slow request" and one["route"] == "/api/v1/rooms")
        assert (request["tenant"], request["method"], request["status"]) == (str(acme.id), "GET", 200)
        assert re.fullmatch(r"[0-9a-f]{8}-\d+", request["request"])
        assert any(_names_its_connection(one, acme) for one in said)


def _names_its_connection(one: dict[str, Any], acme: TenantRef) -> bool:
    return one["message"] == "slow query" and "connection" in one and one.get("tenant") == str(acme.id)
