"""The pages of people and settings: who sees what, what is kept when it is refused, and what a long list costs."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tenants import services
from tenants.access import ALLOWED, Do
from tenants.context import TenantRef
from tenants.models import Invitation, Membership, Role, SignIn, Tenant, User
from tests.support.cast import MakeTenant
from tests.support.people import address, give_factor, host, join, owner_of, ref_of, signed_in
from tests.support.web import Browser


@pytest.fixture
def owner(tenant: TenantRef) -> Browser:
    """The owner's browser."""
    return signed_in(tenant, owner_of(tenant))


def text(answer: Any) -> str:
    return str(answer.content.decode())


def seen_in(page: str, form: str = "") -> str:
    """The mark that a form carries of what it shows."""
    found = re.search(rf'{form}.*?name="seen" value="(\w+)"', page, re.DOTALL)
    assert found is not None
    return found[1]


def owner_of_name(tenant: TenantRef, name: str) -> Membership:
    """One of two owners."""
    return Membership.objects.select_related("user").get(tenant_id=tenant.id, role="owner", user__name=name)


def queries(browser: Browser, url: str) -> int:
    with CaptureQueriesContext(connection) as caught:
        assert browser.get(url).status_code == 200
    return len(caught)


def test_the_list_shows_everybody_with_role_and_factor(tenant: TenantRef, owner: Browser) -> None:
    ben, eve = join(tenant, Role.AGENT), join(tenant, Role.VIEWER, "Eve")
    give_factor(eve.user)
    services.disable(ben, by=ref_of(owner_of(tenant)))
    page = text(owner.get(f"{host(tenant)}/people/"))
    for word in (ben.user.email, eve.user.email, "Disabled", "Viewer", "(you)"):
        assert word in page
    assert page.count("<span>Two-factor</span>") == 1


def test_the_list_is_searched(tenant: TenantRef, owner: Browser) -> None:
    ben, eve = join(tenant, Role.AGENT), join(tenant, Role.VIEWER, "Eve Adams")
    give_factor(owner_of(tenant).user)

    def shown(query: str) -> set[str]:
        page = text(owner.get(f"{host(tenant)}/people/?{query}"))
        return {one.user.name for one in (ben, eve, owner_of(tenant)) if one.user.email in page.partition('<ul class="rows"')[2]}

    assert shown("text=adams") == {"Eve Adams"}
    assert shown(f"text={ben.user.email[:12]}") == {"Ben"}
    assert shown("role=agent") == {"Ben"}
    assert shown("state=without") == {"Ben", "Eve Adams"}
    assert shown("state=active&role=viewer") == {"Eve Adams"}
    assert shown("state=disabled") == set()
    assert "Nobody fits" in text(owner.get(f"{host(tenant)}/people/?text=zzz"))


@pytest.mark.usefixtures("nothing_grows_old")
def test_a_long_list_has_pages_and_costs_the_same(tenant: TenantRef, owner: Browser) -> None:
    few = queries(owner, f"{host(tenant)}/people/")
    people = [User(email=address(), name=f"Person {n:03}") for n in range(120)]
    User.objects.bulk_create(people)
    Membership.objects.bulk_create(Membership(tenant_id=tenant.id, user=one, role=Role.AGENT) for one in people)
    SignIn.objects.bulk_create(SignIn(tenant_id=tenant.id, user=one) for one in people for _ in range(3))
    assert queries(owner, f"{host(tenant)}/people/") <= few
    first, last = text(owner.get(f"{host(tenant)}/people/")), text(owner.get(f"{host(tenant)}/people/?page=3"))
    assert first.count('class="row person') == 50
    assert last.count('class="row person') == 21
    assert "101 – 121 of 121 people" in last


def test_who_is_disabled_stands_behind_the_others(tenant: TenantRef, owner: Browser) -> None:
    gone, zoe, adam = join(tenant, Role.AGENT, "Abby"), join(tenant, Role.AGENT, "Zoe"), join(tenant, Role.AGENT, "Adam")
    services.disable(gone, by=ref_of(owner_of(tenant)))
    page = text(owner.get(f"{host(tenant)}/people/")).partition('aria-label="Members"')[2]
    shown = [one.user.email for one in (adam, owner_of(tenant), zoe, gone)]
    assert sorted(shown, key=page.index) == shown


def test_more_invitations_than_a_page_holds_can_all_be_withdrawn(tenant: TenantRef, owner: Browser) -> None:
    soon, waiting = timezone.now() + timedelta(days=7), [address() for _ in range(120)]
    made = [
        Invitation(tenant_id=tenant.id, email=one, role="agent", code_hash=one.encode()[:32], expires_at=soon) for one in waiting
    ]
    Invitation.objects.bulk_create(made)
    pages = [text(owner.get(f"{host(tenant)}/people/?role=agent&invited={n}")) for n in (1, 2, 3)]
    assert [page.count("/withdraw/") for page in pages] == [50, 50, 20]
    assert all(sum(f"/invitations/{one.id}/withdraw/" in page for page in pages) == 1 for one in made)
    assert "1 – 50 of 120 invitations" in pages[0]
    assert "?role=agent&amp;invited=2" in pages[0]


def test_agents_read_the_list_and_nothing_more(tenant: TenantRef) -> None:
    ben, eve = join(tenant, Role.AGENT), join(tenant, Role.AGENT, "Eve")
    browser = signed_in(tenant, ben)
    page = text(browser.get(f"{host(tenant)}/people/"))
    assert eve.user.email in page
    assert f"/people/{eve.id}/" not in page
    for path in (
        f"/people/{eve.id}/",
        f"/people/{eve.id}/disable/",
        f"/people/{eve.id}/remove/",
        "/people/invite/",
        "/settings/",
    ):
        assert browser.get(host(tenant) + path).status_code == 403
    assert browser.post(f"{host(tenant)}/people/{eve.id}/disable/", {}).status_code == 403
    assert browser.get(f"{host(tenant)}/people/roles/").status_code == 200


def test_the_page_of_roles_is_the_table_in_code(tenant: TenantRef, owner: Browser) -> None:
    page = text(owner.get(f"{host(tenant)}/people/roles/"))
    rows = page.partition("<tbody>")[2].partition("</tbody>")[0].split("</tr>")[:-1]
    assert len(rows) == len(Do)
    for do, row in zip(Do, rows, strict=True):
        said = re.findall(r'class="hidden">(yes|no)<', row)
        assert said == ["yes" if role in ALLOWED[do] else "no" for role in Role]


def test_nobody_opens_the_people_of_another_tenant(tenant: TenantRef, owner: Browser, make_tenant: MakeTenant) -> None:
    theirs = owner_of(make_tenant())
    for end in ("", "disable/", "remove/"):
        assert owner.get(f"{host(tenant)}/people/{theirs.id}/{end}").status_code == 404
    for end in ("", "disable/", "enable/", "remove/", "sign-out/"):
        answer = owner.follow(owner.post(f"{host(tenant)}/people/{theirs.id}/{end}", {"role": "viewer"}))
        assert "Whoever that was is no longer among the members." in text(answer)
        assert theirs.user.email not in text(answer)
    theirs.refresh_from_db()
    assert (theirs.role, theirs.disabled_at) == ("owner", None)


@pytest.mark.parametrize("end", ["", "disable/", "enable/", "remove/", "sign-out/"])
def test_who_was_removed_a_moment_ago_is_said_to_be_gone(tenant: TenantRef, owner: Browser, end: str) -> None:
    """The buttons of a page that was open stand above nothing, and say so above the list."""
    ben = join(tenant, Role.AGENT)
    services.remove(ben, by=ref_of(owner_of(tenant)))
    answer = owner.follow(owner.post(f"{host(tenant)}/people/{ben.id}/{end}", {"role": "viewer"}))
    assert owner.url == f"{host(tenant)}/people/"
    page = text(answer)
    assert page.index("Whoever that was is no longer among the members.") < page.index('aria-label="Members"')


class TestAMember:
    def test_gets_another_role(self, tenant: TenantRef, owner: Browser) -> None:
        ben = join(tenant, Role.AGENT)
        url = f"{host(tenant)}/people/{ben.id}/"
        seen = seen_in(text(owner.get(url)))
        done = owner.follow(owner.post(url, {"role": "admin", "seen": seen}))
        assert "Ben is admin now" in text(done)
        assert ref_of(ben).role == "admin"
        wrong = owner.post(url, {"role": "boss", "seen": seen_in(text(done))})
        assert wrong.status_code == 422
        assert "boss is no role that you can give" in text(wrong)

    def test_whose_role_somebody_else_changed_meanwhile(self, tenant: TenantRef, owner: Browser) -> None:
        ben = join(tenant, Role.AGENT)
        url = f"{host(tenant)}/people/{ben.id}/"
        seen = seen_in(text(owner.get(url)))
        services.change_role(ben, Role.ADMIN, by=ref_of(owner_of(tenant)))
        second = owner.post(url, {"role": "viewer", "seen": seen})
        assert second.status_code == 409
        assert "<strong>Olga changed this meanwhile.</strong>" in text(second)
        assert "Stored now:" in text(second)
        assert ref_of(ben).role == "admin", "nothing was overwritten"
        owner.post(url, {"role": "viewer", "seen": seen_in(text(second))})
        assert ref_of(ben).role == "viewer"

    def test_is_not_said_to_be_changed_by_who_did_something_else(self, tenant: TenantRef, owner: Browser) -> None:
        ben, adam = join(tenant, Role.AGENT), ref_of(join(tenant, Role.ADMIN, "Adam"))
        url = f"{host(tenant)}/people/{ben.id}/"
        seen = seen_in(text(owner.get(url)))
        services.change_role(ben, Role.ADMIN, by=ref_of(owner_of(tenant)))
        services.end_of_member(tenant.id, ben.user, by=adam)
        second = text(owner.post(url, {"role": "viewer", "seen": seen}))
        assert "<strong>Olga changed this meanwhile.</strong>" in second

    def test_who_keeps_their_role_stays_signed_in(self, tenant: TenantRef, owner: Browser) -> None:
        ben = join(tenant, Role.AGENT)
        there = signed_in(tenant, ben)
        url = f"{host(tenant)}/people/{ben.id}/"
        done = text(owner.follow(owner.post(url, {"role": "agent", "seen": seen_in(text(owner.get(url)))})))
        assert "Ben is agent already." in done
        assert "sign in anew" not in done
        assert there.get(f"{host(tenant)}/people/").status_code == 200

    def test_is_disabled_let_in_and_removed(self, tenant: TenantRef, owner: Browser) -> None:
        ben, eve = join(tenant, Role.AGENT), join(tenant, Role.AGENT, "Eve")
        url = f"{host(tenant)}/people/{ben.id}/"
        asked = text(owner.get(f"{url}disable/"))
        assert "open rooms they hold" in asked
        assert "Eve" in asked
        done = owner.follow(owner.post(f"{url}disable/", {"heir": str(eve.user_id), "seen": seen_in(asked)}))
        assert "Ben is disabled, and out everywhere" in text(done)
        assert "Let them in again" in text(owner.get(url))
        assert "may come in again" in text(owner.follow(owner.post(f"{url}enable/", {})))
        asked = text(owner.get(f"{url}remove/"))
        assert "Ben is removed" in text(owner.follow(owner.post(f"{url}remove/", {"heir": "", "seen": seen_in(asked)})))
        assert owner.get(url).status_code == 404

    def test_is_not_disabled_for_an_heir_who_is_none(self, tenant: TenantRef, owner: Browser) -> None:
        ben, rita = join(tenant, Role.AGENT), join(tenant, Role.VIEWER, "Rita")
        url = f"{host(tenant)}/people/{ben.id}/disable/"
        for heir in (str(rita.user_id), str(ben.user_id), "nobody"):
            page = owner.post(url, {"heir": heir, "seen": seen_in(text(owner.get(url)))})
            assert page.status_code == 422
            assert "Whom you chose is no longer among the members who answer." in text(page)
            assert f"{heir} is" not in text(page), "an id says nothing to anybody"
        assert ref_of(ben).role == "agent"

    def test_who_is_oneself_or_an_owner_has_no_buttons(self, tenant: TenantRef, owner: Browser) -> None:
        me = owner_of(tenant)
        page = text(owner.get(f"{host(tenant)}/people/{me.id}/"))
        assert "This is you" in page
        assert "/disable/" not in page
        admin = signed_in(tenant, join(tenant, Role.ADMIN))
        assert "Only an owner changes an owner" in text(admin.get(f"{host(tenant)}/people/{me.id}/"))
        refused = admin.post(f"{host(tenant)}/people/{me.id}/disable/", {"heir": ""})
        assert refused.status_code == 422
        assert "Only an owner changes an owner" in text(refused)


class TestSettings:
    def test_a_new_name(self, tenant: TenantRef, owner: Browser) -> None:
        url = f"{host(tenant)}/settings/"
        seen = seen_in(text(owner.get(url)), "settings/name/")
        empty = owner.post(f"{url}name/", {"name": " ", "seen": seen})
        assert empty.status_code == 422
        assert "The name is Acme &amp; Sons now" in text(
            owner.follow(owner.post(f"{url}name/", {"name": "Acme  & Sons", "seen": seen}))
        )
        late = owner.post(f"{url}name/", {"name": "Acme", "seen": seen})
        assert late.status_code == 409
        assert 'value="Acme"' in text(late), "what was typed is kept"
        assert "Acme &amp; Sons" in text(late), "beside what is stored"
        assert '<a href="/settings/">take theirs</a>' in text(late), "a page, where the form's own address is none"
        assert Tenant.objects.get(id=tenant.id).name == "Acme & Sons"

    def test_who_changed_the_name_is_not_who_changed_the_rest(self, tenant: TenantRef, owner: Browser) -> None:
        url, otto = f"{host(tenant)}/settings/", ref_of(join(tenant, Role.OWNER, "Otto"))
        seen = seen_in(text(owner.get(url)), "settings/name/")
        services.rename_tenant(tenant.id, name="Acme & Sons", by=otto)
        give_factor(owner_of_name(tenant, "Olga").user)
        services.change_security(tenant.id, needs_two_factor=True, by=ref_of(owner_of_name(tenant, "Olga")))
        services.change_security(tenant.id, needs_two_factor=False, by=ref_of(owner_of_name(tenant, "Olga")))
        late = text(owner.post(f"{url}name/", {"name": "Acme", "seen": seen}))
        assert "<strong>Otto changed this meanwhile.</strong>" in late

    def test_take_theirs_of_two_factor_leads_to_a_page(self, tenant: TenantRef, owner: Browser) -> None:
        give_factor(owner_of(tenant).user)
        url, olga = f"{host(tenant)}/settings/", ref_of(owner_of(tenant))
        seen = seen_in(text(owner.get(url)), "settings/security/")
        services.change_security(tenant.id, needs_two_factor=True, by=olga)
        late = text(owner.post(f"{url}security/", {"seen": seen}))
        theirs = re.findall(r'<a href="([^"]*)">take theirs</a>', late)
        assert theirs == ["/settings/"]
        assert owner.get(f"{host(tenant)}{theirs[0]}").status_code == 200

    def test_admins_read_and_owners_change(self, tenant: TenantRef) -> None:
        admin = signed_in(tenant, join(tenant, Role.ADMIN))
        page = text(admin.get(f"{host(tenant)}/settings/"))
        assert "Only an owner changes what is here" in page
        assert "<form" not in page.partition("<h1>")[2]
        for part in ("name", "security", "owner"):
            assert admin.post(f"{host(tenant)}/settings/{part}/", {"name": "Mine"}).status_code == 403

    def test_handing_over_needs_the_address(self, tenant: TenantRef, owner: Browser) -> None:
        adam = join(tenant, Role.ADMIN, "Adam")
        url = f"{host(tenant)}/settings/owner/"
        wrong = owner.post(url, {"heir": str(adam.id), "slug": "acme"})
        assert wrong.status_code == 422
        assert f"type {tenant.slug}" in text(wrong)
        nobody = owner.post(url, {"heir": str(adam.user_id), "slug": tenant.slug})
        assert "Whom you chose is no longer among the members." in text(nobody)
        assert f"{adam.user_id} is" not in text(nobody), "an id says nothing to anybody"
        done = owner.post(url, {"heir": str(adam.id), "slug": tenant.slug})
        assert "Adam owns" in text(done)
        assert ref_of(adam).role == "owner"
        assert ref_of(Membership.objects.get(tenant_id=tenant.id, user__name="Olga")).role == "admin"
        assert owner.get(f"{host(tenant)}/settings/").status_code == 302, "signed out"

    def test_an_owner_who_is_alone_is_told_to_invite(self, tenant: TenantRef, owner: Browser) -> None:
        assert "Nobody else is here to become the owner" in text(owner.get(f"{host(tenant)}/settings/"))
