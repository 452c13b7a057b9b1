"""The end of a tenant: what it owes first, its data last, its bills never."""

import io
import json
import zipfile
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from procrastinate.contrib.django.models import ProcrastinateJob

from billing.models import BillingAccount, BillingAudit, Invoice, Subscription, UsageEvent
from billing.services.access import settle, tick
from billing.services.alerts import remind
from billing.services.audit import Actor
from billing.services.closing import close_by_clock, close_tenant, erase
from billing.services.comps import give_key
from billing.services.export import a_export, export
from chat.models import Message, Site
from saas.core import files
from saas.core.errors import Conflict
from tenants.context import TenantRef, in_tenant, run_on_platform
from tenants.models import Domain, EmbedKey, Membership, Tenant
from tests.billing.test_alerts import use
from tests.support.cast import MakeTenant
from tests.support.owing import Clock, account_of, fail, invoice, mails, pay, subscribe
from tests.support.talk import room_of, visitor

DAY = timedelta(days=1)


@pytest.fixture
def tenant(make_tenant: MakeTenant) -> TenantRef:
    """With a room, a message and a file."""
    made = make_tenant()
    room_of(made, visitor(made), "Hello?")
    files.put(made.id, b"a picture of a cat")
    return made


def owner(tenant: TenantRef) -> Actor:
    return Actor(f"owner@{tenant.slug}.example")


def schemas(superuser: psycopg.Connection[Any], tenant: TenantRef) -> tuple[int, int]:
    """Whether the tenant's schema and its role are there."""
    found = superuser.execute("SELECT count(*) FROM pg_namespace WHERE nspname = %s", [tenant.schema]).fetchone()
    roles = superuser.execute("SELECT count(*) FROM pg_roles WHERE rolname = %s", [tenant.role]).fetchone()
    assert found
    assert roles
    return found[0], roles[0]


class TestByItsOwner:
    def test_a_tenant_with_an_open_invoice_is_asked_to_pay_first(
        self, tenant: TenantRef, superuser: psycopg.Connection[Any]
    ) -> None:
        owed = invoice(tenant, number="PL-77", total=7620)
        with pytest.raises(Conflict) as refused:
            close_tenant(tenant.id, owner(tenant))
        assert str(refused.value) == (
            "The invoice PL-77 of $76.20 is open. Pay it under Billing, Invoices; then the tenant can be closed."
        )
        assert account_of(tenant).access_state == "ok"
        assert schemas(superuser, tenant) == (1, 1)
        pay(tenant)
        close_tenant(tenant.id, owner(tenant))
        assert account_of(tenant).access_state == "closed"
        assert Invoice.objects.filter(id=owed.id, status="paid").exists()

    def test_nobody_comes_in_and_a_job_deletes_what_it_held(self, tenant: TenantRef, superuser: psycopg.Connection[Any]) -> None:
        use(tenant, 5)
        close_tenant(tenant.id, owner(tenant))
        assert Tenant.objects.get(id=tenant.id).status == "closed"
        jobs = ProcrastinateJob.objects.filter(task_name="billing.services.closing.erase_tenant", args__tenant_id=str(tenant.id))
        assert jobs.count() == 1
        for _ in range(2):  # a job may run twice
            erase(tenant.id)
        assert schemas(superuser, tenant) == (0, 0)
        assert list(files.files_of(tenant.id)) == []
        for model in (Domain, EmbedKey, Membership):
            assert not model.objects.filter(tenant_id=tenant.id).exists()
        assert UsageEvent.objects.filter(tenant_id=tenant.id).exists(), "what was used stays"
        audit = BillingAudit.objects.get(tenant_id=tenant.id, action="access.close")
        assert (audit.actor, audit.after) == (f"owner@{tenant.slug}.example", {"state": "closed", "reason": "closed"})
        assert mails(tenant) == [f"{tenant.name}: Your tenant is closed"]

    def test_a_plan_given_for_nothing_ends_with_it(self, tenant: TenantRef) -> None:
        give_key(tenant.id, "business", seats=3)
        close_tenant(tenant.id, owner(tenant))
        assert Subscription.for_tenant(tenant.id).get().status == "canceled"

    def test_nothing_leads_back(self, tenant: TenantRef) -> None:
        close_tenant(tenant.id, owner(tenant))
        assert settle(tenant.id) == "closed"
        assert Tenant.objects.get(id=tenant.id).status == "closed"

    def test_what_is_not_closed_is_never_deleted(self, tenant: TenantRef, superuser: psycopg.Connection[Any]) -> None:
        with pytest.raises(Conflict):
            erase(tenant.id)
        assert schemas(superuser, tenant) == (1, 1)


class TestByTheClock:
    @pytest.fixture
    def owing(self, tenant: TenantRef) -> TenantRef:
        subscribe(tenant, stripe_id=None, source="manual")
        fail(tenant)
        tick(tenant.id)
        return tenant

    def test_after_90_days_and_three_notices(self, owing: TenantRef, clock: Clock) -> None:
        clock.move(60 * DAY)
        assert tick(owing.id) == "suspended"
        for days in (0, 23, 6):
            clock.move(days * DAY)
            assert remind(owing.id) == 1
            assert close_by_clock(owing.id) is False
        clock.move(DAY)
        assert close_by_clock(owing.id) is True
        assert (account_of(owing).access_state, account_of(owing).access_reason) == ("closed", "unpaid")
        assert Invoice.for_tenant(owing.id).get().status == "open", "staff see it still"

    def test_without_a_notice_it_waits(self, owing: TenantRef, clock: Clock) -> None:
        clock.move(200 * DAY)
        tick(owing.id)
        assert close_by_clock(owing.id) is False
        remind(owing.id)
        clock.move(DAY)
        assert close_by_clock(owing.id) is True

    def test_a_payment_saves_it(self, owing: TenantRef, clock: Clock) -> None:
        clock.move(89 * DAY)
        tick(owing.id)
        remind(owing.id)
        pay(owing)
        assert settle(owing.id) == "ok"
        clock.move(30 * DAY)
        assert close_by_clock(owing.id) is False

    def test_whom_staff_suspended_is_not_closed_by_it(self, owing: TenantRef, clock: Clock) -> None:
        clock.move(89 * DAY)
        tick(owing.id)
        BillingAccount.objects.filter(pk=owing.id).update(suspended_by_staff=True)
        clock.move(30 * DAY)
        assert close_by_clock(owing.id) is False


class TestExport:
    def test_all_of_it_and_no_secrets(self, tenant: TenantRef) -> None:
        found = read(b"".join(export(tenant.id)))
        assert {name for name in found if not name.startswith("files/")} == {
            "tenant.json", "members.ndjson", "sites.ndjson", "visitors.ndjson", "rooms.ndjson", "participants.ndjson",
            "messages.ndjson", "reactions.ndjson", "reports.ndjson",
        }  # fmt: skip
        (message,) = map(json.loads, found["messages.ndjson"].splitlines())
        assert (message["text"], message["author_kind"]) == ("Hello?", "visitor")
        assert json.loads(found["tenant.json"])["slug"] == tenant.slug
        assert b"hash" not in b"".join(found.values())
        assert [content for name, content in found.items() if name.startswith("files/")] == [b"a picture of a cat"]

    def test_it_is_the_tenants_own(self, tenant: TenantRef, make_tenant: MakeTenant) -> None:
        other = make_tenant()
        room_of(other, visitor(other), "A secret of theirs")
        assert b"A secret of theirs" not in b"".join(read(b"".join(export(tenant.id))).values())

    def test_more_rows_than_a_page(self, tenant: TenantRef, monkeypatch: pytest.MonkeyPatch) -> None:
        room_of(tenant, visitor(tenant), *(f"Line {number}" for number in range(25)))
        monkeypatch.setattr("chat.selectors.export.PAGE", 10)
        found = read(b"".join(export(tenant.id)))
        with in_tenant(tenant):
            stored = {str(one) for one in Message.objects.values_list("id", flat=True)}
        assert {json.loads(line)["id"] for line in found["messages.ndjson"].splitlines()} == stored
        assert len(stored) == 26

    async def test_it_can_be_streamed(self, make_tenant: MakeTenant) -> None:
        tenant = await run_on_platform(make_tenant)
        found = read(b"".join([piece async for piece in a_export(tenant.id)]))
        assert json.loads(found["sites.ndjson"])["name"] == tenant.name

    def test_a_suspended_tenant_may(self, tenant: TenantRef) -> None:
        Tenant.objects.filter(id=tenant.id).update(status="suspended")
        with in_tenant(tenant):
            sites = Site.objects.count()
        assert len(read(b"".join(export(tenant.id)))["sites.ndjson"].splitlines()) == sites


def read(zipped: bytes) -> dict[str, bytes]:
    """The files of a zip by name; its checksums are right."""
    with zipfile.ZipFile(io.BytesIO(zipped)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}
