"""Lists of rooms, and small reads."""

from uuid import UUID, uuid4

import msgspec
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from chat.models import Message, Room
from chat.realtime.append import for_visitor
from chat.realtime.protocol.outgoing import Summary
from chat.selectors import changes_after, heads, summaries, summary_of, visitor_panel
from saas.core.errors import BadFrame
from tenants.context import TenantRef, in_tenant
from tenants.models import User
from tests.support.cast import MakeTenant
from tests.support.rows import edit, mark, unread
from tests.support.talk import agent, room_of, say, visitor


class TestSummaries:
    def test_newest_first_and_paged_without_gap_or_repeat(self, make_tenant: MakeTenant, ben: User) -> None:
        tenant = make_tenant()
        rooms = [room_of(tenant, visitor(tenant), "hello") for _ in range(7)]
        with in_tenant(tenant):
            Room.objects.filter(id__in=rooms[2:5]).update(last_at="2026-01-01T00:00:00Z")  # equal: the id decides
            pages: list[list[UUID]] = []
            cursor = None
            while not pages or cursor:
                page, cursor = summaries(agent(tenant, ben), limit=3, cursor=cursor)
                pages.append([summary.id for summary in page])
        assert [len(page) for page in pages] == [3, 3, 1]
        assert [ident for page in pages for ident in page] == [
            rooms[6],
            rooms[5],
            rooms[1],
            rooms[0],
            *sorted(rooms[2:5], reverse=True),
        ]

    def test_a_full_last_page_has_no_cursor(self, make_tenant: MakeTenant, ben: User) -> None:
        tenant = make_tenant()
        for _ in range(2):
            room_of(tenant, visitor(tenant), "hello")
        with in_tenant(tenant):
            assert summaries(agent(tenant, ben), limit=2)[1] is None
            assert summaries(agent(tenant, ben), limit=1)[1] is not None

    @pytest.mark.parametrize(
        "cursor",
        [
            "x",
            "????",
            "é",
            "a" * 5000,
            "bm9wZQ",
            "LA==",
            "_w==",
            "MjAyNi0wMS0wMVQwMDowMDowMCx4",
        ],  # the last four: nope ; , ; 0xFF ; no zone
    )
    def test_refuses_a_cursor_that_is_not_ours(self, acme: TenantRef, ben: User, cursor: str) -> None:
        with in_tenant(acme), pytest.raises(BadFrame) as refused:
            summaries(agent(acme, ben), cursor=cursor)
        assert refused.value.field == "cursor"

    def test_by_status(self, make_tenant: MakeTenant, ben: User) -> None:
        tenant, who = make_tenant(), None
        open_room, resolved = (room_of(tenant, visitor(tenant), "hello") for _ in range(2))
        who = agent(tenant, ben)
        with in_tenant(tenant):
            Room.objects.filter(id=resolved).update(status="resolved")
            assert [summary.id for summary in summaries(who, status="open")[0]] == [open_room]
            assert [summary.id for summary in summaries(who, status="resolved")[0]] == [resolved]
            with pytest.raises(BadFrame) as refused:
                summaries(who, status="closed")
        assert refused.value.field == "status"

    def test_one_query_however_many_rooms(self, make_tenant: MakeTenant, ben: User) -> None:
        tenant = make_tenant()
        for _ in range(5):
            room_of(tenant, visitor(tenant), "one", "two")
        with in_tenant(tenant), CaptureQueriesContext(connection) as queries:
            assert len(summaries(agent(tenant, ben))[0]) == 5
        assert len([query for query in queries if "chat_room" in query["sql"]]) == len(queries) == 1

    def test_what_each_reader_is_told(self, acme: TenantRef, ben: User) -> None:
        vic = visitor(acme)
        room_id = room_of(acme, vic, "hello")
        with in_tenant(acme):
            told = {
                name: msgspec.to_builtins(summary_of(room_id, who))
                for name, who in {"agent": agent(acme, ben), "visitor": vic, "hub": None}.items()
            }
        shared = {"id", "kind", "title", "status", "people", "head", "epoch", "rev", "site", "visitor", "last"}
        internal = {"assignee", "labels", "notes"}
        assert set(told["agent"]) == shared | internal | {"unread"}
        assert set(told["visitor"]) == shared | {"unread"}
        assert set(told["hub"]) == shared | internal  # which takes off what is not for a visitor
        assert set(msgspec.to_builtins(for_visitor(msgspec.convert(told["hub"], Summary)))) == shared
        assert told["agent"]["visitor"] == str(vic.id)
        assert told["agent"]["last"]["text"] == "hello"
        assert told["agent"]["last"]["by"] == vic.name


class TestUnread:
    def test_counts_lines_of_others_after_my_mark(self, acme: TenantRef, ben: User) -> None:
        vic, who = visitor(acme), agent(acme, ben)
        room_id = room_of(acme, vic, "1", "2", "3")
        say(acme, room_id, who, "4")
        with in_tenant(acme):
            assert (unread(who, room_id), unread(vic, room_id)) == (3, 1)
            mark(room_id, who, 2)
            mark(room_id, vic, 4)
            assert (unread(who, room_id), unread(vic, room_id)) == (1, 0)

    def test_does_not_count_deleted_messages_and_system_lines(self, acme: TenantRef, ben: User) -> None:
        vic, who = visitor(acme), agent(acme, ben)
        room_id = room_of(acme, vic, "1", "2")
        say(acme, room_id, None, "Ben reopened this")
        with in_tenant(acme):
            assert unread(who, room_id) == 2
            Message.objects.filter(room=room_id, seq=2).update(deleted_at="2026-01-01T00:00:00Z")
            assert unread(who, room_id) == 1

    def test_an_edit_makes_nothing_unread(self, acme: TenantRef, ben: User) -> None:
        vic, who = visitor(acme), agent(acme, ben)
        room_id = room_of(acme, vic, "1")
        with in_tenant(acme):
            mark(room_id, who, 1)
            edit(room_id, 1, "one")
            assert unread(who, room_id) == 0

    def test_shows_99_at_most(self, acme: TenantRef, ben: User) -> None:
        room_id = room_of(acme, visitor(acme), *map(str, range(120)))
        with in_tenant(acme):
            assert unread(agent(acme, ben), room_id) == 99


def test_heads(acme: TenantRef) -> None:
    one, two = room_of(acme, visitor(acme), "1"), room_of(acme, visitor(acme), "1", "2")
    with in_tenant(acme):
        found = heads([one, two, uuid4()])
        assert {room: head.seq for room, head in found.items()} == {one: 1, two: 2}
        assert {head.epoch for head in found.values()} == set(
            Room.objects.filter(id__in=[one, two]).values_list("epoch", flat=True)
        )
        assert heads([]) == {}


def test_changes_after(acme: TenantRef) -> None:
    room_id = room_of(acme, visitor(acme), "1", "2", "3")
    with in_tenant(acme):
        edit(room_id, 1, "one")
        assert [message.changed for message in changes_after(room_id, 1)] == [2, 3, 4]
        assert [message.changed for message in changes_after(room_id, 1, limit=2)] == [2, 3]


def test_visitor_panel(acme: TenantRef) -> None:
    vic = visitor(acme)
    room_id = room_of(acme, vic, "hello")
    with in_tenant(acme):
        panel = visitor_panel(room_id)
        assert panel is not None
        assert (panel.id, panel.name, panel.page.url) == (vic.id, vic.name, "")
        assert visitor_panel(uuid4()) is None
