"""Lists of rooms, and what a room's reader gets."""

from threading import Thread
from uuid import UUID, uuid4

import msgspec
import pytest
from django.db import connection, connections
from django.db.models import F
from django.test.utils import CaptureQueriesContext

from chat.models import Message, Participant, Room
from chat.realtime.append import for_visitor
from chat.realtime.protocol.codes import CATCH_UP, PAGE_BYTES, PAGE_MESSAGES
from chat.realtime.protocol.outgoing import Message as Said
from chat.realtime.protocol.outgoing import Summary
from chat.selectors import changes_after, heads, history, snapshot, summaries, summary_of, visitor_panel
from saas.core.errors import BadFrame
from tenants.context import TenantRef, in_tenant
from tenants.models import User
from tenants.tokens import Principal
from tests.support.cast import MakeTenant
from tests.support.talk import agent, room_of, say, visitor


def edit(room_id: UUID, seq: int, text: str) -> None:
    """What an edit does to the rows: one more seq, which the message remembers as its last change."""
    Room.objects.filter(id=room_id).update(last_seq=F("last_seq") + 1)
    head = Room.objects.values_list("last_seq", flat=True).get(id=room_id)
    Message.objects.filter(room=room_id, seq=seq).update(text=text, changed=head)


def mark(room_id: UUID, who: Principal, seq: int) -> None:
    Participant.objects.update_or_create(
        room_id=room_id, person_id=who.id, defaults={"read_seq": seq, "kind": who.kind, "name": who.name}
    )


def unread(who: Principal, room_id: UUID) -> object:
    return summary_of(room_id, who).unread


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


class TestSnapshot:
    def test_without_a_position_it_is_the_newest_page(self, acme: TenantRef) -> None:
        vic = visitor(acme)
        room_id = room_of(acme, vic, *map(str, range(1, 31)))
        with in_tenant(acme):
            seen = snapshot(vic, room_id)
        assert (seen.resumed, seen.more, seen.head, seen.summary.head) == (False, True, 30, 30)
        assert [message.seq for message in seen.messages] == list(range(11, 31))
        assert [message.text for message in seen.messages] == list(map(str, range(11, 31)))

    def test_a_room_with_nothing_in_it(self, acme: TenantRef) -> None:
        vic = visitor(acme)
        room_id = room_of(acme, vic)
        with in_tenant(acme):
            seen = snapshot(vic, room_id)
            again = snapshot(vic, room_id, epoch=seen.epoch, after=0)
        assert (seen.resumed, seen.more, seen.head, seen.messages) == (False, False, 0, [])
        assert (again.resumed, again.more, again.messages) == (True, False, [])

    def test_resumes_with_what_changed_since(self, acme: TenantRef) -> None:
        vic = visitor(acme)
        room_id = room_of(acme, vic, "1", "2", "3", "4")
        with in_tenant(acme):
            edit(room_id, 2, "two")
            epoch = snapshot(vic, room_id).epoch
            seen = snapshot(vic, room_id, epoch=epoch, after=3)
            upto_date = snapshot(vic, room_id, epoch=epoch, after=5)
        assert seen.resumed
        assert [(message.seq, message.changed, message.text) for message in seen.messages] == [(4, 4, "4"), (2, 5, "two")]
        assert (seen.head, seen.more) == (5, False)
        assert (upto_date.resumed, upto_date.messages) == (True, [])

    def test_a_long_way_behind_is_caught_up_in_pages(self, acme: TenantRef) -> None:
        vic = visitor(acme)
        room_id = room_of(acme, vic, *map(str, range(1, CATCH_UP + 2)))
        with in_tenant(acme):
            epoch, after, got, more = snapshot(vic, room_id).epoch, 1, [], True
            while more:
                seen = snapshot(vic, room_id, epoch=epoch, after=after)
                assert seen.resumed
                assert len(seen.messages) <= PAGE_MESSAGES
                got += [message.seq for message in seen.messages]
                after, more = seen.messages[-1].changed, seen.more
        assert got == list(range(2, CATCH_UP + 2))

    def test_one_more_than_the_limit_starts_anew(self, acme: TenantRef) -> None:
        vic = visitor(acme)
        room_id = room_of(acme, vic, *map(str, range(1, CATCH_UP + 2)))
        with in_tenant(acme):
            epoch = snapshot(vic, room_id).epoch
            assert snapshot(vic, room_id, epoch=epoch, after=1).resumed
            behind = snapshot(vic, room_id, epoch=epoch, after=0)
        assert not behind.resumed
        assert behind.messages[-1].seq == CATCH_UP + 1

    @pytest.mark.parametrize(("epoch", "after"), [("same", 3), ("other", 1), ("none", 1), ("same", None)])
    def test_a_position_that_is_none_starts_anew(self, acme: TenantRef, epoch: str, after: int | None) -> None:
        vic = visitor(acme)
        room_id = room_of(acme, vic, "1", "2")
        with in_tenant(acme):
            named = {"same": snapshot(vic, room_id).epoch, "other": uuid4(), "none": None}[epoch]
            seen = snapshot(vic, room_id, epoch=named, after=after)
        assert not seen.resumed
        assert [message.seq for message in seen.messages] == [1, 2]

    def test_pages_keep_to_48_kib(self, acme: TenantRef) -> None:
        vic = visitor(acme)
        room_id = room_of(acme, vic, *["é€" * 2000] * 12)  # 10,000 bytes each
        with in_tenant(acme):
            newest = snapshot(vic, room_id)
            resumed = snapshot(vic, room_id, epoch=newest.epoch, after=0)
        assert [message.seq for message in newest.messages] == [9, 10, 11, 12]
        assert [message.seq for message in resumed.messages] == [1, 2, 3, 4]
        assert newest.more
        assert resumed.more
        assert len(msgspec.json.encode(newest.messages)) <= PAGE_BYTES

    def test_a_deleted_message_is_a_tombstone(self, acme: TenantRef) -> None:
        vic = visitor(acme)
        room_id = room_of(acme, vic, "a secret")
        with in_tenant(acme):
            Message.objects.filter(room=room_id).update(deleted_at="2026-01-01T00:00:00Z")
            (message,) = snapshot(vic, room_id).messages
        assert (message.text, message.deleted, message.seq) == ("", True, 1)
        assert b"secret" not in msgspec.json.encode(message)

    def test_marks_of_a_room_and_none_of_a_crowd(self, acme: TenantRef) -> None:
        vic = visitor(acme)
        room_id = room_of(acme, vic, "1", "2")
        with in_tenant(acme):
            mark(room_id, vic, 2)
            assert [(found.who, found.seq) for found in snapshot(vic, room_id).marks] == [(vic.id, 2)]
            Participant.objects.bulk_create(
                Participant(room_id=room_id, kind="agent", person_id=uuid4(), name="A") for _ in range(50)
            )
            assert snapshot(vic, room_id).marks == []

    def test_head_summary_and_messages_are_of_one_moment(self, acme: TenantRef) -> None:
        vic = visitor(acme)
        room_id = room_of(acme, vic, "1")

        def write() -> None:
            for n in range(60):
                say(acme, room_id, vic, str(n))
            connections.close_all()

        writer = Thread(target=write)
        writer.start()
        seen, running = [], True
        while running:
            running = writer.is_alive()
            with in_tenant(acme):
                seen.append(snapshot(vic, room_id))
        writer.join()
        assert seen[-1].head == 61
        assert all(one.head == one.messages[-1].seq == one.summary.head for one in seen)
        assert len({one.head for one in seen}) > 3  # it did read while the other wrote


class TestHistory:
    def test_walks_back_over_everything_once(self, acme: TenantRef) -> None:
        vic = visitor(acme)
        room_id = room_of(acme, vic, *map(str, range(1, 46)))
        with in_tenant(acme):
            edit(room_id, 7, "seven")
            got: list[Said] = []
            before, more = 2**53 - 1, True
            while more:
                page, more = history(vic, room_id, before=before)
                got, before = page + got, page[0].seq
        assert [message.seq for message in got] == list(range(1, 46))
        assert got[6].text == "seven"

    def test_before_the_first_there_is_nothing(self, acme: TenantRef) -> None:
        vic = visitor(acme)
        room_id = room_of(acme, vic, "1")
        with in_tenant(acme):
            assert history(vic, room_id, before=1) == ([], False)
            assert history(vic, room_id, before=0) == ([], False)


def test_heads(acme: TenantRef) -> None:
    one, two = room_of(acme, visitor(acme), "1"), room_of(acme, visitor(acme), "1", "2")
    with in_tenant(acme):
        assert heads([one, two, uuid4()]) == {one: 1, two: 2}
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
