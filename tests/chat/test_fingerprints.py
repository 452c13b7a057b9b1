"""A deleted message leaves nothing from which its words could be guessed, and sending it again stays harmless."""

import hashlib
from pathlib import Path
from typing import Final
from uuid import UUID, uuid4

import psycopg
import pytest
from django.db import transaction

from chat.models import Change as MessageChange
from chat.models import Message, Room
from chat.realtime.amend import Amended, Change, amend_sync
from chat.realtime.append import Appended, Row, append_sync
from chat.realtime.protocol.incoming import Open
from chat.services.messages import author_of, open_room
from saas.core.errors import Conflict
from tenants.context import TenantRef, in_tenant
from tenants.tokens import Principal
from tests.chat.test_tombstones import places_of
from tests.support.community import delete, message_of
from tests.support.talk import room_of, visitor

MIGRATION: Final = Path("chat/migrations/sql/0012_fingerprints.sql").read_text()


@pytest.fixture
def vic(acme: TenantRef) -> Principal:
    return visitor(acme)


@pytest.fixture
def room(acme: TenantRef, vic: Principal) -> UUID:
    return room_of(acme, vic, "hello")


def says(tenant: TenantRef, row: Row) -> Appended:
    with in_tenant(tenant), transaction.atomic():
        return append_sync([row])[0]


def changes(tenant: TenantRef, change: Change) -> Amended:
    with in_tenant(tenant), transaction.atomic():
        return amend_sync([change])[0]


def test_no_table_holds_a_print_of_what_was_said(acme: TenantRef, vic: Principal, room: UUID) -> None:
    row = Row(room, author_of(vic), uuid4(), f"4711 {uuid4()}")
    stored = says(acme, row)
    edit = Change("edit", room, author_of(vic), uuid4(), stored.id, text=f"4712 {uuid4()}")
    react = Change("react", room, author_of(vic), uuid4(), stored.id, emoji="🪔", on=True)
    assert [changes(acme, one).outcome for one in (edit, react)] == ["stored", "stored"]
    prints = [one.content_hash().hex() for one in (row, edit, react)]
    assert [places_of(acme, one) for one in prints] == [["chat_message"], ["chat_change"], ["chat_change"]]

    delete(acme, room, vic, stored.id)

    assert [places_of(acme, one) for one in prints] == [[], [], []]
    with in_tenant(acme):
        assert Message.objects.get(id=stored.id).content_hash is None


def test_what_was_deleted_may_come_again_and_is_stored_no_more(acme: TenantRef, vic: Principal, room: UUID) -> None:
    row = Row(room, author_of(vic), uuid4(), "first words")
    stored = says(acme, row)
    edit = Change("edit", room, author_of(vic), uuid4(), stored.id, text="other words")
    edited = changes(acme, edit)
    delete(acme, room, vic, stored.id)
    for again in (row, Row(room, author_of(vic), row.cid, "quite other words")):
        done = says(acme, again)
        assert (done.outcome, done.seq, done.id) == ("again", stored.seq, stored.id)
    changed = changes(acme, edit)
    assert (changed.outcome, changed.seq) == ("again", edited.seq)
    with in_tenant(acme):
        assert Message.objects.get(id=stored.id).text == ""
        assert Message.objects.filter(room=room).count() == 2


def test_what_was_not_deleted_is_refused_with_other_words(acme: TenantRef, vic: Principal, room: UUID) -> None:
    row = Row(room, author_of(vic), uuid4(), "first words")
    says(acme, row)
    message = message_of(acme, room, vic, "never mind")
    delete(acme, room, vic, message)
    assert says(acme, Row(room, author_of(vic), row.cid, "other words")).outcome == "conflict"


@pytest.mark.parametrize("form", [None, {"mail": "vic@shop.example"}])
def test_the_first_words_of_a_room_leave_no_print_either(acme: TenantRef, vic: Principal, form: dict[str, str] | None) -> None:
    words = f"4713 {uuid4()}"
    frame = Open(cid=uuid4(), kind="support", text=words, form=form)
    with in_tenant(acme):
        opened = open_room(vic, frame, agents=[])
    with in_tenant(acme), pytest.raises(Conflict):
        open_room(vic, Open(cid=frame.cid, kind="support", text="other words", form=form), agents=[])
    content = hashlib.sha256(f"{words}\0{sorted((form or {}).items())}".encode()).hexdigest()
    assert places_of(acme, content) == ["chat_room"]

    delete(acme, opened.room_id, vic, opened.stored[0][1].id)

    assert places_of(acme, content) == []
    with in_tenant(acme):
        again = open_room(vic, frame, agents=[])
        assert (again.room_id, again.notified) == (opened.room_id, None)
        assert [done.outcome for _, done in again.stored] == ["again"] * len(opened.stored)
        assert Room.objects.filter(visitor=vic.id, open_cid=frame.cid).count() == 1


def test_prints_of_what_was_deleted_before_are_gone(
    acme: TenantRef, vic: Principal, room: UUID, superuser: psycopg.Connection[tuple[object, ...]]
) -> None:
    """What the migration does to a tenant that has deleted messages already."""
    stored = says(acme, Row(room, author_of(vic), uuid4(), "gone"))
    kept = says(acme, Row(room, author_of(vic), uuid4(), "kept"))
    changes(acme, Change("edit", room, author_of(vic), uuid4(), stored.id, text="gone, too"))
    delete(acme, room, vic, stored.id)
    with in_tenant(acme):
        Message.objects.filter(id=stored.id).update(content_hash=b"print")
        MessageChange.objects.filter(message=stored.id).update(content_hash=b"print")
    cleaning = MIGRATION.partition("-- What was deleted before.")[2]
    superuser.execute(cleaning.replace("{schema}", acme.schema).encode())
    with in_tenant(acme):
        assert Message.objects.get(id=stored.id).content_hash is None
        assert set(MessageChange.objects.filter(message=stored.id).values_list("content_hash", flat=True)) == {None}
        assert Message.objects.get(id=kept.id).content_hash is not None
