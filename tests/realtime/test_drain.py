"""A process that is told to end ends, with or without its database."""

from uuid import UUID

import pytest

from chat.consumers import drain as module
from chat.consumers.drain import drain
from chat.realtime import hub as hubs
from chat.realtime.append import Appended, Row
from chat.realtime.hub import Hub
from chat.realtime.journal import Journal
from chat.realtime.protocol.outgoing import Author
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
    assert hub.loop.time() - began < 3
    assert health.draining
    assert answers == []  # neither stored nor refused: the sender sends it again


async def test_what_waits_is_stored_before_the_end(
    acme: TenantRef, vic: Principal, room: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "draining", False)
    hub = Hub()
    hub.start()
    monkeypatch.setattr(hubs, "_hub", hub)
    answers: list[Done | AppError] = []
    line = Row(room, Author(kind="visitor", id=vic.id, name=vic.name), UUID(int=3), "at last")
    hub.journal.append(acme, line, answers.append)
    await drain()
    assert [one.seq for one in answers if isinstance(one, Appended)] == [3]
