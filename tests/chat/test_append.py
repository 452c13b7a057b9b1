"""`append` by its two ways: the short one, where nothing stands in the way of any message, stores what the long one would."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection, transaction
from django.utils import timezone

from billing.models import UsageEvent
from chat.models import Message, Room
from chat.realtime.append import APPEND, Appended, Row, append_sync
from chat.realtime.protocol.outgoing import Author
from tenants.context import TenantRef, in_tenant
from tenants.models import User
from tests.support import talk
from tests.support.community import community, member
from tests.support.journals import row

LINES = (("visitor", 0, "one"), ("agent", 1, "two"), ("visitor", 1, "three"), ("visitor", 0, "x" * 300), ("agent", 0, "five"))


def rows_in(acme: TenantRef, ben: User) -> list[Row]:
    """What a visitor and an agent say in two new support rooms, of which the agent has ended one."""
    vic = talk.visitor(acme)
    rooms = [talk.room_of(acme, vic, "hello"), talk.room_of(acme, vic)]
    with in_tenant(acme):
        Room.objects.filter(id=rooms[1]).update(status=Room.Status.RESOLVED)
    authors = {"visitor": Author(kind="visitor", id=vic.id, name="Vic"), "agent": Author(kind="agent", id=ben.id, name="Ben")}
    return [Row(rooms[place], authors[kind], uuid4(), text) for kind, place, text in LINES]


def store(acme: TenantRef, rows: Sequence[Row]) -> list[Appended]:
    with in_tenant(acme), transaction.atomic():
        return append_sync(rows)


def answers(acme: TenantRef, rows: Sequence[Row]) -> int:
    """How many rows the function itself returns: one for each message by the long way, one for each room by the short one."""
    with in_tenant(acme), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(APPEND.statement.format(schema=""), APPEND.columns(rows))
        return len(cursor.fetchall())


def is_stored(acme: TenantRef, rows: Sequence[Row]) -> list[Any]:
    """What became of rooms and messages, without what is another each time."""
    rooms = list(dict.fromkeys(row.room_id for row in rows))
    with in_tenant(acme):
        found = Room.objects.in_bulk(rooms)
        lines = {line.cid: line for line in Message.objects.filter(cid__in=[row.cid for row in rows])}
        of_rooms = [
            (room.last_seq, room.rev, room.last_text, room.last_by, room.status) for room in map(found.get, rooms) if room
        ]
    of_lines = [
        (line.seq, line.changed, line.author_kind, line.author_name, line.kind, line.text, bytes(line.content_hash or b""))
        for line in (lines[row.cid] for row in rows)
    ]
    return [of_rooms, of_lines]


def told(done: Sequence[Appended]) -> list[Any]:
    """What the journal hears of each row, without what is another each time."""
    return [(one.ord, one.outcome, one.seq, (known := one.summary()) and (known.head, known.rev, known.status)) for one in done]


def test_both_ways_store_and_tell_the_same(acme: TenantRef, ben: User) -> None:
    short, long = rows_in(acme, ben), rows_in(acme, ben)
    by_short, by_long = store(acme, short), store(acme, [*long, replace(long[0], room_id=uuid4())])
    assert by_long.pop().outcome == "not_found"
    assert told(by_short) == told(by_long)
    assert is_stored(acme, short) == is_stored(acme, long)
    assert [one.ord for one in by_short] == [1, 2, 3, 4, 5]


def test_by_either_way_ids_are_those_of_the_messages_and_each_is_counted_once(acme: TenantRef, ben: User) -> None:
    short, long = rows_in(acme, ben), rows_in(acme, ben)
    rows = [*short, *long]
    done = [*store(acme, short), *store(acme, [*long, replace(long[0], room_id=uuid4())])[:-1]]
    with in_tenant(acme):
        ids = dict(Message.objects.filter(cid__in=[row.cid for row in rows]).values_list("cid", "id"))
    assert [one.id for one in done] == [ids[row.cid] for row in rows]
    assert UsageEvent.objects.filter(tenant_id=acme.id, source_id__in=ids.values()).count() == len(rows)


def test_the_short_way_answers_once_for_each_room(acme: TenantRef, ben: User) -> None:
    assert answers(acme, rows_in(acme, ben)) == 2


def test_in_a_community_room_it_is_for_members_and_agents_and_nobody_else_writes(acme: TenantRef, ben: User) -> None:
    room, past = community(acme), timezone.now() - timedelta(hours=1)
    people = [member(acme, room), talk.agent(acme, ben), member(acme, room, banned_until=past)]
    stranger = row(room, talk.visitor(acme), "let me in")
    assert answers(acme, [row(room, who, "hello") for who in people]) == 1
    assert answers(acme, [*(row(room, who, "hello") for who in people), stranger]) == 4
    done = store(acme, [*(row(room, who, "hi") for who in people), stranger])
    assert [one.outcome for one in done] == ["stored", "stored", "stored", "not_found"]
    assert [one.outcome for one in store(acme, [stranger])] == ["not_found"]


@pytest.mark.parametrize("what", ["a repeat", "a reply", "a room that is not there", "one cid twice", "a system line"])
def test_whatever_stands_in_the_way_is_looked_at_message_by_message(what: str, acme: TenantRef, ben: User) -> None:
    rows = rows_in(acme, ben)
    known = store(acme, [rows[0]])[0].id
    fresh = replace(rows[1], cid=uuid4())
    with_it: dict[str, Row] = {
        "a repeat": rows[0],
        "a reply": replace(rows[0], cid=uuid4(), reply_to=known),
        "a room that is not there": replace(rows[0], room_id=UUID(int=1), cid=uuid4()),
        "one cid twice": replace(rows[0], cid=fresh.cid),
        "a system line": Row(rows[0].room_id, Author(kind="system", id=None, name=""), uuid4(), "here", kind="system"),
    }
    assert answers(acme, [fresh, replace(fresh, cid=uuid4()), with_it[what]]) == 3
