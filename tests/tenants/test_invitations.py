"""A link by mail takes one person in, once, within seven days: whoever reads the mail of that address, and nobody else."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from allauth.account.models import EmailAddress
from django.db import connections
from django.utils import timezone

from saas.core.errors import AppError, BadFrame, Conflict, Forbidden, NotFound, PlanLimit, RateLimited
from tenants import limits
from tenants.context import TenantRef
from tenants.models import AuditEntry, Invitation, Membership, Role, Tenant, User
from tenants.resolve import forget
from tenants.services import end_membership, invitations
from tests.support.cast import PASSWORD, MakeTenant, make_user
from tests.support.people import address, host, join, link_to, mail_to, mails_to, owner_of, ref_of, signed_in
from tests.support.web import PLATFORM, Browser

NEW = {"name": "Nora", "password": "a-lamp-in-the-rain"}


@pytest.fixture
def tenant(make_tenant: MakeTenant) -> TenantRef:
    return make_tenant()


def invited(tenant: TenantRef, email: str = "", role: str = Role.AGENT) -> Invitation:
    return invitations.invite(tenant.id, by=ref_of(owner_of(tenant)), email=email or address(), role=role)


def code_in(link: str) -> str:
    return link.rstrip("/").rpartition("/")[2]


def text_of(page: object) -> str:
    return page.content.decode()  # type: ignore[attr-defined, no-any-return]


def test_somebody_new_joins_by_the_link(tenant: TenantRef, browser: Browser) -> None:
    invitation = invited(tenant, role=Role.ADMIN)
    mail = mail_to(invitation.email)
    assert tenant.name in mail["subject"]
    link = link_to(invitation)
    assert link in mail["html"]
    shown = browser.get(link)
    assert invitation.email in text_of(shown)
    assert shown["Referrer-Policy"] == "same-origin"
    landed = browser.follow(browser.post(link, NEW))
    assert (landed.status_code, browser.url) == (200, f"{host(tenant)}/inbox/")
    member = Membership.objects.select_related("user").get(tenant_id=tenant.id, user__email=invitation.email)
    assert (member.role, member.user.name) == ("admin", "Nora")
    assert EmailAddress.objects.get(user=member.user).verified, "the mail was read, so the address is theirs"
    acts = AuditEntry.objects.filter(tenant_id=tenant.id, act__startswith="member.").order_by("id")
    assert list(acts.values_list("act", "by_name", "thing_name")) == [
        ("member.invited", "Olga", invitation.email),
        ("member.joined", "Nora", "Nora"),
    ]


def test_a_bad_name_or_password_is_said_beside_it_and_kept(tenant: TenantRef, browser: Browser) -> None:
    link = link_to(invited(tenant))
    page = browser.post(link, {"name": "Nora", "password": "short"})
    assert page.status_code == 422
    assert 'value="Nora"' in text_of(page)
    assert "too short" in text_of(page)
    assert browser.follow(browser.post(link, NEW)).status_code == 200


def test_a_link_works_once(tenant: TenantRef, browser: Browser) -> None:
    link = link_to(invited(tenant))
    browser.follow(browser.post(link, NEW))
    again = Browser()
    assert again.get(link).status_code == 410
    assert "accepted already" in text_of(again.post(link, NEW))
    assert Membership.objects.filter(tenant_id=tenant.id).count() == 2


def test_of_two_who_open_it_at_once_one_comes_in(tenant: TenantRef) -> None:
    code = code_in(link_to(invited(tenant)))

    def come(name: str) -> bool:
        try:
            invitations.accept_as_new(code, name=name, password=PASSWORD)
        except AppError:
            return False
        finally:
            connections.close_all()
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(come, ["A", "B", "C", "D"])) == [False, False, False, True]


def test_a_link_runs_out(tenant: TenantRef, browser: Browser) -> None:
    invitation = invited(tenant)
    link = link_to(invitation)
    Invitation.objects.filter(id=invitation.id).update(expires_at=timezone.now() + timedelta(seconds=60))
    assert browser.get(link).status_code == 200
    Invitation.objects.filter(id=invitation.id).update(expires_at=timezone.now() - timedelta(seconds=1))
    page = browser.post(link, NEW)
    assert page.status_code == 410
    assert "has run out" in text_of(page)
    assert not User.objects.filter(email=invitation.email).exists()


def test_what_is_sent_again_has_another_link(tenant: TenantRef, browser: Browser) -> None:
    invitation = invited(tenant)
    old = link_to(invitation)
    Invitation.objects.filter(id=invitation.id).update(expires_at=timezone.now())
    invitations.resend(tenant.id, invitation.id, by=ref_of(owner_of(tenant)))
    new = link_to(invitation)
    assert mails_to(invitation.email) == 2
    assert browser.get(old).status_code == 410
    assert browser.get(new).status_code == 200
    invitation.refresh_from_db()
    assert invitation.sent_count == 2
    assert invitation.expires_at > timezone.now() + timedelta(days=6)


def test_what_is_withdrawn_takes_nobody_in(tenant: TenantRef, browser: Browser) -> None:
    invitation = invited(tenant)
    link = link_to(invitation)
    invitations.withdraw(tenant.id, invitation.id, by=ref_of(owner_of(tenant)))
    assert "withdrawn" in text_of(browser.post(link, NEW))
    with pytest.raises(NotFound):
        invitations.resend(tenant.id, invitation.id, by=ref_of(owner_of(tenant)))
    assert invited(tenant, invitation.email).id != invitation.id, "and the address can be invited anew"


def test_whoever_signs_in_already_joins_with_one_button(tenant: TenantRef, browser: Browser) -> None:
    user = make_user(address(), "Nell")
    link = link_to(invited(tenant, user.email.upper()))
    assert "Sign in to join" in text_of(browser.get(link))
    browser.get(f"{PLATFORM}/sign-in/?next={link.removeprefix(PLATFORM)}")
    back = browser.follow(browser.post(browser.url, {"login": user.email, "password": PASSWORD, "next": browser_next(link)}))
    assert back.status_code == 200
    browser.follow(browser.post(link, {}))
    assert browser.url == f"{host(tenant)}/inbox/"
    assert Membership.objects.get(tenant_id=tenant.id, user=user).role == "agent"


def browser_next(link: str) -> str:
    return link.removeprefix(PLATFORM)


def test_a_link_in_somebody_elses_hands_says_so(tenant: TenantRef, browser: Browser) -> None:
    user, other = make_user(address(), "Nell"), make_user(address(), "Otto")
    link = link_to(invited(tenant, user.email))
    browser.sign_in(f"{PLATFORM}/home/", other.email)
    page = text_of(browser.get(link))
    assert f"You are signed in as {other.email}, and this invitation is for {user.email}" in page
    browser.post(link, {})
    with pytest.raises(Conflict, match="is for"):
        invitations.accept(code_in(link), other)
    assert not Membership.objects.filter(tenant_id=tenant.id, user=other).exists()


def test_a_verified_second_address_is_as_good(tenant: TenantRef) -> None:
    user, second = make_user(address(), "Nell"), address()
    EmailAddress.objects.create(user=user, email=second, verified=True)
    code = code_in(link_to(invited(tenant, second)))
    assert invitations.accept(code, user).user_id == user.id


def test_an_address_that_somebody_only_typed_in_is_not_theirs(tenant: TenantRef) -> None:
    """Otto added Nora's address to his own and never verified it. The link still makes it Nora's."""
    otto, email = make_user(address(), "Otto"), address()
    EmailAddress.objects.create(user=otto, email=email, verified=False)
    code = code_in(link_to(invited(tenant, email)))
    with pytest.raises(Conflict):
        invitations.accept(code, otto)
    made = invitations.accept_as_new(code, name="Nora", password=PASSWORD)
    assert EmailAddress.objects.get(email=email).user_id == made.user_id


def test_a_link_of_nobody_and_one_of_a_closed_tenant(tenant: TenantRef, browser: Browser) -> None:
    assert browser.get(f"{PLATFORM}/invitations/{'x' * 43}/").status_code == 410
    link = link_to(invited(tenant))
    Tenant.objects.filter(id=tenant.id).update(status=Tenant.Status.SUSPENDED)
    assert "not open at the moment" in text_of(browser.post(link, NEW))
    Tenant.objects.filter(id=tenant.id).update(status=Tenant.Status.ACTIVE)
    assert browser.post(link, NEW).status_code == 302


def test_only_hashes_of_codes_are_kept(tenant: TenantRef) -> None:
    invitation = invited(tenant)
    kept = bytes(Invitation.objects.values_list("code_hash", flat=True).get(id=invitation.id))
    assert len(kept) == 32
    assert code_in(link_to(invitation)).encode() not in kept


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
    end_membership(member)
    with pytest.raises(Conflict, match="enable them again"):
        invited(tenant, member.user.email)
    first = invited(tenant)
    with pytest.raises(Conflict, match="has an invitation already"):
        invited(tenant, first.email)
    Invitation.objects.filter(id=first.id).update(expires_at=timezone.now())
    assert invited(tenant, first.email).id != first.id, "one that ran out makes way"


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
        end_membership(taker)
        assert browser.post(link, NEW).status_code == 302


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
        assert browser.post(f"{base}/withdraw/", {}).status_code == 404

    def test_an_admin_cannot_make_owners_and_an_agent_sees_no_invitations(self, tenant: TenantRef) -> None:
        invitation = invited(tenant)
        admin = signed_in(tenant, join(tenant, Role.ADMIN))
        assert 'value="owner"' not in text_of(admin.get(f"{host(tenant)}/people/invite/"))
        assert admin.post(f"{host(tenant)}/people/invite/", {"email": address(), "role": "owner"}).status_code == 422
        assert invitation.email in text_of(admin.get(f"{host(tenant)}/people/"))
        agent = signed_in(tenant, join(tenant, Role.AGENT))
        assert agent.get(f"{host(tenant)}/people/invite/").status_code == 403
        assert invitation.email not in text_of(agent.get(f"{host(tenant)}/people/"))


def test_a_member_who_joined_is_known_to_every_process_at_once(tenant: TenantRef) -> None:
    user = make_user(address(), "Nell")
    link = link_to(invited(tenant, user.email))
    forget(tenant.id)
    browser = Browser()
    browser.sign_in(f"{PLATFORM}/home/", user.email)
    assert browser.follow(browser.get(f"{host(tenant)}/sign-in/")).status_code == 403, "no member yet, and that is remembered"
    assert browser.follow(browser.post(link, {})).status_code == 200
