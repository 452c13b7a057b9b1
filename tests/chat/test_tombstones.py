"""A message that is deleted takes its words along, wherever they were quoted."""

from collections.abc import Callable
from threading import Thread
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection

from chat.models import Notification
from chat.realtime.protocol.incoming import Open
from chat.selectors.reports import ReportOut
from chat.services import moderation
from chat.services.messages import open_room
from chat.services.moderation import report_message
from tenants.context import TenantRef, in_tenant
from tenants.models import Role
from tenants.tokens import Principal
from tests.support.community import community, delete, member, message_of, team_member
from tests.support.talk import visitor

WORDS = "my card is 4111"


@pytest.fixture
def ada_(acme: TenantRef) -> Principal:
    return team_member(acme, Role.OWNER)


def bodies(tenant: TenantRef, key: str) -> set[str]:
    """What those who were told of it have of it."""
    with in_tenant(tenant):
        return set(Notification.objects.filter(key=key).values_list("body", flat=True))


def places_of(tenant: TenantRef, words: str) -> list[str]:
    """Every table of the tenant that holds the words somewhere."""
    with in_tenant(tenant), connection.cursor() as cursor:
        cursor.execute("SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema()")
        tables = [name for (name,) in cursor.fetchall() if name != "django_migrations"]
        held = []
        for table in tables:
            cursor.execute(f'SELECT EXISTS (SELECT FROM "{table}" one WHERE one::text LIKE %s)', [f"%{words}%"])
            held += [table] if cursor.fetchone()[0] else []
        return sorted(held)


def test_the_first_words_of_a_room_leave_with_their_message(acme: TenantRef, ada_: Principal) -> None:
    vic, words = visitor(acme), f"{WORDS} {uuid4()}"
    with in_tenant(acme):
        opened = open_room(vic, Open(cid=uuid4(), kind="support", text=words), agents=[ada_.id])
    (_row, done) = opened.stored[-1]
    assert places_of(acme, words) == ["chat_message", "chat_notification", "chat_room"]

    delete(acme, opened.room_id, vic, done.id)

    assert places_of(acme, words) == []
    assert bodies(acme, f"room_opened:{opened.room_id}") == {""}


def test_another_deleted_message_takes_nothing_from_what_was_told_of_the_room(acme: TenantRef, ada_: Principal) -> None:
    vic = visitor(acme)
    with in_tenant(acme):
        opened = open_room(vic, Open(cid=uuid4(), kind="support", text="Which lamp fits?"), agents=[ada_.id])
    delete(acme, opened.room_id, vic, message_of(acme, opened.room_id, vic, "never mind"))
    assert bodies(acme, f"room_opened:{opened.room_id}") == {"Which lamp fits?"}


def test_reported_words_leave_the_reports_notification(acme: TenantRef) -> None:
    room, words = community(acme), f"{WORDS} {uuid4()}"
    rude, hurt = member(acme, room), member(acme, room)
    message, other = message_of(acme, room, rude, words), message_of(acme, room, rude, "and more")
    for one in (message, other):
        report_message(acme, hurt, room_id=room, message_id=one, reason="rude")
    assert bodies(acme, f"report:{message}") == {words}

    delete(acme, room, rude, message)

    assert places_of(acme, words) == []
    assert bodies(acme, f"report:{message}") == {""}
    assert bodies(acme, f"report:{other}") == {"and more"}


def test_words_that_are_deleted_while_they_are_reported_are_quoted_nowhere(
    acme: TenantRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    room, words = community(acme), f"{WORDS} {uuid4()}"
    rude, hurt = member(acme, room), member(acme, room)
    message = message_of(acme, room, rude, words)
    deleting = Thread(target=on_own_connection, args=(delete, acme, room, rude, message))
    tell = moderation._tell_moderators

    def tell_meanwhile(tenant: TenantRef, report: ReportOut) -> None:
        deleting.start()
        deleting.join(0.5)
        tell(tenant, report)

    monkeypatch.setattr(moderation, "_tell_moderators", tell_meanwhile)
    report_message(acme, hurt, room_id=room, message_id=message, reason="rude")
    deleting.join(10)
    assert bodies(acme, f"report:{message}") == {""}
    assert places_of(acme, words) == []


def on_own_connection(act: Callable[..., None], *args: Any) -> None:
    """A thread has a connection of its own, which it closes."""
    try:
        act(*args)
    finally:
        connection.close()
