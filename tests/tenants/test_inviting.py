"""Who may invite whom, how often, and what the page of people says of it."""

from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connections, transaction
from django.utils import timezone

from billing.models import BillingAccount
from billing.services import access
from billing.services.audit import Actor
from saas.core.errors import BadFrame, Conflict, Forbidden, NotFound, PlanLimit, RateLimited
from tenants import limits
from tenants.context import TenantRef
from tenants.models import AuditEntry, Invitation, Membership, Role, Tenant, User
from tenants.services import add_member, disable, invitations
from tests.support.cast import MakeTenant
from tests.support.order import until_waiting
from tests.support.people import (
    NEW,
    address,
    host,
    invited,
    join,
    link_to,
    mails_to,
    owner_of,
    ref_of,
    signed_in,
    text_of,
)
from tests.support.web import Browser


def test_who_may_invite_whom(tenant: TenantRef) -> None:
    admin, agent = ref_of(join(tenant, Role.ADMIN)), ref_of(join(tenant, Role.AGENT))
    assert invitations.invite(tenant.id, by=admin, email=address(), role=Role.ADMIN).role == "admin"
    with pytest.raises(Forbidden, match="Only an owner"):
        invitations.invite(tenant.id, by=admin, email=address(), role=Role.OWNER)
    with pytest.raises(Forbidden):
        invitations.invite(tenant.id, by=agent, email=address(), role=Role.VIEWER)
    with pytest.raises(BadFrame, match="'boss' is not one of"):
        invitations.invite(tenant.id, by=admin, email=address(), role="boss")
    owners = invited(tenant, role=Role.OWNER)
    with pytest.raises(Forbidden):
        invitations.resend(tenant.id, owners.id, by=admin)


def test_who_is_in_or_waits_is_not_invited_again(tenant: TenantRef) -> None:
    member = join(tenant, Role.AGENT)
    with pytest.raises(Conflict, match="is a member already"):
        invited(tenant, member.user.email)
    disable(member)
    with pytest.raises(Conflict, match="enable them again"):
        invited(tenant, member.user.email)
    first = invited(tenant)
    with pytest.raises(Conflict, match="has an invitation already"):
        invited(tenant, first.email)
    Invitation.objects.filter(id=first.id).update(expires_at=timezone.now())
    second = invited(tenant, first.email)
    assert second.id != first.id, "one that ran out makes way"
    ended, made = AuditEntry.objects.filter(tenant_id=tenant.id, thing_name=first.email).order_by("-id")[:2][::-1]
    assert (ended.act, ended.thing_id, ended.by_name) == ("invitation.replaced", str(first.id), "Olga")
    assert (made.act, made.thing_id) == ("member.invited", str(second.id))


def test_of_many_who_invite_the_same_at_once_one_does(tenant: TenantRef) -> None:
    email, by = address(), ref_of(owner_of(tenant))

    def ask(_n: int) -> bool:
        try:
            invitations.invite(tenant.id, by=by, email=email, role=Role.AGENT)
        except Conflict:
            return False
        finally:
            connections.close_all()
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(ask, range(4))) == 1
    assert mails_to(email) == 1


def test_who_accepts_while_the_same_address_is_invited_is_in(tenant: TenantRef, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever invites waits for the invitation that is being accepted, and holds nothing that is needed for that."""
    by, first = ref_of(owner_of(tenant)), invited(tenant)
    code = link_to(first).rstrip("/").rpartition("/")[2]
    waiting, verify = list[Future[Invitation]](), invitations._verify

    def again() -> Invitation:
        try:
            return invitations.invite(tenant.id, by=by, email=first.email, role=Role.AGENT)
        finally:
            connections.close_all()

    def slow(*args: Any) -> None:
        waiting.append(pool.submit(again))
        until_waiting(waiting[0])
        verify(*args)

    monkeypatch.setattr(invitations, "_verify", slow)
    with ThreadPoolExecutor(1) as pool:
        assert invitations.accept_as_new(code, name="Nora", password=NEW["password"]).role == "agent"
        with pytest.raises(Conflict, match="is a member already"):
            waiting[0].result(timeout=30)
    assert Membership.objects.filter(tenant_id=tenant.id, user__email=first.email).count() == 1


def test_who_is_invited_while_staff_suspend_the_tenant_is_invited(tenant: TenantRef) -> None:
    """Who suspends holds the tenant's billing, under which a seat is given, and then writes the tenant's row."""
    by, email = ref_of(owner_of(tenant)), address()

    def ask() -> Invitation:
        try:
            return invitations.invite(tenant.id, by=by, email=email, role=Role.AGENT)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            BillingAccount.objects.select_for_update().get(pk=tenant.id)
            asked = pool.submit(ask)
            until_waiting(asked)
            access.suspend(tenant.id, actor=Actor("staff"), reason="They send spam.")
        assert asked.result(timeout=30).email == email
    assert Tenant.objects.get(id=tenant.id).status == Tenant.Status.SUSPENDED


def test_no_tenant_reaches_the_invitations_of_another(tenant: TenantRef, make_tenant: MakeTenant) -> None:
    other = make_tenant()
    theirs = invited(other)
    for act in (invitations.resend, invitations.withdraw):
        with pytest.raises(NotFound):
            act(tenant.id, theirs.id, by=ref_of(owner_of(tenant)))
    assert invitations.withdraw(other.id, theirs.id, by=ref_of(owner_of(other))).withdrawn_at


def test_mail_to_strangers_is_limited(tenant: TenantRef) -> None:
    by, invitation = ref_of(owner_of(tenant)), invited(tenant)
    for _ in range(limits.INVITATION_AGAIN.times):
        invitations.resend(tenant.id, invitation.id, by=by)
    with pytest.raises(RateLimited):
        invitations.resend(tenant.id, invitation.id, by=by)
    assert mails_to(invitation.email) == 1 + limits.INVITATION_AGAIN.times


class TestSeats:
    @pytest.fixture
    def usual_plan(self) -> str:
        """Two seats, of which the owner has one."""
        return "free"

    def test_a_seat_is_asked_for_twice(self, tenant: TenantRef, browser: Browser) -> None:
        """When somebody is invited, and when they come: meanwhile the last one may be gone."""
        link = link_to(invited(tenant))
        taker = join(tenant, Role.AGENT)
        with pytest.raises(PlanLimit, match="2 seats here and 2 are held"):
            invited(tenant)
        assert invited(tenant, role=Role.VIEWER).role == "viewer"
        page = browser.post(link, NEW)
        assert page.status_code == PlanLimit.status
        assert "2 are held" in text_of(page)
        assert not User.objects.filter(name="Nora", memberships__tenant_id=tenant.id).exists()
        disable(taker)
        assert browser.post(link, NEW).status_code == 302

    def test_without_a_seat_who_is_in_is_said_to_be_in(self, tenant: TenantRef) -> None:
        """And not that a seat is to be bought for them."""
        ben, waiting = join(tenant, Role.VIEWER), invited(tenant)
        join(tenant, Role.AGENT, "Eve")
        with pytest.raises(PlanLimit):
            invited(tenant)
        with pytest.raises(Conflict, match="is a member already"):
            invited(tenant, ben.user.email)
        with pytest.raises(Conflict, match="is a member already"):
            add_member(tenant_id=tenant.id, user=ben.user, role=Role.AGENT)
        with pytest.raises(Conflict, match="has an invitation already"):
            invited(tenant, waiting.email)

    def test_an_invitation_that_ran_out_stays_where_there_is_no_seat(self, tenant: TenantRef) -> None:
        old = invited(tenant)
        Invitation.objects.filter(id=old.id).update(expires_at=timezone.now())
        join(tenant, Role.AGENT)
        with pytest.raises(PlanLimit):
            invited(tenant, old.email)
        old.refresh_from_db()
        assert old.withdrawn_at is None
        assert not AuditEntry.objects.filter(tenant_id=tenant.id, act="invitation.replaced").exists()


class TestPages:
    def test_inviting_from_the_page(self, tenant: TenantRef) -> None:
        browser = signed_in(tenant, owner_of(tenant))
        email = address()
        page = browser.post(f"{host(tenant)}/people/invite/", {"email": "no address", "role": "agent"})
        assert page.status_code == 422
        assert 'value="no address"' in text_of(page)
        assert "no address is no email address" in text_of(page)
        page = browser.post(f"{host(tenant)}/people/invite/", {"email": email, "role": "boss"})
        assert "boss is no role that you can give" in text_of(page)
        done = browser.follow(browser.post(f"{host(tenant)}/people/invite/", {"email": email, "role": "viewer"}))
        assert f"on its way to {email}" in text_of(done)
        assert Invitation.objects.get(email=email).role == "viewer"
        again = browser.post(f"{host(tenant)}/people/invite/", {"email": email, "role": "viewer"})
        assert again.status_code == 422
        assert "has an invitation already" in text_of(again)

    def test_sending_again_and_withdrawing_from_the_page(self, tenant: TenantRef) -> None:
        invitation = invited(tenant)
        browser = signed_in(tenant, owner_of(tenant))
        base = f"{host(tenant)}/people/invitations/{invitation.id}"
        assert "Sent again" in text_of(browser.follow(browser.post(f"{base}/again/", {})))
        assert mails_to(invitation.email) == 2
        assert "is withdrawn" in text_of(browser.follow(browser.post(f"{base}/withdraw/", {})))

    @pytest.mark.parametrize("button", ["again", "withdraw"])
    def test_buttons_of_an_invitation_that_a_colleague_withdrew_say_so(self, tenant: TenantRef, button: str) -> None:
        """The list that was open still showed it."""
        invitation = invited(tenant)
        browser = signed_in(tenant, owner_of(tenant))
        invitations.withdraw(tenant.id, invitation.id, by=ref_of(owner_of(tenant)))
        page = text_of(browser.follow(browser.post(f"{host(tenant)}/people/invitations/{invitation.id}/{button}/", {})))
        assert browser.url == f"{host(tenant)}/people/"
        assert page.index("This invitation was accepted or withdrawn.") < page.index('aria-label="Members"')
        assert mails_to(invitation.email) == 1

    def test_an_admin_cannot_make_owners_and_an_agent_sees_no_invitations(self, tenant: TenantRef) -> None:
        invitation = invited(tenant)
        admin = signed_in(tenant, join(tenant, Role.ADMIN))
        assert 'value="owner"' not in text_of(admin.get(f"{host(tenant)}/people/invite/"))
        assert admin.post(f"{host(tenant)}/people/invite/", {"email": address(), "role": "owner"}).status_code == 422
        assert invitation.email in text_of(admin.get(f"{host(tenant)}/people/"))
        agent = signed_in(tenant, join(tenant, Role.AGENT))
        assert agent.get(f"{host(tenant)}/people/invite/").status_code == 403
        assert invitation.email not in text_of(agent.get(f"{host(tenant)}/people/"))
