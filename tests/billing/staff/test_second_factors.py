"""Staff help somebody in who lost all that proves who they are: found, asked by one, approved by another, written down."""

import re
from typing import Any
from uuid import uuid4

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from billing.models import BillingAudit, FactorRemoval
from billing.services import second_factors
from saas.core.errors import BadFrame, Conflict, Forbidden, NotFound
from tenants.context import TenantRef
from tenants.models import Membership, Role, User
from tests.billing.staff.conftest import MakeStaff
from tests.support.cast import MakeTenant
from tests.support.cluster import manage
from tests.support.people import address, give_factor, host, join, mails_to, signed_in, text_of
from tests.support.web import PLATFORM, Browser, Page

PEOPLE = f"{PLATFORM}/staff/people/"
WHY = "She called from the number in our contract."


@pytest.fixture
def tenant(make_tenant: MakeTenant) -> TenantRef:
    return make_tenant()


@pytest.fixture
def nell(tenant: TenantRef) -> User:
    """An agent with a second factor."""
    user = join(tenant, Role.AGENT, "Nell").user
    give_factor(user)
    return user


@pytest.fixture
def sam(make_staff: MakeStaff) -> User:
    return make_staff("support")


@pytest.fixture
def lea(make_staff: MakeStaff) -> User:
    return make_staff("support")


def asked(user: User, by: User, why: str = WHY) -> FactorRemoval:
    return second_factors.ask(user.id, by=by, reason=why, form_key=uuid4())


def factors(user: User) -> int:
    return int(Authenticator.objects.filter(user=user).count())


def desk(staff: User) -> Browser:
    """A browser in which this member of staff has opened the page."""
    browser = Browser()
    browser.sign_in(PEOPLE, staff.email)
    return browser


def words(page: Page) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text_of(page)))


def page_of(user: User) -> str:
    return f"{PEOPLE}{user.id}/"


def ask_on_page(browser: Browser, user: User, **said: Any) -> Page:
    return browser.post(f"{page_of(user)}second-factors/", {"reason": WHY, "form_key": str(uuid4()), **said})


def settle(browser: Browser, removal: FactorRemoval, verdict: str, **said: str) -> Page:
    return browser.follow(browser.post(f"{PEOPLE}removals/{removal.id}/{verdict}/", said))


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

    def test_there_is_nobody_like_that(self, sam: User) -> None:
        assert desk(sam).get(f"{PEOPLE}{uuid4()}/").status_code == 404


class TestSecondPerson:
    def test_one_asks_and_another_approves(self, sam: User, lea: User, nell: User) -> None:
        first, second = desk(sam), desk(lea)
        shown = first.follow(ask_on_page(first, nell))
        assert "Nothing is taken away before somebody else of the staff approves it" in words(shown)
        assert factors(nell) == 2
        assert "Somebody else must approve what you asked for." in words(first.get(PEOPLE))
        waiting = words(second.get(PEOPLE))
        assert "Waiting for a second person" in waiting
        assert WHY in waiting
        removal = FactorRemoval.objects.get(user=nell)
        done = words(settle(second, removal, "approve"))
        assert "Taken away: authenticator app, recovery codes." in done
        assert factors(nell) == 0
        assert mails_to(nell.email) == 1
        removal.refresh_from_db()
        assert (removal.status, removal.requested_by, removal.settled_by) == ("done", sam, lea)
        assert "They have no second factor." in done

    def test_not_the_same_person(self, sam: User, nell: User) -> None:
        removal, browser = asked(nell, sam), desk(sam)
        assert "Somebody else must approve what you asked for." in words(settle(browser, removal, "approve"))
        with pytest.raises(Forbidden):
            second_factors.approve(removal.id, by=sam)
        assert factors(nell) == 2

    def test_the_database_holds_it_too(self, sam: User, nell: User) -> None:
        removal = asked(nell, sam)
        for values in ({"status": "done"}, {"status": "done", "settled_by": sam}, {"status": "done", "settled_by": nell}):
            with pytest.raises(IntegrityError), transaction.atomic():
                FactorRemoval.objects.filter(id=removal.id).update(**values)
        with pytest.raises(IntegrityError), transaction.atomic():
            FactorRemoval.objects.filter(id=removal.id).update(requested_by=nell)

    def test_declined_with_a_reason(self, sam: User, lea: User, nell: User) -> None:
        removal, browser = asked(nell, sam), desk(lea)
        assert "Say why." in words(settle(browser, removal, "decline", reason=" "))
        page = words(settle(browser, removal, "decline", reason="She called me: it was not her."))
        assert "keeps their second factor" in page
        assert "She called me: it was not her." in page
        assert factors(nell) == 2
        with pytest.raises(Conflict, match="declined already"):
            second_factors.approve(removal.id, by=lea)

    def test_one_takes_back_what_one_asked(self, sam: User, nell: User) -> None:
        removal = asked(nell, sam)
        assert "Take it back" in words(desk(sam).get(page_of(nell)))
        assert second_factors.decline(removal.id, by=sam, reason="The wrong Nell.").status == "declined"

    def test_it_is_done_once(self, sam: User, lea: User, nell: User) -> None:
        removal = asked(nell, sam)
        second_factors.approve(removal.id, by=lea)
        with pytest.raises(Conflict, match="done already"):
            second_factors.approve(removal.id, by=lea)
        assert mails_to(nell.email) == 1

    def test_nothing_is_done_for_who_has_none_left(self, sam: User, lea: User, nell: User) -> None:
        removal = asked(nell, sam)
        Authenticator.objects.filter(user=nell).delete()
        with pytest.raises(Conflict, match="has no second factor"):
            second_factors.approve(removal.id, by=lea)
        assert FactorRemoval.objects.get(id=removal.id).status == "waiting"
        assert mails_to(nell.email) == 0

    def test_a_form_sent_twice_is_one_and_a_second_one_waits(self, sam: User, lea: User, nell: User) -> None:
        key = uuid4()
        made = second_factors.ask(nell.id, by=sam, reason=WHY, form_key=key)
        assert second_factors.ask(nell.id, by=sam, reason=WHY, form_key=key) == made
        with pytest.raises(Conflict, match="asked for already"):
            asked(nell, lea)
        assert FactorRemoval.objects.filter(user=nell).count() == 1


class TestReason:
    @pytest.mark.parametrize("reason", ["", "   "])
    def test_none_is_refused_beside_the_field(self, sam: User, nell: User, reason: str) -> None:
        answer = ask_on_page(desk(sam), nell, reason=reason)
        assert answer.status_code == 422
        assert "Say why, and how you know that it is them." in answer.context["form"].errors["reason"]
        assert not FactorRemoval.objects.filter(user=nell).exists()
        with pytest.raises(BadFrame):
            asked(nell, sam, reason)

    def test_only_staff_read_it(self, sam: User, lea: User, nell: User, tenant: TenantRef) -> None:
        second_factors.approve(asked(nell, sam).id, by=lea)
        owner = Membership.objects.select_related("user").get(tenant_id=tenant.id, role=Role.OWNER)
        log = text_of(signed_in(tenant, owner, "/audit/").get(f"{host(tenant)}/audit/"))
        assert "took away the second factor of Nell" in " ".join(log.split())
        assert WHY not in log
        assert sam.email not in log


class TestWhoMay:
    @pytest.mark.parametrize(("group", "status"), [("support", 302), ("billing", 403), ("", 302)])
    def test_support_and_superusers_ask(self, make_staff: MakeStaff, nell: User, group: str, status: int) -> None:
        assert ask_on_page(desk(make_staff(group)), nell).status_code == status
        assert FactorRemoval.objects.filter(user=nell).exists() == (status == 302)

    @pytest.mark.parametrize(("group", "left"), [("support", 0), ("billing", 2), ("", 0)])
    def test_support_and_superusers_approve(self, make_staff: MakeStaff, sam: User, nell: User, group: str, left: int) -> None:
        removal, browser = asked(nell, sam), desk(make_staff(group))
        browser.post(f"{PEOPLE}removals/{removal.id}/approve/", {})
        assert factors(nell) == left

    def test_billing_looks_only(self, make_staff: MakeStaff, nell: User) -> None:
        assert "Your group may look only." in words(desk(make_staff("billing")).get(page_of(nell)))

    def test_nobody_else_comes_near(self, sam: User, nell: User, tenant: TenantRef) -> None:
        """Neither a stranger nor the owner of their tenant, nor staff of no group."""
        removal, owner, outside = asked(nell, sam), Browser(), Browser()
        owner.sign_in(f"{PLATFORM}/home/", f"owner@{tenant.slug}.example")
        for browser in (owner, outside):
            for path in ("", f"{nell.id}/", f"{nell.id}/second-factors/", f"removals/{removal.id}/approve/"):
                for answer in (browser.get(PEOPLE + path), browser.post(PEOPLE + path, {"reason": WHY})):
                    assert answer.status_code == 302
                    assert "/login/" in answer["Location"] or "/sign-in/" in answer["Location"]
        assert factors(nell) == 2
        loose = desk(sam)
        sam.groups.clear()
        assert loose.get(PEOPLE).status_code == 403

    def test_staff_are_helped_by_superusers_alone(self, make_staff: MakeStaff, sam: User, lea: User) -> None:
        boss, other, mia = make_staff(""), make_staff(""), make_staff("support")
        give_factor(mia)
        with pytest.raises(Forbidden, match="Only superusers"):
            asked(mia, sam)
        removal = asked(mia, boss)
        with pytest.raises(Forbidden, match="Only superusers"):
            second_factors.approve(removal.id, by=lea)
        assert factors(mia) == 2
        second_factors.approve(removal.id, by=other)
        assert factors(mia) == 0

    def test_nobody_helps_themselves(self, make_staff: MakeStaff) -> None:
        boss, other = make_staff(""), make_staff("")
        give_factor(boss)
        with pytest.raises(Forbidden, match="This is you"):
            asked(boss, boss)
        removal = asked(boss, other)
        with pytest.raises(Forbidden, match="This is you"):
            second_factors.approve(removal.id, by=boss)
        assert factors(boss) == 2

    def test_nothing_of_who_is_unknown_or_has_none(self, sam: User, tenant: TenantRef) -> None:
        with pytest.raises(NotFound):
            second_factors.ask(uuid4(), by=sam, reason=WHY, form_key=uuid4())
        with pytest.raises(NotFound):
            second_factors.approve(uuid4(), by=sam)
        kim = join(tenant, Role.AGENT, "Kim").user
        with pytest.raises(Conflict, match="has no second factor"):
            asked(kim, sam)
        answer = ask_on_page(desk(sam), kim)
        assert answer.status_code == 409
        assert desk(sam).post(f"{PEOPLE}removals/{uuid4()}/approve/", {}).status_code == 404


class TestRecord:
    def test_each_step_stands_in_staff_s_own_record(self, sam: User, lea: User, nell: User) -> None:
        removal = asked(nell, sam)
        second_factors.decline(removal.id, by=lea, reason="Ask her for a call.")
        second_factors.approve(asked(nell, sam).id, by=lea)
        rows = list(BillingAudit.objects.filter(after__person=nell.email).order_by("id"))
        assert [(row.action, row.actor, row.reason) for row in rows] == [
            ("second_factor.ask", sam.email, WHY),
            ("second_factor.decline", lea.email, "Ask her for a call."),
            ("second_factor.ask", sam.email, WHY),
            ("second_factor.remove", lea.email, ""),
        ]
        assert all(row.is_staff and row.tenant_id is None for row in rows)
        assert rows[-1].after["factors"] == "authenticator app, recovery codes"

    def test_it_is_found_by_the_person_s_address_and_says_from_where(self, sam: User, nell: User) -> None:
        browser = desk(sam)
        ask_on_page(browser, nell)
        page = words(browser.get(f"{PLATFORM}/staff/money/audit/?q={nell.email}"))
        assert "second_factor.ask" in page
        assert "127.0.0.1" in page


class TestCommand:
    def test_an_operator_without_two_members_of_staff(self, sam: User, nell: User) -> None:
        removal = asked(nell, sam)
        said = manage("remove_second_factors", nell.email, "--reason", "I know her.").stdout
        assert "Taken away: authenticator app, recovery codes." in said
        assert factors(nell) == 0
        removal.refresh_from_db()
        assert (removal.status, removal.answer) == ("declined", "Done by a command.")
        row = BillingAudit.objects.get(action="second_factor.remove", after__person=nell.email)
        assert (row.actor, row.reason) == ("", "I know her.")

    @pytest.mark.parametrize(
        ("email", "reason", "refusal"),
        [pytest.param(address(), WHY, NotFound, id="nobody"), pytest.param("", " ", BadFrame, id="no reason")],
    )
    def test_what_it_refuses(self, nell: User, email: str, reason: str, refusal: type[Exception]) -> None:
        with pytest.raises(refusal):
            second_factors.remove_by_operator(email or nell.email, reason=reason)
        assert factors(nell) == 2
