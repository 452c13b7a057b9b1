"""Staff find somebody who cannot come in, and see what they belong to and how they prove who they are."""

from uuid import uuid4

from allauth.account.models import EmailAddress
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tenants.context import TenantRef
from tenants.models import Membership, Role, User
from tests.billing.staff.conftest import MakeStaff
from tests.billing.staff.people.desk import PEOPLE, desk, page_of, words
from tests.support.cast import MakeTenant
from tests.support.people import address, give_factor, join, signed_in, text_of
from tests.support.web import PLATFORM


class TestFinding:
    def test_an_address_leads_to_its_person(self, sam: User, nell: User) -> None:
        second = EmailAddress.objects.create(user=nell, email=address(), verified=True)
        browser = desk(sam)
        for typed in (nell.email, f" {nell.email.upper()} ", second.email):
            assert browser.get(f"{PEOPLE}?q={typed}")["Location"] == f"/staff/people/{nell.id}/"

    def test_a_part_of_an_address_or_name_lists_who_fits(self, sam: User, nell: User) -> None:
        mark = uuid4().hex
        User.objects.filter(id=nell.id).update(name=f"Nell {mark}")
        other = EmailAddress.objects.create(user=sam, email=f"{mark}@other.example", verified=False)
        page = words(desk(sam).get(f"{PEOPLE}?q={mark}"))
        assert f"Nell {mark}" in page
        assert sam.email in page, f"by {other.email}, which is not verified"
        assert "Nobody has" not in page

    def test_nobody(self, sam: User) -> None:
        assert "Nobody has nobody@no.example in their address or name." in words(desk(sam).get(f"{PEOPLE}?q=nobody@no.example"))

    def test_a_list_costs_the_same_whoever_is_in_it(self, sam: User, tenant: TenantRef) -> None:
        browser, mark = desk(sam), uuid4().hex
        counts = []
        for _ in range(2):
            for _ in range(4):
                give_factor(join(tenant, Role.AGENT, f"Kim {mark}").user)
            with CaptureQueriesContext(connection) as queries:
                assert text_of(browser.get(f"{PEOPLE}?q={mark}")).count(f"Kim {mark}") >= 4
            counts.append(len(queries))
        assert counts[0] == counts[1] <= 16


class TestPage:
    def test_what_they_belong_to_and_how_they_prove_who_they_are(
        self, sam: User, nell: User, tenant: TenantRef, make_tenant: MakeTenant
    ) -> None:
        other = make_tenant()
        Membership.objects.create(tenant_id=other.id, user=nell, role=Role.ADMIN)
        EmailAddress.objects.create(user=nell, email=nell.email, verified=True, primary=True)
        page = words(desk(sam).get(page_of(nell)))
        for part in (tenant.name, "Agent", other.name, "Admin", "Authenticator app", "Recovery codes", f"{nell.email} verified"):
            assert part in page, part
        assert "Signed in last Never" in page

    def test_when_they_came_last(self, sam: User, tenant: TenantRef) -> None:
        kim = join(tenant, Role.AGENT, "Kim")
        signed_in(tenant, kim)
        moment = User.objects.get(id=kim.user_id).last_login
        assert moment is not None
        page = words(desk(sam).get(page_of(kim.user)))
        assert f"Signed in last {moment:%Y-%m-%d %H:%M}" in page
        assert "signed in at 1 place now" in page

    def test_it_costs_few_queries(self, sam: User, nell: User, make_tenant: MakeTenant) -> None:
        browser = desk(sam)
        counts = []
        for _ in range(2):
            for _ in range(2):
                Membership.objects.create(tenant_id=make_tenant().id, user=nell, role=Role.AGENT)
            with CaptureQueriesContext(connection) as queries:
                browser.get(page_of(nell))
            counts.append(len(queries))
        assert counts[0] == counts[1] <= 20

    def test_the_list_of_users_leads_here(self, make_staff: MakeStaff, nell: User) -> None:
        shown = text_of(desk(make_staff("")).get(f"{PLATFORM}/staff/tenants/user/{nell.id}/change/"))
        assert f'<a href="/staff/people/{nell.id}/">Second factors, and help for who lost them</a>' in shown

    def test_it_says_who_reads_of_it(self, sam: User, nell: User) -> None:
        assert "each tenant in which they are active has it in its audit log" in words(desk(sam).get(page_of(nell)))

    def test_there_is_nobody_like_that(self, sam: User) -> None:
        assert desk(sam).get(f"{PEOPLE}{uuid4()}/").status_code == 404
