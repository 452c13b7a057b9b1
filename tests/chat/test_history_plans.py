"""A room of a million messages: each page of it is a short range of one index, whatever the room holds."""

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from django.db import connection
from psycopg import sql

from chat.access import reader
from chat.models import Participant, Room
from chat.realtime.protocol.codes import CATCH_UP, MAX_UNREAD, PAGE_MESSAGES
from chat.selectors import history, messages_of, snapshot
from chat.selectors import messages as statements
from tenants.context import TenantRef, in_tenant
from tenants.models import User
from tenants.provisioning import create_tenant
from tenants.tokens import Principal
from tests.support import talk
from tests.support.cast import make_user

pytestmark = [pytest.mark.plans, pytest.mark.timeout(600), pytest.mark.xdist_group("plans")]

MESSAGES = 1_000_000
AUTHORS = 50
PAGE = PAGE_MESSAGES + 1  # one more than is shown tells whether there are others

# As an operator would restore it: without the triggers that look each room up again.
FILL = sql.SQL("""
    SET session_replication_role = replica;
    INSERT INTO {schema}.chat_message
        (id, room_id, seq, changed, cid, content_hash, author_kind, author_id, author_name, kind, text, ts)
    SELECT uuidv7(), {room}, n, n, uuidv7(), '\\x00', 'visitor', ({authors})[1 + n % {count}], 'Somebody', 'text',
        'Line ' || n, now() - ({messages} - n) * interval '1 second'
    FROM generate_series(1, {messages}) n;
    UPDATE {schema}.chat_room SET last_seq = {messages} WHERE id = {room};
    RESET session_replication_role;
    ANALYZE {schema}.chat_message;
""")


@dataclass(frozen=True)
class Big:
    """The room, someone who reads it, and one of those who wrote in it."""

    tenant: TenantRef
    room: UUID
    reader: Principal
    author: UUID

    def values(self, **more: Any) -> dict[str, Any]:
        return {**reader(self.reader), "room": self.room, "author": self.author, "epoch": None, "after": None, **more}


@pytest.fixture(scope="module")
def big(database: None) -> Iterator[Big]:
    slug = f"big{uuid4().hex[:8]}"
    tenant = create_tenant(slug=slug, name="Big", owner=make_user(f"owner@{slug}.example", "Olga"))
    with in_tenant(tenant):
        room = Room.objects.create(kind="community", title="Lamp talk", site_id=None).id
    authors = [uuid4() for _ in range(AUTHORS)]
    with psycopg.connect(os.environ["TEST_SUPERUSER_URL"], autocommit=True) as superuser:
        parts = {"room": room, "authors": authors, "count": AUTHORS, "messages": MESSAGES}
        filled = FILL.format(schema=sql.Identifier(tenant.schema), **parts)
        superuser.execute(filled.as_string(superuser).encode())
        owner = User.objects.get(email=f"owner@{slug}.example")
        yield Big(tenant, room, talk.agent(tenant, owner), authors[7])
        superuser.execute(sql.SQL("TRUNCATE {}.chat_message CASCADE").format(sql.Identifier(tenant.schema)))


def plan_of(big: Big, statement: str, values: dict[str, Any]) -> list[dict[str, Any]]:
    """Every node of what the database did."""
    with in_tenant(big.tenant), connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", values)
        found = cursor.fetchone()[0]
    return list(_nodes((json.loads(found) if isinstance(found, str) else found)[0]["Plan"]))


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for inner in node.get("Plans", ()):
        yield from _nodes(inner)


def touched(node: dict[str, Any]) -> float:
    """Rows that were looked at, be they of use or not."""
    found = node["Actual Rows"] + node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Index Recheck", 0)
    return float(found * node["Actual Loops"])


def of_messages(nodes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The nodes that read messages and were needed."""
    return [node for node in nodes if node.get("Relation Name") == "chat_message" and node["Actual Loops"]]


@pytest.mark.parametrize(
    ("statement", "index", "values"),
    [
        pytest.param(statements.HISTORY, "one_message_per_seq", {"before": 2**53}, id="newest page"),
        pytest.param(statements.HISTORY, "one_message_per_seq", {"before": MESSAGES // 2}, id="page up"),
        pytest.param(statements.CHANGES, "catch_up", {"after": MESSAGES - 5_000, "limit": PAGE}, id="catch-up"),
        pytest.param(statements.OF_ONE, "of_one_author", {"before": 2**53}, id="one author"),
        pytest.param(statements.OF_ONE, "of_one_author", {"before": MESSAGES // 2}, id="one author, page up"),
    ],
)
def test_a_page_is_one_range_of_its_index(big: Big, statement: str, index: str, values: dict[str, Any]) -> None:
    nodes = plan_of(big, statement, big.values(**values))
    [scan] = of_messages(nodes)
    assert (scan["Node Type"], scan["Index Name"]) == ("Index Scan", index)
    assert touched(scan) == PAGE
    assert "Index Cond" in scan
    assert not [node for node in nodes if node["Node Type"] in ("Seq Scan", "Sort", "Incremental Sort")]


@pytest.mark.parametrize(
    ("behind", "read", "most"),
    [
        pytest.param(None, 0, PAGE + MAX_UNREAD, id="newest page"),
        pytest.param(None, MESSAGES, PAGE, id="newest page, all read"),
        pytest.param(CATCH_UP - 50, 0, PAGE + MAX_UNREAD + CATCH_UP + 1, id="catch-up"),
        pytest.param(CATCH_UP * 10, 0, PAGE + MAX_UNREAD + CATCH_UP + 1, id="too far behind"),
    ],
)
def test_joining_touches_what_it_brings(big: Big, behind: int | None, read: int, most: int) -> None:
    with in_tenant(big.tenant):
        place = {"kind": "agent", "name": "Olga", "read_seq": read}
        Participant.objects.update_or_create(room_id=big.room, person_id=big.reader.id, defaults=place)
        epoch = Room.objects.get(id=big.room).epoch
    values = big.values() if behind is None else big.values(epoch=epoch, after=MESSAGES - behind)
    nodes = plan_of(big, statements.SNAPSHOT, values)
    scans = of_messages(nodes)
    assert {scan["Node Type"] for scan in scans} <= {"Index Scan", "Index Only Scan"}
    assert all("Index Cond" in scan for scan in scans)
    assert 0 < sum(map(touched, scans)) <= most
    assert all(touched(node) <= PAGE for node in nodes if "Sort" in node["Node Type"])


def test_the_pages_hold_what_they_should(big: Big) -> None:
    reads: list[Callable[[], tuple[list[Any], bool]]] = [
        lambda: history(big.reader, big.room, before=MESSAGES // 2),
        lambda: messages_of(big.reader, big.room, big.author, before=MESSAGES // 2),
    ]
    with in_tenant(big.tenant):
        Participant.objects.filter(room_id=big.room).delete()
        (page, more), (ones, more_of_one) = (read() for read in reads)
        newest = snapshot(big.reader, big.room)
    assert ([one.seq for one in page], more) == (list(range(MESSAGES // 2 - PAGE_MESSAGES, MESSAGES // 2)), True)
    assert ([one.seq for one in ones], more_of_one) == (
        [n for n in range(MESSAGES // 2 - AUTHORS * PAGE_MESSAGES, MESSAGES // 2) if n % AUTHORS == 7],
        True,
    )
    assert (newest.head, newest.messages[-1].seq, newest.summary.unread) == (MESSAGES, MESSAGES, MAX_UNREAD)
