"""Staff look into a tenant that agreed, for a while, and change nothing there."""

from datetime import timedelta

import pytest

from billing.clock import now
from billing.models import BillingAudit, SupportVisit
from billing.services import visits
from saas.core.errors import BadFrame, Conflict, Forbidden
from tenants.context import TenantRef
from tenants.models import Membership, SignIn, User
from tenants.resolve import forget, membership_for
from tests.billing.staff.conftest import MakeStaff
from tests.support.cast import MakeTenant
from tests.support.shop import owner_email
from tests.support.web import Browser

WHY = "You asked why a room is empty."


@pytest.fixture
def agreed(make_tenant: MakeTenant) -> TenantRef:
    tenant = make_tenant()
    visits.consent(tenant.id, until=now() + timedelta(hours=2), by=owner_of(tenant))
    return tenant


def owner_of(tenant: TenantRef) -> User:
    return User.objects.get(email=owner_email(tenant))


def test_a_visitor_reads_and_is_nobody_afterwards(agreed: TenantRef, make_staff: MakeStaff) -> None:
    sam = make_staff("support")
    assert membership_for(agreed.id, sam.id) is None
    visit = visits.begin(agreed.id, staff=sam, reason=WHY)
    member = membership_for(agreed.id, sam.id)
    assert member is not None
    assert (member.role, member.is_support) == ("viewer", True)
    SignIn.objects.create(tenant_id=agreed.id, user=sam)
    visits.end(visit.id)
    assert membership_for(agreed.id, sam.id) is None
    assert not SignIn.objects.filter(tenant_id=agreed.id, user=sam, ended_at=None).exists()


def test_nobody_looks_in_without_consent(make_tenant: MakeTenant, make_staff: MakeStaff) -> None:
    tenant = make_tenant()
    with pytest.raises(Forbidden, match="has not agreed"):
        visits.begin(tenant.id, staff=make_staff("support"), reason=WHY)
    assert not SupportVisit.for_tenant(tenant.id).exists()


def test_a_visit_ends_with_its_time(agreed: TenantRef, make_staff: MakeStaff) -> None:
    sam = make_staff("support")
    visit = visits.begin(agreed.id, staff=sam, reason=WHY, length=timedelta(hours=1))
    SupportVisit.objects.filter(id=visit.id).update(ends_at=now())
    forget(agreed.id)
    assert membership_for(agreed.id, sam.id) is None
    assert visits.end_due() >= 1
    assert SupportVisit.objects.get(id=visit.id).ended_at is not None


def test_consent_taken_back_ends_visits(agreed: TenantRef, make_staff: MakeStaff) -> None:
    sam = make_staff("support")
    visits.begin(agreed.id, staff=sam, reason=WHY)
    visits.consent(agreed.id, until=None, by=owner_of(agreed))
    assert membership_for(agreed.id, sam.id) is None


def test_a_visit_is_no_longer_than_consent(agreed: TenantRef, make_staff: MakeStaff) -> None:
    visit = visits.begin(agreed.id, staff=make_staff("support"), reason=WHY, length=timedelta(hours=4))
    assert visit.ends_at <= now() + timedelta(hours=2)


@pytest.mark.parametrize(("reason", "hours"), [("  ", 1), (WHY, 5), (WHY, 0)])
def test_a_visit_needs_a_reason_and_an_end(agreed: TenantRef, make_staff: MakeStaff, reason: str, hours: int) -> None:
    with pytest.raises(BadFrame):
        visits.begin(agreed.id, staff=make_staff("support"), reason=reason, length=timedelta(hours=hours))


def test_members_come_in_as_themselves(agreed: TenantRef, make_staff: MakeStaff) -> None:
    sam = make_staff("support")
    Membership.objects.create(tenant_id=agreed.id, user=sam, role="agent")
    with pytest.raises(Conflict, match="as yourself"):
        visits.begin(agreed.id, staff=sam, reason=WHY)


def test_the_tenant_can_read_who_looked_in_and_why(agreed: TenantRef, make_staff: MakeStaff) -> None:
    sam = make_staff("support")
    visit = visits.begin(agreed.id, staff=sam, reason=WHY)
    visits.end(visit.id)
    acts = list(BillingAudit.objects.filter(tenant_id=agreed.id, action__startswith="support.").order_by("at"))
    assert [(act.action, act.reason) for act in acts] == [("support.consent", ""), ("support.begin", WHY), ("support.end", WHY)]
    assert (acts[1].actor, acts[1].is_staff) == (sam.email, True)


def test_staff_read_the_inbox_under_a_banner_and_write_nothing(
    agreed: TenantRef, make_staff: MakeStaff, browser: Browser
) -> None:
    sam = make_staff("support")
    visits.begin(agreed.id, staff=sam, reason=WHY)
    page = browser.sign_in(f"http://{agreed.slug}.localhost:8000/inbox/", sam.email)
    assert page.status_code == 200
    assert "support visit" in page.content.decode().lower()
    site = browser.post(f"http://{agreed.slug}.localhost:8000/sites/new/", {"name": "Theirs"})
    assert site.status_code == 403
