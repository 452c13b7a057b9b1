"""Notifications on the wire: pushed to every open tab after the commit, seen on one tab for all."""

import asyncio
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from chat.notifications import a_send_notification, unseen_of
from chat.realtime import hub as hubs
from chat.realtime.hub import Hub
from tenants.context import run_in_tenant, run_on_platform
from tests.support.notices import WORDS, crowd, first_site, unseen_by
from tests.support.patience import PATIENCE
from tests.support.sessions import session_of, someone
from tests.support.shop import Shop
from tests.support.sockets import Doors, agent_token


class TestWelcome:
    async def test_the_newest_twenty_and_the_number_of_all(self, doors: Doors, shop: Shop) -> None:
        for n in range(23):
            await a_send_notification(shop.tenant, [shop.owner.id], **WORDS | {"title": f"News {n}"})
        async with doors.socket(doors.agent_url(shop.tenant)) as inbox:
            welcome = await inbox.hello(agent_token(shop.tenant, shop.owner))
        assert welcome["unread"] == 23
        assert [one["title"] for one in welcome["notices"]] == [f"News {n}" for n in range(22, 2, -1)]

    async def test_a_visitor_has_some_too(self, doors: Doors, shop: Shop) -> None:
        vic = await shop.visitor()
        await a_send_notification(shop.tenant, [vic.id], **WORDS | {"category": "messages"})
        async with doors.visitor(shop.tenant, vic) as widget:
            welcome = widget.came("welcome")[0]
            assert (welcome["unread"], welcome["notices"][0]["title"]) == (1, "Something new")
            await widget.say("seen", notification=welcome["notices"][0]["id"])
            await widget.expect("seen", notification=welcome["notices"][0]["id"], unread=0)


class TestSeen:
    async def test_all_tabs_of_the_person_hear_what_one_has_seen(self, doors: Doors, shop: Shop) -> None:
        second = await shop.member("agent")
        for n in range(3):
            await a_send_notification(shop.tenant, [shop.owner.id, second.id], **WORDS | {"title": f"News {n}"})
        async with (
            doors.agent(shop.tenant, shop.owner) as here,
            doors.agent(shop.tenant, shop.owner) as there,
            doors.agent(shop.tenant, second) as other,
        ):
            first = here.came("welcome")[0]["notices"][0]["id"]
            await here.say("seen", notification=first)
            for tab in (here, there):
                await tab.expect("seen", notification=first, unread=2)
            await there.say("seen", all=True)
            for tab in (here, there):
                assert "notification" not in await tab.expect("seen", all=True, unread=0)
            await other.settled()
            assert other.came("seen") == []

    async def test_what_was_seen_before_or_is_not_mine_says_nothing(self, doors: Doors, shop: Shop) -> None:
        second = await shop.member("agent")
        await a_send_notification(shop.tenant, [shop.owner.id, second.id], **WORDS)
        async with doors.agent(shop.tenant, shop.owner) as mine, doors.agent(shop.tenant, second) as theirs:
            foreign = theirs.came("welcome")[0]["notices"][0]["id"]
            await mine.say("seen", notification=foreign)
            await mine.say("seen", all=True)
            await mine.expect("seen", all=True, unread=0)
            await mine.say("seen", all=True)
            await mine.say("seen", notification=uuid4())
            await mine.settled()
            assert len(mine.came("seen")) == 1
            assert theirs.came("seen") == []


class Wire:
    """A bus that keeps what is said."""

    is_silent, alone, down = False, False, False

    def __init__(self) -> None:
        self.said: list[tuple[str, dict[str, Any]]] = []
        self.process = "me"

    def say(self, group: str, item: dict[str, Any]) -> None:
        self.said.append((group, item))

    def subscribe(self, group: str) -> None:
        """Nobody else is there."""

    unsubscribe = subscribe

    async def stop(self) -> None:
        """Nothing waits."""


async def test_a_thousand_recipients_are_one_message_to_the_other_processes(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """And what the others make of it: each socket here gets the copy of its owner, once for each tab."""
    hub, wire = Hub(), Wire()
    monkeypatch.setattr(hubs, "_hub", hub)
    hub.bus = hub.others.bus = hub.others.attendance.bus = wire  # type: ignore[assignment]
    many = await run_on_platform(lambda: crowd(shop.tenant, first_site(shop), 1_000))
    tabs = [session_of(shop.tenant, someone(shop.tenant)) for _ in range(3)]
    for session, _sink in tabs:
        owner = many[1] if session is tabs[2][0] else many[0]
        session.principal = replace(session.principal, id=owner)
        hub.enter(session)
    wire.said.clear()
    await a_send_notification(shop.tenant, many, **WORDS | {"category": "messages"})
    async with asyncio.timeout(PATIENCE):
        while not wire.said:
            await asyncio.sleep(0)
    ((_group, item),) = wire.said
    assert (item["k"], len(item["to"])) == ("notices", 1_000)
    told = [[frame["id"] for frame in sink.came("notice")] for _session, sink in tabs]
    assert told[0] == told[1] != told[2]
    assert [len(one) for one in told] == [1, 1, 1]


async def test_the_counts_of_many_cost_one_statement(shop: Shop) -> None:
    team = [shop.owner.id, *[(await shop.member("agent")).id for _ in range(3)]]
    await run_on_platform(unseen_by, shop, team[:3], 20)
    await run_on_platform(unseen_by, shop, team[:1], 80)

    def asked() -> tuple[list[int], int]:
        with CaptureQueriesContext(connection) as queries:
            found = unseen_of([*team, uuid4()])
        statements = [one for one in queries.captured_queries if "chat_notification" in one["sql"]]
        return [many for _, many in found], len(statements)

    assert await run_in_tenant(shop.tenant, asked) == ([99, 20, 20, 0, 0], 2)
