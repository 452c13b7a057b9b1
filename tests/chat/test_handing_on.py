"""The rooms of an agent who leaves go to somebody else, in the same transaction, and everybody sees it."""

from typing import Any
from uuid import UUID

import pytest
from django.db import transaction

from chat.models import Notification, Room
from chat.services import handing_on
from saas.core import registry
from tenants import services
from tenants.context import TenantRef, in_tenant
from tenants.models import Membership, Role
from tests.support.cast import MakeTenant
from tests.support.people import join, owner_of, ref_of
from tests.support.talk import room_of, visitor


@pytest.fixture
def tenant(make_tenant: MakeTenant) -> TenantRef:
    return make_tenant()


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The summaries that open inboxes were told."""
    heard: list[Any] = []
    monkeypatch.setattr(handing_on, "_tell", lambda _tenant, rooms: heard.extend(rooms))
    return heard


def rooms_of(tenant: TenantRef, holder: Membership, *, resolved: int = 0, count: int = 2) -> list[UUID]:
    """Rooms that this member holds, of which the last are resolved."""
    rooms = [room_of(tenant, visitor(tenant), "hello") for _ in range(count + resolved)]
    with in_tenant(tenant):
        Room.objects.filter(id__in=rooms).update(assignee_id=holder.user_id)
        Room.objects.filter(id__in=rooms[count:]).update(status=Room.Status.RESOLVED)
    return rooms


def holders(tenant: TenantRef, rooms: list[UUID]) -> list[UUID | None]:
    with in_tenant(tenant):
        held = dict(Room.objects.filter(id__in=rooms).values_list("id", "assignee_id"))
    return [held[room] for room in rooms]


def heard_by(tenant: TenantRef, member: Membership) -> list[str]:
    with in_tenant(tenant):
        mine = Notification.objects.filter(recipient_id=member.user_id, category="assignments")
        return list(mine.values_list("title", flat=True))


def test_open_rooms_go_to_the_heir_and_resolved_ones_to_nobody(tenant: TenantRef, told: list[Any]) -> None:
    ben, eve = join(tenant, Role.AGENT), join(tenant, Role.AGENT, "Eve")
    rooms, others = rooms_of(tenant, ben, resolved=1), rooms_of(tenant, eve)
    assert registry.rooms_held(tenant=tenant, user_id=ben.user_id) == [2]
    gone = services.disable(ben, by=ref_of(owner_of(tenant)), heir=eve.user_id)
    assert gone.rooms == 2
    assert holders(tenant, rooms) == [eve.user_id, eve.user_id, None]
    assert holders(tenant, others) == [eve.user_id, eve.user_id], "what others hold is untouched"
    assert {summary.id for summary in told} == set(rooms)
    assert {summary.assignee for summary in told} == {eve.user_id, None}
    assert heard_by(tenant, eve) == ["Olga gave you the 2 rooms of Ben"]


def test_without_an_heir_they_wait_for_whoever_comes(tenant: TenantRef) -> None:
    ben = join(tenant, Role.AGENT)
    rooms = rooms_of(tenant, ben)
    with in_tenant(tenant):
        before = list(Room.objects.filter(id__in=rooms).order_by("id").values_list("rev", flat=True))
    services.change_role(ben, Role.VIEWER, by=ref_of(owner_of(tenant)))
    assert holders(tenant, rooms) == [None, None]
    with in_tenant(tenant):
        after = list(Room.objects.filter(id__in=rooms).order_by("id").values_list("rev", flat=True))
    assert after == [rev + 1 for rev in before], "clients keep the newer summary"


def test_nothing_is_handed_on_if_the_change_fails(tenant: TenantRef, told: list[Any]) -> None:
    ben, eve = join(tenant, Role.AGENT), join(tenant, Role.AGENT, "Eve")
    rooms = rooms_of(tenant, ben)
    with transaction.atomic():
        services.disable(ben, by=ref_of(owner_of(tenant)), heir=eve.user_id)
        transaction.set_rollback(True)
    assert holders(tenant, rooms) == [ben.user_id, ben.user_id]
    ben.refresh_from_db()
    assert ben.disabled_at is None
    assert told == []
    assert heard_by(tenant, eve) == []


def test_who_holds_none_hands_on_none(tenant: TenantRef, told: list[Any]) -> None:
    ben, eve = join(tenant, Role.AGENT), join(tenant, Role.AGENT, "Eve")
    assert services.disable(ben, by=ref_of(owner_of(tenant)), heir=eve.user_id).rooms == 0
    assert told == []
    assert heard_by(tenant, eve) == []
