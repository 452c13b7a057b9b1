"""Who may become a member: seats are counted where the member is made, and what an old role opened is closed."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest
from django.db import connections

from saas.core import registry
from saas.core.errors import AppError, BadFrame, Conflict, PlanLimit
from tenants.context import TenantRef
from tenants.models import Membership, Role, SignIn, User
from tenants.services import add_member, change_role, disable, record_sign_in
from tests.support.cast import make_user
from tests.support.order import at_once


@pytest.fixture
def usual_plan() -> str:
    """Two seats, of which the owner has one."""
    return "free"


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What the hook that closes sockets was told."""
    heard: list[dict[str, Any]] = []
    monkeypatch.setattr(registry.sessions_ended, "_answers", [lambda **facts: heard.append(facts)])
    return heard


def somebody(name: str = "Ben") -> User:
    return make_user(f"{uuid4().hex}@acme.example", name)


def test_a_seat_that_is_left_is_given(tenant: TenantRef) -> None:
    member = add_member(tenant_id=tenant.id, user=somebody(), role=Role.AGENT)
    assert (member.role, member.disabled_at) == (Role.AGENT, None)


def test_without_a_seat_nobody_comes_in_but_who_reads(tenant: TenantRef) -> None:
    add_member(tenant_id=tenant.id, user=somebody(), role=Role.AGENT)
    with pytest.raises(PlanLimit, match=r"2 seats here and 2 are held.*choose a plan with more"):
        add_member(tenant_id=tenant.id, user=somebody("Eve"), role=Role.AGENT)
    reader = add_member(tenant_id=tenant.id, user=somebody("Eve"), role=Role.VIEWER)
    with pytest.raises(PlanLimit):
        change_role(reader, Role.AGENT)
    reader.refresh_from_db()
    assert reader.role == Role.VIEWER


def test_who_is_taken_in_by_two_at_once_comes_in_once(tenant: TenantRef) -> None:
    user = somebody()
    works = [lambda: add_member(tenant_id=tenant.id, user=user, role=Role.VIEWER) for _ in range(4)]
    came = at_once(works)
    assert sorted(type(one).__name__ for one in came) == ["Conflict", "Conflict", "Conflict", "Membership"]


def test_the_last_seat_is_given_once(tenant: TenantRef) -> None:
    users = [somebody() for _ in range(4)]

    def come(user: User) -> bool:
        try:
            add_member(tenant_id=tenant.id, user=user, role=Role.AGENT)
        except AppError:
            return False
        finally:
            connections.close_all()
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(come, users)) == [False, False, False, True]
    assert Membership.objects.filter(tenant_id=tenant.id, disabled_at=None).count() == 2


def test_a_seat_that_is_free_again_is_given_again(tenant: TenantRef) -> None:
    first, second = somebody(), somebody("Eve")
    disable(add_member(tenant_id=tenant.id, user=first, role=Role.AGENT))
    disable(add_member(tenant_id=tenant.id, user=second, role=Role.AGENT))
    again = add_member(tenant_id=tenant.id, user=first, role=Role.ADMIN)
    assert (again.role, again.disabled_at) == (Role.ADMIN, None)
    assert Membership.objects.filter(tenant_id=tenant.id, user=first).count() == 1


def test_who_loses_a_seat_in_a_room_is_out_of_it(tenant: TenantRef, told: list[dict[str, Any]]) -> None:
    """Their socket, opened as an agent, closes at once; the seat is free."""
    member = add_member(tenant_id=tenant.id, user=somebody(), role=Role.AGENT)
    open_in = record_sign_in(user_id=member.user_id, tenant_id=tenant.id)
    change_role(member, Role.VIEWER)
    theirs = {"tenant_id": tenant.id, "user_id": member.user_id}
    assert told == [theirs | {"sid": str(open_in.id)}, theirs | {"sid": None}], "there, and wherever else a socket is open"
    assert SignIn.objects.get(id=open_in.id).ended_at is not None
    assert add_member(tenant_id=tenant.id, user=somebody("Eve"), role=Role.AGENT).role == Role.AGENT


def test_who_is_taken_out_while_in_a_room_is_out_of_it(tenant: TenantRef, told: list[dict[str, Any]]) -> None:
    member = add_member(tenant_id=tenant.id, user=somebody(), role=Role.AGENT)
    open_in = record_sign_in(user_id=member.user_id, tenant_id=tenant.id)
    disable(member)
    theirs = {"tenant_id": tenant.id, "user_id": member.user_id}
    assert told == [theirs | {"sid": str(open_in.id)}, theirs | {"sid": None}], "there, and wherever else a socket is open"


def test_what_is_no_role_and_who_is_a_member_already(tenant: TenantRef) -> None:
    user = somebody()
    with pytest.raises(BadFrame, match="'boss' is not one of owner, admin, agent, viewer"):
        add_member(tenant_id=tenant.id, user=user, role="boss")
    add_member(tenant_id=tenant.id, user=user, role=Role.VIEWER)
    with pytest.raises(Conflict, match="is a member already"):
        add_member(tenant_id=tenant.id, user=user, role=Role.VIEWER)


def test_a_tenant_keeps_an_owner(tenant: TenantRef) -> None:
    owner = Membership.objects.get(tenant_id=tenant.id)
    with pytest.raises(Conflict, match="last owner"):
        change_role(owner, Role.AGENT)
    add_member(tenant_id=tenant.id, user=somebody(), role=Role.OWNER)
    change_role(owner, Role.AGENT)
    owner.refresh_from_db()
    assert owner.role == Role.AGENT
