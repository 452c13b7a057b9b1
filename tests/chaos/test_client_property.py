"""The widget's own client against the real consumer, on lines that are cut: what people did, what is stored, what each sees.

`widget/client/test/property/` lives the people; everything is judged here. `CLIENT_SEED` plays a run again, `CLIENT_SEEDS` plays
several, `CLIENT_MESSAGES` and `CLIENT_KILLS` make it longer: `make chaos` plays 10,000 messages and 1,000 kills.
"""

import asyncio
import json
import os
import secrets
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Final
from uuid import UUID

import pytest

from chat.models import Message, Reaction, Room
from tenants.context import run_in_tenant, run_on_platform
from tenants.tokens import read_socket_token
from tests.support import talk
from tests.support.server import Server, running
from tests.support.shop import Shop
from tests.support.sockets import Doors, agent_token, key_of, visitor_token

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(900), pytest.mark.xdist_group("client-property")]

MESSAGES: Final = int(os.environ.get("CLIENT_MESSAGES", 600))
KILLS: Final = int(os.environ.get("CLIENT_KILLS", 60))
SEEDS: Final = int(os.environ.get("CLIENT_SEEDS", 1))
VISITORS: Final = 4  # each with a room of their own
AGENTS: Final = 3  # each in all rooms
PACE_MS: Final = 100  # between two messages of one person at most: below the pace at which a visitor is slowed down
REACTABLE: Final = ("not_found", "forbidden", "room_closed", "conflict")  # refusals of a change of a message that was deleted

LIVES: Final = 5  # of a client with a defect: a short life may meet no fault that the defect needs

Frame = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Row:
    """A message as it is stored."""

    id: str
    seq: int
    changed: int
    cid: str
    author: str
    text: str
    deleted: bool
    reactions: dict[str, set[str]]  # emoji -> people


@dataclass(frozen=True, slots=True)
class Stored:
    """A room as it is stored."""

    head: int
    rows: list[Row]


@dataclass
class Findings:
    """What was found wrong, by kind."""

    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    disordered: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)  # a view or an outcome that is not what it must be

    def __bool__(self) -> bool:
        return any(vars(self).values())

    def __str__(self) -> str:
        return "; ".join(f"{name}: {len(found)}, such as {found[:3]}" for name, found in vars(self).items() if found)


@dataclass
class Wanted:
    """What the changes that were not refused make of a message, each author's in the order in which they were made."""

    text: str
    deleted: bool = False
    reactions: dict[tuple[str, str], bool] = field(default_factory=dict)  # emoji and person

    def take(self, change: Frame, who: str) -> None:
        """Only the author edits and deletes, so changes of several people never contradict each other."""
        if change["kind"] == "delete":
            self.deleted = True
        elif change["kind"] == "edit":
            self.text = change["text"]
        else:
            self.reactions[change["emoji"], who] = change["on"]

    def is_(self, row: Row) -> bool:
        """Whether the stored message is this one. Nothing is left of a deleted one."""
        there = {(emoji, who) for emoji, people in row.reactions.items() for who in people}
        if self.deleted or row.deleted:
            return (self.deleted, row.deleted, row.text, there) == (True, True, "", set())
        return (row.text, there) == (self.text, {one for one, on in self.reactions.items() if on})


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running() as server:
        yield server


async def plan(shop: Shop, server: Server, *, seed: int, messages: int, kills: int, mutant: str) -> Frame:
    """Who is to say how much, and where. One visitor and one agent are behind a wall that lets no socket through."""
    walled = 1 if mutant == "none" else 0
    doors, tenant = Doors(server), shop.tenant
    visitors = [await shop.visitor() for _ in range(VISITORS)]
    agents = [shop.owner, *[await shop.member("agent") for _ in range(AGENTS - 1)]]
    rooms = [await run_on_platform(talk.room_of, tenant, who) for who in visitors]
    share = {"messages": messages // (VISITORS + AGENTS), "kills": kills // (VISITORS + AGENTS)}
    url = doors.visitor_url(key_of(tenant))
    people = [
        {
            "name": f"visitor {n}",
            "url": url,
            "token": visitor_token(tenant, who),
            "rooms": [str(rooms[n])],
            "walled": n < walled,
            **share,
        }
        for n, who in enumerate(visitors)
    ]
    people += [
        {
            "name": f"agent {n}",
            "url": doors.agent_url(tenant),
            "token": agent_token(tenant, who),
            "rooms": [str(room) for room in rooms],
            "walled": n < walled,
            **share,
        }
        for n, who in enumerate(agents)
    ]
    return {"seed": seed, "pace": PACE_MS, "mutant": mutant, "people": people}


async def play(ordered: Frame) -> Frame:
    """Let the people live, in a process of their own; their reports."""
    node = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "saas.up.node", "test/property/main.ts"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        said, complained = await node.communicate(json.dumps(ordered).encode())
    finally:
        if node.returncode is None:
            node.kill()
    assert node.returncode == 0, complained.decode()[-3000:]
    reports: Frame = json.loads(said)
    return reports


def stored_of(rooms: Sequence[str]) -> dict[str, Stored]:
    """The rooms as they are stored. Inside the tenant."""
    return {room: _stored(UUID(room)) for room in rooms}


def _stored(room: UUID) -> Stored:
    reactions: dict[UUID, dict[str, set[str]]] = {}
    for one in Reaction.objects.filter(message__room_id=room):
        reactions.setdefault(one.message_id, {}).setdefault(one.emoji, set()).add(str(one.person_id))
    rows = [
        Row(
            id=str(one.id),
            seq=one.seq,
            changed=one.changed,
            cid=str(one.cid),
            author=one.author_name,
            text=one.text,
            deleted=one.deleted_at is not None,
            reactions=reactions.get(one.id, {}),
        )
        for one in Message.objects.filter(room_id=room).order_by("seq")
    ]
    return Stored(Room.objects.values_list("last_seq", flat=True).get(id=room), rows)


def judge(result: Frame, stored: dict[str, Stored], ids: dict[str, str]) -> Findings:
    """Compare what people did and see with what is stored. `ids`: name -> id of a person."""
    found = Findings()
    if not result["level"]:
        found.wrong.append("not everyone came to the end of their rooms")
    for report in result["reports"]:
        if report["unsettled"]:
            found.lost.append(f"{report['name']} still waits for {report['unsettled']} answers")
        _judge_said(found, report, stored)
        for room, view in report["views"].items():
            _judge_view(found, f"{report['name']} in {room}", view, stored[room])
    for room, here in stored.items():
        _judge_outcome(found, room, here, result["reports"], ids)
    return found


def _judge_said(found: Findings, report: Frame, stored: dict[str, Stored]) -> None:
    """Every message is stored once, in the order said."""
    said = [one for one in report["done"] if one["kind"] == "send"]
    for room, here in stored.items():
        mine = [one for one in said if one["room"] == room]
        kept = Counter(row.cid for row in here.rows)
        found.lost += [one["text"] for one in mine if not kept[one["cid"]]]
        found.doubled += [one["text"] for one in mine if kept[one["cid"]] > 1]
        places = {row.cid: row.seq for row in here.rows}
        order = [(places[one["cid"]], one["text"]) for one in mine if one["cid"] in places]
        found.disordered += [
            f"{later} ({after}) stands before {earlier} ({before})"
            for (before, earlier), (after, later) in pairwise(order)
            if after < before
        ]


def _judge_view(found: Findings, who: str, view: list[Frame], here: Stored) -> None:
    """What a person sees is what is stored, line by line."""
    seen = Counter(line["id"] for line in view)
    kept = {row.id: row for row in here.rows}
    found.lost += [f"{who} does not see {row.seq}" for row in here.rows if not seen[row.id]]
    found.doubled += [f"{who} sees {line['seq']} twice" for line in view if seen[line["id"]] > 1 or line["id"] not in kept]
    if [line["seq"] for line in view] != sorted(line["seq"] for line in view):
        found.disordered.append(who)
    found.wrong += [
        f"{who} sees {line}" for line in view if line["id"] in kept and _shape(line) != _stored_shape(kept[line["id"]])
    ]


def _shape(line: Frame) -> tuple[Any, ...]:
    reactions = {emoji: (one["n"], frozenset(one["who"])) for emoji, one in line["reactions"].items()}
    return (line["seq"], line["changed"], line["text"], line.get("deleted", False), reactions)


def _stored_shape(row: Row) -> tuple[Any, ...]:
    reactions = {emoji: (len(who), frozenset(who)) for emoji, who in row.reactions.items()}
    return (row.seq, row.changed, row.text, row.deleted, reactions)


def _judge_outcome(found: Findings, room: str, here: Stored, reports: list[Frame], ids: dict[str, str]) -> None:
    """Each message is what its people made of it, and nothing else is in the room."""
    said = {one["cid"]: one["text"] for report in reports for one in report["done"] if one["kind"] == "send"}
    found.doubled += [f"{row.text} in {room} was never said" for row in here.rows if row.cid not in said]
    deleted = {row.id for row in here.rows if row.deleted}
    wanted = {row.id: Wanted(said.get(row.cid, row.text)) for row in here.rows}
    for report in reports:
        changes = [one for one in report["done"] if one["room"] == room and one["kind"] != "send"]
        for one in changes:
            if "code" not in one:
                wanted[one["message"]].take(one, ids[report["name"]])
            elif one["code"] not in REACTABLE or one["message"] not in deleted:
                found.wrong.append(f"{report['name']} was refused {one}")
    found.wrong += [f"{row} should be {wanted[row.id]}" for row in here.rows if not wanted[row.id].is_(row)]


async def run(
    shop: Shop, server: Server, *, seed: int, messages: int, kills: int, mutant: str = "none"
) -> tuple[Findings, Frame]:
    """One whole run; what was found, and what happened on the lines."""
    ordered = await plan(shop, server, seed=seed, messages=messages, kills=kills, mutant=mutant)
    result = await play(ordered)
    rooms = sorted({room for person in ordered["people"] for room in person["rooms"]})
    stored = await run_in_tenant(shop.tenant, stored_of, rooms)
    ids = {person["name"]: str(read_socket_token(person["token"], shop.tenant).id) for person in ordered["people"]}
    totals: Counter[str] = Counter()
    for report in result["reports"]:
        totals.update(report["counts"])
        totals.update(one["kind"] for one in report["done"])
    return judge(result, stored, ids), totals


def new_seed() -> int:
    return int(os.environ.get("CLIENT_SEED", 0)) or secrets.randbelow(1_000_000) + 1


@pytest.mark.parametrize("number", range(SEEDS))
async def test_nothing_is_lost_doubled_or_disordered(shop: Shop, server: Server, number: int) -> None:
    seed = new_seed()
    print(f"CLIENT_SEED={seed} CLIENT_MESSAGES={MESSAGES} CLIENT_KILLS={KILLS}")  # noqa: T201 - shown with a failure
    found, totals = await run(shop, server, seed=seed, messages=MESSAGES, kills=KILLS)
    print(dict(totals))  # noqa: T201
    assert not found, str(found)
    assert totals["send"] >= MESSAGES * 0.95
    assert totals["kills"] >= KILLS * 0.9
    assert min(totals[kind] for kind in ("withheld", "doubled", "dropped", "edit", "delete", "react")) > 0
    assert not server.complaints()


@pytest.mark.parametrize("mutant", ["resumes_ahead", "new_cid_each_time", "says_once", "last_first"])
async def test_a_client_with_a_defect_is_found_out(shop: Shop, server: Server, mutant: str) -> None:
    for _ in range(LIVES):
        seed = new_seed()
        print(f"CLIENT_SEED={seed}")  # noqa: T201
        found, totals = await run(shop, server, seed=seed, messages=280, kills=56, mutant=mutant)
        if found:
            return
    raise AssertionError(f"{mutant} went unseen {LIVES} times: {dict(totals)}")
