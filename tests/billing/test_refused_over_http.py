"""What a restricted tenant, and a plan, refuse over HTTP: rooms, sites, programs, keys. And what stays open while suspended."""

from datetime import timedelta
from typing import Any

import pytest

from billing.access import Act
from billing.models import Subscription
from billing.services.access import suspend, tick
from billing.services.audit import Actor
from billing.standing import refuse
from chat.services.sites import create_site
from saas.core.errors import PlanLimit
from tenants.context import TenantRef
from tests.support.api import Program, signed_in
from tests.support.cast import MakeTenant
from tests.support.owing import Clock, fail, subscribe
from tests.support.shop import owner_email
from tests.support.talk import room_of, visitor
from tests.support.visits import site_of
from tests.support.web import Browser

DAY = timedelta(days=1)
STAFF = Actor("sam@porchlight.example", is_staff=True)
ROOM = {"kind": "team", "title": "Kitchen"}


@pytest.fixture
def tenant(make_tenant: MakeTenant) -> TenantRef:
    """On Team."""
    made = make_tenant()
    subscribe(made)
    return made


def restrict(tenant: TenantRef, clock: Clock) -> None:
    fail(tenant)
    tick(tenant.id)
    clock.move(8 * DAY)
    assert tick(tenant.id) == "restricted"


def refused(answer: Any) -> str:
    """The sentence of a refusal by plan."""
    assert (answer.status_code, answer.json()["error"]["code"]) == (402, "plan_limit")
    return str(answer.json()["error"]["message"])


class TestRestricted:
    def test_a_program_changes_nothing_and_reads_on(self, tenant: TenantRef, clock: Clock) -> None:
        program = signed_in(tenant, owner_email(tenant))
        assert program.post("/rooms", ROOM).status_code == 201
        restrict(tenant, clock)
        said = refused(program.post("/rooms", ROOM))
        assert said == (
            "Nothing was changed over the API. A payment failed, and the invoice is still open."
            " An owner or admin can pay it under Billing, Invoices."
        )
        assert program.get("/rooms").status_code == 200

    def test_no_new_rooms_and_sites_from_pages_either(self, tenant: TenantRef, clock: Clock, browser: Browser) -> None:
        create_site(tenant, name="Second")
        restrict(tenant, clock)
        with pytest.raises(PlanLimit, match="No site was made"):
            create_site(tenant, name="Third")
        page = f"http://{tenant.slug}.localhost:8000/inbox/"
        browser.sign_in(page, owner_email(tenant))
        answer = browser.jar(f"{tenant.slug}.localhost:8000").post("/api/v1/rooms", ROOM, content_type="application/json")
        assert refused(answer).startswith("No new room was made.")

    def test_a_room_that_is_there_can_be_resolved(self, tenant: TenantRef, clock: Clock) -> None:
        room = room_of(tenant, visitor(tenant), "hello")
        restrict(tenant, clock)
        assert signed_in(tenant, owner_email(tenant)).post(f"/rooms/{room}/resolve").status_code == 200

    def test_visitors_come_in(self, tenant: TenantRef, clock: Clock) -> None:
        shop = site_of(tenant)
        restrict(tenant, clock)
        assert shop.session().status_code == 200


class TestPlans:
    def test_free_is_without_the_api_and_signed_in_users(self, make_tenant: MakeTenant) -> None:
        free = make_tenant()
        program = signed_in(free, owner_email(free))
        assert "The plan Free is without HTTP API" in refused(program.post("/rooms", ROOM))
        assert program.get("/rooms").status_code == 200

    def test_free_has_one_site(self, make_tenant: MakeTenant) -> None:
        with pytest.raises(PlanLimit, match=r"^The plan Free has 1 site, and 1 is used\. .* under Billing, Plans\.$"):
            create_site(make_tenant(), name="Second")

    def test_team_has_five(self, tenant: TenantRef) -> None:
        for number in range(2, 6):
            create_site(tenant, name=f"Site {number}")
        with pytest.raises(PlanLimit, match="The plan Team has 5 sites, and 5 are used"):
            create_site(tenant, name="Site 6")

    def test_a_smaller_plan_takes_no_site_away(self, tenant: TenantRef) -> None:
        shop = site_of(tenant)
        Subscription.for_tenant(tenant.id).update(status="canceled")
        tick(tenant.id)
        assert shop.session().status_code == 200

    def test_members_wait_while_restricted(self, tenant: TenantRef, clock: Clock) -> None:
        restrict(tenant, clock)
        with pytest.raises(PlanLimit, match="Nobody was invited"):
            refuse(tenant.id, Act.INVITE)


class TestSuspended:
    @pytest.fixture
    def host(self, tenant: TenantRef) -> str:
        suspend(tenant.id, actor=STAFF, reason="It sends spam.")
        return f"{tenant.slug}.localhost:8000"

    def test_everything_says_so(self, host: str, browser: Browser) -> None:
        for path in ("/", "/inbox/", "/install/", "/nowhere/"):
            answer = browser.get(f"http://{host}{path}")
            assert answer.status_code == 403
            assert b'href="/billing/"' in answer.content

    def test_signing_in_and_billing_stay_open(self, tenant: TenantRef, host: str, browser: Browser) -> None:
        page = browser.sign_in(f"http://{host}/billing/", owner_email(tenant))
        assert (page.status_code, browser.url) == (200, f"http://{host}/billing/")

    def test_the_api_is_shut(self, tenant: TenantRef, host: str) -> None:
        answer = Program(tenant, None).get("/rooms")
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "forbidden")

    def test_the_widget_is_unavailable(self, make_tenant: MakeTenant) -> None:
        tenant = make_tenant()
        subscribe(tenant)
        shop = site_of(tenant)
        assert shop.session().status_code == 200
        suspend(tenant.id, actor=STAFF, reason="It sends spam.")
        assert shop.session().status_code == 403
