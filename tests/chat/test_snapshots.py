"""What a room's reader gets: the newest page or what they lack, and older pages."""

from threading import Thread
from uuid import uuid4

import msgspec
import pytest
from django.db import connections

from chat.models import Message, Participant
from chat.realtime.protocol.codes import CATCH_UP, PAGE_BYTES, PAGE_MESSAGES
from chat.realtime.protocol.outgoing import Message as Said
from chat.selectors import history, snapshot
from chat.selectors.messages import JoinedSnapshot
from tenants.context import TenantRef, in_tenant
from tests.support.rows import edit, mark
from tests.support.talk import room_of, say, visitor


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
        seen: list[JoinedSnapshot] = []
        said: list[str] = []

        def write() -> None:
            while len(said) < 60 or (len({one.head for one in seen}) <= 3 and len(said) < 2_000):
                said.append(f"{len(said)}")
                say(acme, room_id, vic, said[-1])
            connections.close_all()

        writer = Thread(target=write)
        writer.start()
        running = True
        while running:
            running = writer.is_alive()
            with in_tenant(acme):
                seen.append(snapshot(vic, room_id))
        writer.join()
        assert seen[-1].head == 1 + len(said)
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
