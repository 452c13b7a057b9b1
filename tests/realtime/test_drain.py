"""A process that is told to end ends, with or without its database, and brings its people back one after the other."""

import asyncio
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest

from chat.consumers import drain as module
from chat.consumers.drain import BATCH_SECONDS, BATCHES, Return, drain, return_of
from chat.consumers.socket import ChatSocket
from chat.realtime import hub as hubs
from chat.realtime.append import Appended, Row
from chat.realtime.groups import PROCESSES
from chat.realtime.hub import Hub
from chat.realtime.journal import Journal
from chat.realtime.local import RETURNS_PER_SECOND
from chat.realtime.protocol.codes import Close
from chat.realtime.protocol.outgoing import Author, Bye
from chat.realtime.waiting import Done
from saas.core import health
from saas.core.errors import AppError
from tenants.context import TenantRef
from tenants.tokens import Principal

NO_DATABASE = "host=127.0.0.1 port=1 dbname=none user=none"


async def test_a_drain_does_not_wait_for_a_database_that_is_away(
    acme: TenantRef, vic: Principal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FLUSH_SECONDS", 0.2)
    monkeypatch.setattr(health, "draining", False)  # put back afterwards
    hub = Hub()
    hub.journal = Journal(NO_DATABASE, lambda _stored: None)
    hub.start()
    monkeypatch.setattr(hubs, "_hub", hub)
    answers: list[Done | AppError] = []
    line = Row(UUID(int=1), Author(kind="visitor", id=vic.id, name=vic.name), UUID(int=2), "nowhere")
    hub.journal.append(acme, line, answers.append)
    began = hub.loop.time()
    await drain()
    assert hub.loop.time() - began < 8
    assert health.draining
    assert answers == []  # neither stored nor refused: the sender sends it again


async def test_what_waits_is_stored_before_the_end(
    acme: TenantRef, vic: Principal, room: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FLUSH_SECONDS", 30.0)
    monkeypatch.setattr(health, "draining", False)
    hub = Hub()
    hub.start()
    monkeypatch.setattr(hubs, "_hub", hub)
    answers: list[Done | AppError] = []
    line = Row(room, Author(kind="visitor", id=vic.id, name=vic.name), UUID(int=3), "at last")
    hub.journal.append(acme, line, answers.append)
    await drain()
    assert [one.seq for one in answers if isinstance(one, Appended)] == [3]


class TestWhenTheyComeBack:
    @pytest.fixture(autouse=True)
    def even(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Chance is even: 0, 0.001, 0.002, and so on, and again from 0 after 0.999."""
        thousandths = (n % 1000 / 1000 for n in range(1_000_000))
        monkeypatch.setattr("random.random", lambda: next(thousandths))

    def test_nobody_before_the_next_process_serves_where_there_is_no_other(self) -> None:
        plan = return_of(10, alone=True, starts_in=4.0)
        assert min(plan.after() for _ in range(1000)) >= (BATCHES * BATCH_SECONDS + 4.0) * 1000

    def test_who_is_let_go_later_waits_less(self) -> None:
        plan = Return(soonest=5.0, spread=0.0)
        assert (plan.after(), plan.after(1.9), plan.after(6.0)) == (5_000, 3_100, 0)

    def test_the_first_at_once_where_others_serve(self) -> None:
        assert return_of(10, alone=False, starts_in=4.0).after() == 0

    def test_a_crowd_comes_no_faster_than_it_is_welcomed_and_within_half_a_minute(self) -> None:
        plan = return_of(10_000, alone=True, starts_in=2.0)
        back = sorted(plan.after() for _ in range(10_000))
        assert back[-1] < 25_000
        most = max(sum(start <= at < start + 1_000 for at in back) for start in range(0, back[-1], 1_000))
        assert most <= RETURNS_PER_SECOND * 1.05

    def test_a_start_that_took_for_ever_keeps_nobody_away_for_ever(self) -> None:
        assert return_of(1, alone=True, starts_in=500.0).after() < 30_000


async def test_each_socket_hears_when_to_come_back_before_it_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[int, Any]] = []
    many = 2 * BATCHES

    def socket(number: int) -> Any:
        session = SimpleNamespace(send=lambda frame: told.append((number, frame)))
        return SimpleNamespace(session=session, end=lambda code: told.append((number, code)))

    monkeypatch.setattr(health, "draining", False)  # put back afterwards
    monkeypatch.setattr(module, "BATCH_SECONDS", 0.0)
    monkeypatch.setattr(hubs, "_hub", None)
    monkeypatch.setattr(ChatSocket, "open_sockets", [socket(number) for number in range(many)])
    await drain(starts_in=1.0)
    byes, ends = told[:many], told[many:]
    assert {number for number, _ in byes} == {number for number, _ in ends} == set(range(many))
    assert all(isinstance(frame, Bye) and frame.code == Close.RESTART and frame.after >= 1_000 for _, frame in byes)
    assert {code for _, code in ends} == {Close.RESTART}


@pytest.mark.parametrize("loop", ["one", "another"])
def test_who_is_told_twice_to_drain_says_goodbye_once(monkeypatch: pytest.MonkeyPatch, loop: str) -> None:
    """By the load balancer, and by SIGTERM while it still does; in any loop of the process."""
    byes: list[Any] = []
    sockets: list[Any] = []

    def socket() -> Any:
        return SimpleNamespace(session=SimpleNamespace(send=byes.append), end=lambda _code: sockets.pop())

    sockets += [socket(), socket()]  # in a batch each
    monkeypatch.setattr(health, "draining", False)  # put back afterwards
    monkeypatch.setattr(module, "BATCH_SECONDS", 0.01)
    monkeypatch.setattr(hubs, "_hub", None)
    monkeypatch.setattr(ChatSocket, "open_sockets", sockets)

    async def twice() -> None:
        await asyncio.gather(drain(), drain())

    asyncio.run(twice())
    assert len(byes) == 2, f"in {loop} loop"


async def test_who_serves_only_pages_is_nobody_to_go_to() -> None:
    others = Hub().others
    others.hear(PROCESSES, "pages", [{"k": "beat", "serves": "web"}])
    assert (others.many, others.take_sockets) == (1, False)
    others.hear(PROCESSES, "sockets", [{"k": "met", "process": "us", "serves": "ws"}])
    assert (others.many, others.take_sockets) == (2, True)
    others.hear(PROCESSES, "sockets", [{"k": "bye"}])
    assert not others.take_sockets
