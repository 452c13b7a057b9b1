"""Staff give a tenant another name: its people read it in their audit log, without a word of who of the staff it was."""

from uuid import uuid4

import pytest

from tenants.audit import AuditQuery, acts_of
from tenants.context import TenantRef
from tenants.models import AuditEntry, Tenant, User
from tenants.resolve import tenant_for_host
from tests.support.cast import MakeTenant
from tests.support.web import PLATFORM, Browser


@pytest.fixture
def tenant(make_tenant: MakeTenant) -> TenantRef:
    return make_tenant()


@pytest.fixture
def staff(ada: User) -> Browser:
    """A browser in which somebody of the staff is signed in."""
    email = f"{uuid4().hex}@porchlight.example"
    User.objects.create(email=email, name="Sam", is_staff=True, is_superuser=True, password=ada.password)
    browser = Browser()
    assert browser.sign_in(f"{PLATFORM}/staff/", email).status_code == 200
    return browser


def send(staff: Browser, tenant: TenantRef, name: str) -> int:
    """Send the form of the tenant's page with this name; the answer's status."""
    page = f"{PLATFORM}/staff/tenants/tenant/{tenant.id}/change/"
    formsets = staff.get(page).context["inline_admin_formsets"]
    counts = {key: value for each in formsets for key, value in _counts(each.formset).items()}
    return int(staff.post(page, {**counts, "name": name, "_save": "Save"}).status_code)


def _counts(formset: object) -> dict[str, object]:
    management = formset.management_form  # type: ignore[attr-defined]
    return {management.add_prefix(name): value for name, value in management.initial.items()}


def renamings(tenant: TenantRef) -> list[AuditEntry]:
    return list(AuditEntry.objects.filter(tenant_id=tenant.id, act="tenant.renamed"))


def test_it_stands_in_the_tenants_log_with_what_was_and_what_is(staff: Browser, tenant: TenantRef) -> None:
    before = Tenant.objects.get(id=tenant.id).name
    assert send(staff, tenant, "Lamps and Shades") == 302
    assert Tenant.objects.get(id=tenant.id).name == "Lamps and Shades"
    (entry,) = renamings(tenant)
    assert (entry.before, entry.after) == ({"name": before}, {"name": "Lamps and Shades"})
    assert (entry.thing_kind, entry.thing_id) == ("tenant", str(tenant.id))


def test_staff_are_not_named_nor_where_they_sat(staff: Browser, tenant: TenantRef) -> None:
    send(staff, tenant, "Lamps and Shades")
    (entry,) = renamings(tenant)
    assert (entry.by_kind, entry.by_id, entry.by_name, entry.address, entry.browser, entry.way) == ("", None, "", "", "", "")
    read = next(one for one in acts_of(tenant.id, AuditQuery(by="porchlight")) if one.act == "tenant.renamed")
    assert read.changes == [("name", entry.before["name"], "Lamps and Shades")]


def test_the_same_name_again_is_no_act(staff: Browser, tenant: TenantRef) -> None:
    assert send(staff, tenant, Tenant.objects.get(id=tenant.id).name) == 302
    assert renamings(tenant) == []


def test_its_pages_bear_the_new_name_at_once(staff: Browser, tenant: TenantRef) -> None:
    host = f"{tenant.slug}.localhost:8000"
    assert getattr(tenant_for_host(host), "name", "") == tenant.name
    send(staff, tenant, "Lamps and Shades")
    assert getattr(tenant_for_host(host), "name", "") == "Lamps and Shades"
