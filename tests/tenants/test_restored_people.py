"""A tenant that stands is restored: who was removed since does not come in again by it, and everybody concerned reads of it."""

from pathlib import Path

import pytest

from tenants import services
from tenants.audit import AuditQuery, acts_of
from tenants.context import TenantRef
from tenants.models import AuditEntry, Domain, Membership, Role, Tenant
from tests.support.archives import Superuser, back_up, destroy, manifest_of, move_away, restore
from tests.support.people import host, join, owner_of, ref_of, signed_in
from tests.support.web import Browser


@pytest.fixture
def mallory(tenant: TenantRef) -> Membership:
    """An admin."""
    return join(tenant, Role.ADMIN, "Mallory")


@pytest.fixture
def archive(tenant: TenantRef, mallory: Membership, tmp_path: Path) -> Path:
    """Of when she was one."""
    return back_up(tenant, tmp_path)


def remove(tenant: TenantRef, member: Membership) -> None:
    services.remove(Membership.objects.select_related("user").get(id=member.id), by=ref_of(owner_of(tenant)))


def acts(tenant: TenantRef, act: str) -> list[AuditEntry]:
    return list(AuditEntry.objects.filter(tenant_id=tenant.id, act=act))


def again(tenant: TenantRef, member: Membership) -> Membership:
    """Their membership as it is now; the one of before went with its id."""
    return Membership.objects.select_related("user").get(tenant_id=tenant.id, user=member.user_id)


def test_who_was_removed_does_not_come_in_again(tenant: TenantRef, mallory: Membership, archive: Path) -> None:
    browser = signed_in(tenant, mallory)
    assert browser.get(f"{host(tenant)}/people/").status_code == 200
    remove(tenant, mallory)
    assert restore(archive, "--replace").returncode == 0
    assert again(tenant, mallory).disabled_at is not None
    assert Browser().sign_in(f"{host(tenant)}/people/", mallory.user.email).status_code == 403


def test_an_owner_lets_them_in(tenant: TenantRef, mallory: Membership, archive: Path) -> None:
    remove(tenant, mallory)
    restore(archive, "--replace")
    services.enable(again(tenant, mallory), by=ref_of(owner_of(tenant)))
    assert signed_in(tenant, mallory).get(f"{host(tenant)}/people/").status_code == 200


def test_the_operator_reads_who_it_is_and_which_hosts(tenant: TenantRef, mallory: Membership, tmp_path: Path) -> None:
    given_up = f"chat.{tenant.slug}.example"
    Domain.objects.create(tenant_id=tenant.id, domain=given_up, is_primary=False)
    made = back_up(tenant, tmp_path)
    remove(tenant, mallory)
    Domain.objects.filter(domain=given_up).delete()
    _, *lines = restore(made, "--replace").stdout.splitlines()
    assert lines == [
        f"Back among its members, disabled until an owner enables them: Mallory <{mallory.user.email}> (admin)",
        f"Back among its hosts: {given_up}",
    ]
    (entry,) = acts(tenant, "tenant.restored")
    assert entry.after["hosts_brought_back"] == [given_up]


def test_the_tenants_log_says_so(tenant: TenantRef, mallory: Membership, archive: Path) -> None:
    remove(tenant, mallory)
    restore(archive, "--replace")
    (restored,), (member,) = acts(tenant, "tenant.restored"), acts(tenant, "member.restored")
    assert restored.after == {"archive_made_at": manifest_of(archive).made_at}
    assert (member.thing_kind, member.thing_id, member.thing_name) == ("member", str(mallory.user_id), "Mallory")
    assert member.after == {"role": "admin", "email": mallory.user.email, "disabled": True}
    read = [(one.by, one.sentence) for one in acts_of(tenant.id, AuditQuery(by="porchlight")) if ".restored" in one.act]
    assert read == [("", "brought Mallory back from an archive"), ("", f"restored {tenant.name} from an archive")]


def test_who_is_there_stays_as_they_are_and_is_not_named(tenant: TenantRef, mallory: Membership, archive: Path) -> None:
    services.change_role(again(tenant, mallory), Role.VIEWER, by=ref_of(owner_of(tenant)))
    done = restore(archive, "--replace")
    assert (again(tenant, mallory).role, again(tenant, mallory).disabled_at) == ("viewer", None)
    assert len(done.stdout.splitlines()) == 1
    assert acts(tenant, "member.restored") == []


def test_a_tenant_that_lost_all_its_members_has_them_as_they_were(tenant: TenantRef, mallory: Membership, archive: Path) -> None:
    """The last owner is never removed, so this was an accident; and nobody would be there to enable anybody."""
    destroy(tenant)
    done = restore(archive)
    assert again(tenant, mallory).disabled_at is None
    assert "Back among its members, as they were, since it had no owner: Mallory <" in done.stdout
    assert {one.thing_name: one.after.get("disabled") for one in acts(tenant, "member.restored")} == {
        "Mallory": None,
        "Olga": None,
    }


def test_at_another_installation_nobody_is_named_and_everybody_is_in(
    tenant: TenantRef, mallory: Membership, archive: Path, superuser: Superuser
) -> None:
    move_away(superuser, tenant)
    done = restore(archive)
    assert Tenant.objects.filter(id=tenant.id).exists()
    assert again(tenant, mallory).disabled_at is None
    assert len(done.stdout.splitlines()) == 1
    assert (len(acts(tenant, "tenant.restored")), acts(tenant, "member.restored")) == (1, [])
