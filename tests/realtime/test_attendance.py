"""Who is where over several processes, on a bus that loses what it likes: in the end each knows what the others hold."""

import asyncio
import random
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest

from chat.realtime import attendance
from chat.realtime.attendance import Attendance
from chat.realtime.groups import here, room
from chat.realtime.here import ONLINE, LocalTenant, Present, Word
from chat.realtime.line import BEAT_SECONDS
from chat.realtime.local import Local
from chat.realtime.others import LOST_SECONDS, TALLY_SECONDS
from chat.realtime.protocol.outgoing import Person
from chat.realtime.room import LocalRoom
from tenants.context import TenantRef
from tests.support.patience import PATIENCE

Item = dict[str, Any]
Wire = Callable[[str, str, Item], None]


class Bus:
    """This end of a bus."""

    alone = is_silent = False

    def __init__(self, process: str, wire: Wire) -> None:
        self.process, self.wire = process, wire

    def say(self, group: str, item: Item) -> None:
        self.wire(group, self.process, item)


class Process:
    """One process with a room and a tenant of its own making."""

    def __init__(self, name: str, tenant: TenantRef, room_id: UUID, wire: Wire) -> None:
        self.local = Local()
        self.attendance = Attendance(self.local, Bus(name, wire))  # type: ignore[arg-type]
        self.room = LocalRoom(tenant, room_id, room(tenant.id, room_id))
        self.tenant = LocalTenant(tenant, here(tenant.id), lambda on, off: self.attendance.say_here(self.tenant, on, off))
        self.local.rooms[self.room.group] = self.room
        self.local.tenants[self.tenant.group] = self.tenant

    def comes(self, who: Person) -> None:
        self.room.people.came(who)
        self.attendance.say_people(self.room, on=[who])

    def goes(self, who: Person) -> None:
        self.room.people.went(who.id)
        if who.id not in self.room.people.here:
            self.attendance.say_people(self.room, off=[who.id])

    def is_at_inbox(self, who: Person, word: Word = ONLINE) -> None:
        now = Present(who, answers=True, word=word)
        self.tenant.roster.came(now)
        self.tenant._note([now], [])
        self.attendance.say_here(self.tenant, [now])

    def sees(self) -> set[UUID]:
        return {who.id for who in self.room.people.everyone()}


class Net:
    """Several processes, and what the bus between them does with each item: `loses` decides."""

    def __init__(self, tenant: TenantRef, count: int) -> None:
        room_id = uuid4()
        self.loses: Callable[[Item], bool] = lambda _item: False
        self.items: list[Item] = []
        self.all = {str(n): Process(str(n), tenant, room_id, self.carry) for n in range(count)}

    def carry(self, group: str, sender: str, item: Item) -> None:
        self.items.append(item)
        for name, process in self.all.items():
            if name != sender and not self.loses(item):
                process.attendance.hear(group, sender, item)

    async def tally(self) -> None:
        """As the processes do from time to time."""
        for process in self.all.values():
            process.attendance.say_tally()
        await self.settled()

    async def settled(self) -> None:
        """Nobody owes an answer any more."""
        async with asyncio.timeout(PATIENCE):
            while any(process.attendance._answering for process in self.all.values()):
                await asyncio.sleep(attendance.WHOLE_SECONDS / 2)


def people(count: int) -> list[Person]:
    return [Person(kind="agent", id=uuid4(), name=f"Agent {n}") for n in range(count)]


@pytest.fixture
async def net() -> Net:
    return Net(TenantRef(uuid4(), "acme", "Acme", "t_acme", "active"), 3)


@pytest.mark.parametrize("seed", range(20))
async def test_after_a_tally_all_see_the_same_whatever_was_lost(net: Net, seed: int) -> None:
    dice, crowd = random.Random(seed), people(12)
    net.loses = lambda _item: dice.random() < 0.4
    held: dict[str, list[Person]] = {name: [] for name in net.all}
    for _ in range(300):
        name = dice.choice(list(net.all))
        if held[name] and dice.random() < 0.5:
            net.all[name].goes(held[name].pop(dice.randrange(len(held[name]))))
        else:
            held[name].append(dice.choice(crowd))
            net.all[name].comes(held[name][-1])
    net.loses = lambda _item: False
    await net.tally()
    true = {who.id for found in held.values() for who in found}
    assert [process.sees() for process in net.all.values()] == [true] * 3


async def test_a_gap_is_noticed_with_the_next_statement(net: Net) -> None:
    first, second, third = people(3)
    net.all["0"].comes(first)
    net.loses = lambda _item: True
    net.all["0"].comes(second)
    net.loses = lambda _item: False
    net.all["0"].comes(third)
    await net.settled()
    assert net.all["1"].sees() == net.all["2"].sees() == {first.id, second.id, third.id}


async def test_where_nothing_was_lost_nobody_asks(net: Net) -> None:
    for who in people(5):
        net.all["0"].comes(who)
    await net.tally()
    assert {item["k"] for item in net.items} == {"people", "tally"}


async def test_a_room_that_a_process_left_unheard_is_empty_there(net: Net) -> None:
    (who,) = people(1)
    net.all["0"].comes(who)
    net.loses = lambda _item: True
    net.all["0"].goes(who)
    del net.all["0"].local.rooms[net.all["0"].room.group]  # as the hub does with an empty room
    net.loses = lambda _item: False
    await net.tally()
    assert net.all["1"].sees() == set()


async def test_a_process_that_was_given_up_comes_back_whole(net: Net) -> None:
    crowd = people(4)
    for who in crowd:
        net.all["0"].comes(who)
    net.all["1"].attendance.lost("0")
    assert net.all["1"].sees() == set()
    await net.tally()
    assert net.all["1"].sees() == {who.id for who in crowd}


async def test_of_two_words_the_newer_counts_whoever_says_it_last(net: Net) -> None:
    (ben,) = people(1)
    for name, word in (("0", Word("busy", 2)), ("1", Word("away", 1))):
        net.all[name].is_at_inbox(ben, word)
    await net.tally()
    assert [process.tenant.team[ben.id].word.state for process in net.all.values()] == ["busy"] * 3
    assert [process.tenant.agents for process in net.all.values()] == [0] * 3
    net.all["1"].tenant.said(ben.id, Word("online", 3))
    assert [process.tenant.agents for process in net.all.values()] == [1] * 3


def test_the_shipped_times_let_nobody_stay_for_more_than_a_minute() -> None:
    """A killed process was heard for the last time when it died, and is given up with the first beat after `LOST_SECONDS`."""
    assert LOST_SECONDS + BEAT_SECONDS <= 60
    assert TALLY_SECONDS <= 20
