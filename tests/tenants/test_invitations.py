"""A link by mail takes one person in, once, within seven days: whoever reads the mail of that address, and nobody else."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from allauth.account.models import EmailAddress
from django.db import connections
from django.utils import timezone

from saas.core.errors import AppError, Conflict, NotFound
from tenants.context import TenantRef
from tenants.models import AuditEntry, Invitation, Membership, Role, Tenant, User
from tenants.resolve import forget, membership_for
from tenants.services import Gone, disable, enable, invitations, remove
from tests.support.cast import PASSWORD, make_user
from tests.support.people import (
    NEW,
    address,
    host,
    invited,
    join,
    link_to,
    mail_to,
    mails_to,
    owner_of,
    ref_of,
    signed_in,
    text_of,
)
from tests.support.web import PLATFORM, Browser


def code_in(link: str) -> str:
    return link.rstrip("/").rpartition("/")[2]


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


def invited_at_home(tenant: TenantRef) -> tuple[Membership, Invitation]:
    """A member who was invited under a second address, too, before they verified that."""
    ben = join(tenant, Role.AGENT)
    invitation = invited(tenant, role=Role.ADMIN)
    EmailAddress.objects.create(user=ben.user, email=invitation.email, verified=True)
    return ben, invitation


@pytest.mark.parametrize("act", [disable, remove])
def test_who_is_put_out_does_not_come_in_by_an_older_link(tenant: TenantRef, act: Callable[..., Gone]) -> None:
    ben, invitation = invited_at_home(tenant)
    other = invited(tenant)
    code, olga = code_in(link_to(invitation)), ref_of(owner_of(tenant))
    assert act(ben, by=olga).invitations == 1
    with pytest.raises(NotFound):
        invitations.accept(code, ben.user)
    assert membership_for(tenant.id, ben.user_id) is None
    withdrawn = AuditEntry.objects.get(tenant_id=tenant.id, act="invitation.withdrawn")
    assert (withdrawn.by_name, withdrawn.thing_name) == ("Olga", invitation.email)
    other.refresh_from_db()
    assert other.withdrawn_at is None, "somebody else's"


def test_who_is_disabled_does_not_let_themselves_in(tenant: TenantRef, browser: Browser) -> None:
    """With an address that nobody knew to be theirs when they were put out."""
    ben = join(tenant, Role.AGENT)
    invitation, olga = invited(tenant, role=Role.ADMIN), ref_of(owner_of(tenant))
    link = link_to(invitation)
    disable(ben, by=olga)
    EmailAddress.objects.create(user=ben.user, email=invitation.email, verified=True)
    browser.sign_in(f"{PLATFORM}/home/", ben.user.email)
    page = browser.post(link, {})
    assert page.status_code == 409
    assert f"You were disabled in {tenant.name}" in text_of(page)
    assert membership_for(tenant.id, ben.user_id) is None
    enable(ben, by=olga)
    assert ref_of(ben).role == "agent", "in the role that they had"


def test_the_page_says_that_invitations_went_with_the_member(tenant: TenantRef) -> None:
    ben, eve = invited_at_home(tenant)[0], join(tenant, Role.AGENT, "Eve")
    browser = signed_in(tenant, owner_of(tenant))
    for member, words in (
        (ben, "Ben is disabled, and out everywhere. Open invitations to them are withdrawn."),
        (eve, "Eve is disabled, and out everywhere."),
    ):
        url = f"{host(tenant)}/people/{member.id}/disable/"
        seen = browser.get(url).context["form"]["seen"].value()
        page = text_of(browser.follow(browser.post(url, {"heir": "", "seen": seen})))
        assert words in page
        assert ("Open invitations" in page) is (member == ben)


def test_who_was_removed_is_invited_anew(tenant: TenantRef) -> None:
    ben, _invitation = invited_at_home(tenant)
    remove(ben, by=ref_of(owner_of(tenant)))
    invitations.accept(code_in(link_to(invited(tenant, ben.user.email))), ben.user)
    assert ref_of(Membership.objects.get(tenant_id=tenant.id, user=ben.user)).role == "agent"


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


def test_a_member_who_joined_is_known_to_every_process_at_once(tenant: TenantRef) -> None:
    user = make_user(address(), "Nell")
    link = link_to(invited(tenant, user.email))
    forget(tenant.id)
    browser = Browser()
    browser.sign_in(f"{PLATFORM}/home/", user.email)
    assert browser.follow(browser.get(f"{host(tenant)}/sign-in/")).status_code == 403, "no member yet, and that is remembered"
    assert browser.follow(browser.post(link, {})).status_code == 200
