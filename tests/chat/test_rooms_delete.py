"""A room is deleted for good: what goes is said in numbers, all of it goes, and what was used stays counted."""

from dataclasses import astuple
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.db import transaction
from django.utils import timezone

from billing.models import UsageEvent
from chat.models import Change, Invitation, Message, Notification, Participant, Reaction, Report, Room
from chat.realtime.amend import Change as Asked
from chat.realtime.amend import amend_sync
from chat.services.deletion import Losses, delete_room, what_goes
from chat.services.invitations import invite
from chat.services.messages import author_of
from chat.services.moderation import report_message
from chat.services.rooms import create_room
from saas.core import files
from saas.core.errors import BadFrame, Conflict, Forbidden, NotFound, ReadOnly
from tenants.context import TenantRef, in_tenant
from tenants.models import AuditEntry, Role
from tenants.tokens import Principal
from tests.support.community import Visit, community, member, message_of, team_member, tries
from tests.support.talk import room_of, visitor

TITLE = "The shop's friends"


def lively(tenant: TenantRef, who: Principal) -> tuple[UUID, UUID]:
    """A community room in which everything has happened, and the file in it."""
    room, file = community(tenant), files.put(tenant.id, b"a picture")
    vic, val = member(tenant, room), member(tenant, room)
    message = message_of(tenant, room, vic, "look at this")
    tries(tenant, val, room, "nice")
    report_message(tenant, val, room_id=room, message_id=message, reason="loud")
    invite(tenant, who, room_id=room, expires_in=60, uses=5)
    with in_tenant(tenant), transaction.atomic():
        Message.objects.filter(id=message).update(attachments=[{"id": str(file), "name": "lamp.png"}])
        assert amend_sync([Asked("react", room, author_of(val), uuid4(), message, emoji="👍", on=True)])[0].outcome == "stored"
    return room, file


def left_of(tenant: TenantRef, room: UUID) -> dict[str, int]:
    """The rows that still name the room."""
    with in_tenant(tenant):
        models = (Message, Participant, Report, Invitation, Change)
        found = {model.__name__: model.objects.filter(room=room).count() for model in models}
        found["Notification"] = Notification.objects.filter(room_id=room).count()
        found["Room"] = Room.objects.filter(id=room).count()
        found["Reaction"] = Reaction.objects.filter(message__room=room).count()
        return {name: count for name, count in found.items() if count}


def test_what_goes_is_said_in_numbers(acme: TenantRef, ada_: Principal) -> None:
    room, _ = lively(acme, ada_)
    assert what_goes(acme, ada_, room) == Losses(messages=2, people=2, files=1, reports=1, invitations=1)


def test_an_invitation_that_is_over_is_no_loss(acme: TenantRef, ada_: Principal) -> None:
    room, _ = lively(acme, ada_)
    with in_tenant(acme):
        Invitation.objects.filter(room=room).update(expires_at=timezone.now() - timedelta(seconds=1))
    assert what_goes(acme, ada_, room).invitations == 0


def test_all_of_it_goes(acme: TenantRef, ada_: Principal) -> None:
    room, file = lively(acme, ada_)
    assert left_of(acme, room).keys() >= {"Message", "Participant", "Report", "Invitation", "Change", "Room", "Reaction"}
    lost = delete_room(acme, ada_, room_id=room, sure=TITLE)
    assert astuple(lost) == (2, 2, 1, 1, 1)
    assert left_of(acme, room) == {}
    with pytest.raises(NotFound):
        files.size(acme.id, file)


def test_what_was_used_stays_counted(acme: TenantRef, ada_: Principal) -> None:
    room, _ = lively(acme, ada_)
    with in_tenant(acme):
        said = list(Message.objects.filter(room=room, kind="text").values_list("id", flat=True))
    delete_room(acme, ada_, room_id=room, sure=TITLE)
    assert UsageEvent.objects.filter(tenant_id=acme.id, source_id__in=said).count() == len(said) == 2


def test_another_room_keeps_what_it_has(acme: TenantRef, ada_: Principal) -> None:
    (room, _), (other, file) = lively(acme, ada_), lively(acme, ada_)
    before = left_of(acme, other)
    delete_room(acme, ada_, room_id=room, sure=TITLE)
    assert left_of(acme, other) == before
    assert files.size(acme.id, file)


@pytest.mark.parametrize("sure", ["", "the shop's friends", "The shop's friend"])
def test_another_title_deletes_nothing(acme: TenantRef, ada_: Principal, sure: str) -> None:
    room, file = lively(acme, ada_)
    with pytest.raises(BadFrame) as refused:
        delete_room(acme, ada_, room_id=room, sure=sure)
    assert refused.value.field == "sure"
    assert TITLE in refused.value.message
    assert "Message" in left_of(acme, room)
    assert files.size(acme.id, file)


@pytest.mark.parametrize(("role", "error"), [(Role.AGENT, Forbidden), (Role.VIEWER, ReadOnly)])
def test_only_heads_delete(acme: TenantRef, ada_: Principal, role: Role, error: type[Exception]) -> None:
    room, _ = lively(acme, ada_)
    with pytest.raises(error):
        delete_room(acme, team_member(acme, role), room_id=room, sure=TITLE)
    assert "Room" in left_of(acme, room)


def test_a_room_with_a_visitor_is_not_deleted_so(acme: TenantRef, ada_: Principal) -> None:
    room = room_of(acme, visitor(acme), "hello")
    with pytest.raises(Conflict):
        what_goes(acme, ada_, room)
    with pytest.raises(Conflict):
        delete_room(acme, ada_, room_id=room, sure="x")
    assert "Room" in left_of(acme, room)


def test_a_room_of_another_tenant_is_not_there(acme: TenantRef, globex: TenantRef, ada_: Principal) -> None:
    room = community(globex)
    with pytest.raises(NotFound):
        delete_room(acme, ada_, room_id=room, sure=TITLE)
    assert "Room" in left_of(globex, room)


def test_a_team_room_goes_too(acme: TenantRef, ada_: Principal) -> None:
    room = create_room(acme, ada_, kind="team", title="Us").id
    delete_room(acme, ada_, room_id=room, sure="  Us ")
    assert left_of(acme, room) == {}


def test_nobody_finds_or_fills_it_any_more(acme: TenantRef, ada_: Principal) -> None:
    room, _ = lively(acme, ada_)
    vic = member(acme, room)
    delete_room(acme, ada_, room_id=room, sure=TITLE)
    assert tries(acme, vic, room, "hello?") == "not_found"
    assert str(room) not in [one["id"] for one in Visit(acme, vic).get("/rooms").json()["rooms"]]
    with pytest.raises(NotFound):
        delete_room(acme, ada_, room_id=room, sure=TITLE)


def test_it_is_written_down_with_the_numbers(acme: TenantRef, ada_: Principal) -> None:
    room, _ = lively(acme, ada_)
    delete_room(acme, ada_, room_id=room, sure=TITLE)
    entry = AuditEntry.objects.get(tenant_id=acme.id, act="room.deleted", thing_id=str(room))
    assert (entry.by_id, entry.thing_name, entry.before["messages"], entry.after) == (ada_.id, TITLE, 2, {})
