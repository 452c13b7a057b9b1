"""Changing members: who may, what ends with it, and what two people who do it at once are told."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connections

from saas.core import registry
from saas.core.errors import BadFrame, ChangedSince, Conflict, Forbidden, NotFound, PlanLimit
from saas.core.seen import mark_of
from tenants import services
from tenants.context import TenantRef
from tenants.models import AuditEntry, Membership, Role, SignIn
from tenants.resolve import membership_for
from tenants.services.members import values_of
from tests.support.cast import MakeTenant
from tests.support.people import join, owner_of, ref_of


@pytest.fixture
def left(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What the hook that hands on rooms was told; each hands on two."""
    told: list[dict[str, Any]] = []

    def answer(**facts: Any) -> int:
        told.append(facts)
        return 2

    monkeypatch.setattr(registry.member_left, "_answers", [answer])
    return told


def acts(tenant: TenantRef) -> list[tuple[str, str, str]]:
    found = AuditEntry.objects.filter(tenant_id=tenant.id, thing_kind="member").order_by("id")
    return list(found.values_list("act", "by_name", "thing_name"))


def test_a_disabled_member_is_out_and_comes_in_again(tenant: TenantRef, left: list[dict[str, Any]]) -> None:
    ben, eve, olga = join(tenant, Role.AGENT), join(tenant, Role.AGENT, "Eve"), ref_of(owner_of(tenant))
    sign_in = services.record_sign_in(user_id=ben.user_id, tenant_id=tenant.id)
    gone = services.disable(ben, by=olga, heir=eve.user_id)
    assert (gone.name, gone.rooms) == ("Ben", 2)
    assert (left[0]["user_id"], left[0]["heir"], left[0]["by"]) == (ben.user_id, eve.user_id, "Olga")
    assert membership_for(tenant.id, ben.user_id) is None
    assert SignIn.objects.get(id=sign_in.id).ended_at is not None
    services.enable(ben, by=olga)
    assert ref_of(ben).role == "agent"
    assert acts(tenant) == [("member.disabled", "Olga", "Ben"), ("member.enabled", "Olga", "Ben")]


def test_a_removed_member_leaves_no_membership(tenant: TenantRef, left: list[dict[str, Any]]) -> None:
    ben = join(tenant, Role.AGENT)
    services.remove(ben, by=ref_of(owner_of(tenant)))
    assert not Membership.objects.filter(id=ben.id).exists()
    assert membership_for(tenant.id, ben.user_id) is None
    assert [act for act, *_ in acts(tenant)] == ["member.disabled", "member.removed"]
    with pytest.raises(NotFound):
        services.change_role(ben, Role.VIEWER, by=ref_of(owner_of(tenant)))


def test_who_reads_only_hands_on_their_rooms(tenant: TenantRef, left: list[dict[str, Any]]) -> None:
    ben, olga = join(tenant, Role.AGENT), ref_of(owner_of(tenant))
    services.change_role(ben, Role.ADMIN, by=olga)
    assert left == []
    services.change_role(ben, Role.VIEWER, by=olga)
    assert left[0]["user_id"] == ben.user_id
    assert left[0]["heir"] is None


@pytest.mark.parametrize("wrong", ["stranger", "viewer", "disabled", "themselves"])
def test_rooms_go_to_a_member_who_answers(tenant: TenantRef, make_tenant: MakeTenant, wrong: str) -> None:
    ben, olga = join(tenant, Role.AGENT), ref_of(owner_of(tenant))
    eve = join(tenant, Role.AGENT, "Eve")
    if wrong == "stranger":
        eve = owner_of(make_tenant())
    elif wrong == "viewer":
        services.change_role(eve, Role.VIEWER, by=olga)
    elif wrong == "disabled":
        services.disable(eve, by=olga)
    else:
        eve = ben
    with pytest.raises(NotFound) as refusal:
        services.disable(ben, by=olga, heir=eve.user_id)
    assert refusal.value.field == "heir"
    ben.refresh_from_db()
    assert ben.disabled_at is None, "nothing was done"


def test_nobody_changes_themselves_and_only_owners_change_owners(tenant: TenantRef) -> None:
    owner, admin = owner_of(tenant), join(tenant, Role.ADMIN, "Adam")
    olga, adam = ref_of(owner), ref_of(admin)
    for act in (services.disable, services.remove):
        with pytest.raises(Conflict, match="This is you"):
            act(admin, by=adam)
        with pytest.raises(Forbidden, match="Only an owner"):
            act(owner, by=adam)
    with pytest.raises(Conflict, match="This is you"):
        services.change_role(owner, Role.ADMIN, by=olga)
    with pytest.raises(Forbidden, match="Only an owner makes"):
        services.change_role(join(tenant, Role.AGENT), Role.OWNER, by=adam)
    services.change_role(admin, Role.OWNER, by=olga)
    assert ref_of(admin).role == "owner"


@pytest.mark.parametrize("role", [Role.AGENT, Role.VIEWER])
def test_who_may_not_change_people(tenant: TenantRef, role: str) -> None:
    ben, reader = join(tenant, Role.AGENT), ref_of(join(tenant, role, "Rita"))
    for act in (services.disable, services.remove, services.enable):
        with pytest.raises(Forbidden, match="may not change people"):
            act(ben, by=reader)
    with pytest.raises(Forbidden):
        services.change_role(ben, Role.VIEWER, by=reader)


def test_what_is_no_role(tenant: TenantRef) -> None:
    with pytest.raises(BadFrame, match="'boss' is not one of owner, admin, agent, viewer"):
        services.change_role(join(tenant, Role.AGENT), "boss", by=ref_of(owner_of(tenant)))


def test_the_last_owner_stays(tenant: TenantRef) -> None:
    owner = owner_of(tenant)
    for act in (services.disable, lambda one: services.change_role(one, Role.ADMIN)):
        with pytest.raises(Conflict, match="last owner"):
            act(owner)
    services.change_role(join(tenant, Role.ADMIN), Role.OWNER)
    services.disable(owner)
    assert membership_for(tenant.id, owner.user_id) is None


def test_two_owners_who_put_each_other_out_at_once_leave_one(tenant: TenantRef) -> None:
    first, second = owner_of(tenant), join(tenant, Role.OWNER, "Otto")
    asked = [(first, ref_of(second)), (second, ref_of(first))]

    def put_out(pair: Any) -> bool:
        try:
            services.disable(pair[0], by=pair[1])
        except Conflict:
            return False
        finally:
            connections.close_all()
        return True

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(put_out, asked)) == [False, True]


def test_whoever_changes_a_member_second_is_told(tenant: TenantRef) -> None:
    ben, olga = join(tenant, Role.AGENT), ref_of(owner_of(tenant))
    seen = mark_of(values_of(ben))
    services.change_role(ben, Role.ADMIN, by=olga, seen=seen)
    with pytest.raises(ChangedSince) as refusal:
        services.change_role(ben, Role.VIEWER, by=olga, seen=seen)
    assert refusal.value.stored == {"role": "admin", "disabled": False}
    services.change_role(ben, Role.VIEWER, by=olga, seen=mark_of(refusal.value.stored))
    assert ref_of(ben).role == "viewer"


def test_handing_over(tenant: TenantRef) -> None:
    owner, admin = owner_of(tenant), join(tenant, Role.ADMIN, "Adam")
    signed_in = [services.record_sign_in(user_id=one.user_id, tenant_id=tenant.id) for one in (owner, admin)]
    heir = services.transfer(tenant.id, by=ref_of(owner), to=admin.id)
    assert heir.name == "Adam"
    assert (ref_of(admin).role, ref_of(owner).role) == ("owner", "admin")
    assert all(SignIn.objects.get(id=one.id).ended_at for one in signed_in)
    said = AuditEntry.objects.get(tenant_id=tenant.id, act="tenant.owner_changed")
    assert (said.before, said.after) == ({"owner": "Olga"}, {"owner": "Adam"})
    with pytest.raises(Forbidden):
        services.transfer(tenant.id, by=ref_of(owner), to=admin.id)


def test_who_cannot_take_over(tenant: TenantRef, make_tenant: MakeTenant) -> None:
    olga = ref_of(owner_of(tenant))
    for wrong in (owner_of(make_tenant()).id, olga.user_id):
        with pytest.raises(NotFound):
            services.transfer(tenant.id, by=olga, to=wrong)
    with pytest.raises(Conflict, match="is an owner already"):
        services.transfer(tenant.id, by=olga, to=join(tenant, Role.OWNER).id)
    with pytest.raises(Forbidden):
        services.transfer(tenant.id, by=ref_of(join(tenant, Role.ADMIN)), to=join(tenant, Role.AGENT).id)


def test_renaming(tenant: TenantRef) -> None:
    olga, seen = ref_of(owner_of(tenant)), mark_of({"name": tenant.name})
    services.rename_tenant(tenant.id, name="Acme & Sons", by=olga, seen=seen)
    with pytest.raises(ChangedSince):
        services.rename_tenant(tenant.id, name="Acme", by=olga, seen=seen)
    with pytest.raises(Forbidden):
        services.rename_tenant(tenant.id, name="Mine", by=ref_of(join(tenant, Role.ADMIN)))
    said = AuditEntry.objects.get(tenant_id=tenant.id, act="tenant.renamed")
    assert said.after == {"name": "Acme & Sons"}


class TestSeats:
    @pytest.fixture
    def usual_plan(self) -> str:
        """Two seats, of which the owner has one."""
        return "free"

    def test_a_disabled_member_needs_a_seat_to_come_in_again(self, tenant: TenantRef) -> None:
        ben, olga = join(tenant, Role.AGENT), ref_of(owner_of(tenant))
        services.disable(ben, by=olga)
        eve = join(tenant, Role.AGENT, "Eve")
        with pytest.raises(PlanLimit):
            services.enable(ben, by=olga)
        services.disable(eve, by=olga)
        services.enable(ben, by=olga)
        assert ref_of(ben).role == "agent"
