"""Where somebody is signed in is seen, and can be ended: by themselves, and within a tenant by its admins (S04)."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.sessions.models import Session
from django.db import connections, transaction
from django.utils import timezone

from saas.core import registry
from saas.core.errors import NotFound
from tenants import people, services
from tenants.context import TenantRef
from tenants.models import AuditEntry, Membership, Role, SignIn, User
from tenants.services import sign_ins
from tenants.source import Source, arriving
from tests.support.cast import PASSWORD, MakeTenant, make_user
from tests.support.order import until_waiting
from tests.support.people import host, join, owner_of, ref_of, signed_in
from tests.support.web import PLATFORM, Browser

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
SAFARI = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Version/17.5 Mobile/15E148 Safari/604.1"


@pytest.fixture
def nell(tenant: TenantRef) -> User:
    return join(tenant, Role.AGENT, "Nell").user


def browser_of(tenant: TenantRef, user: User, agent: str = FIREFOX) -> Browser:
    """This person at the tenant's API, in a browser of this kind."""
    browser = Browser()
    for name in ("localhost:8000", f"{tenant.slug}.localhost:8000"):
        browser.jar(name).defaults["HTTP_USER_AGENT"] = agent
    browser.sign_in(f"{host(tenant)}/sign-in/?next=/api/v1/me", user.email)
    assert is_in(browser, tenant)
    return browser


def is_in(browser: Browser, tenant: TenantRef) -> bool:
    return bool(browser.get(f"{host(tenant)}/api/v1/me").status_code == 200)


def page(browser: Browser) -> str:
    return str(browser.get(f"{PLATFORM}/you/sessions/").content.decode())


def test_each_browser_is_listed_with_where_and_what_it_opened(tenant: TenantRef, nell: User) -> None:
    desk, phone = browser_of(tenant, nell), browser_of(tenant, nell, SAFARI)
    shown = page(desk)
    assert "Firefox 128 on Linux" in shown
    assert "Safari 17 on iPhone" in shown
    assert "From 127.0.0.1" in shown
    assert shown.count(f"In {tenant.name}") == 2
    assert shown.count("This one") == 1
    assert "This one" in page(phone)


def test_another_browser_is_signed_out_with_all_that_it_opened(tenant: TenantRef, nell: User) -> None:
    desk, phone = browser_of(tenant, nell), browser_of(tenant, nell, SAFARI)
    (other,) = [spot for spot in people.spots_of(nell, "").shown if "iPhone" in spot.what]
    assert desk.follow(desk.post(f"{PLATFORM}/you/sessions/{other.id}/end/", {})).status_code == 200
    assert not is_in(phone, tenant)
    assert phone.get(f"{PLATFORM}/home/").status_code == 302
    assert is_in(desk, tenant)
    assert "iPhone" not in page(desk)


def test_a_place_that_has_just_ended_is_said_to_be_none(tenant: TenantRef, nell: User) -> None:
    desk = browser_of(tenant, nell)
    spot = services.record_sign_in(user_id=nell.id, tenant_id=tenant.id)
    services.end_sign_in(spot.id)
    answer = desk.follow(desk.post(f"{PLATFORM}/you/sessions/{spot.id}/end/", {}))
    assert desk.url == f"{PLATFORM}/you/sessions/"
    assert answer.content.decode().index("You are not signed in there.") < answer.content.decode().index("This one")


def test_all_others_are_signed_out_at_once(tenant: TenantRef, nell: User) -> None:
    desk, others = browser_of(tenant, nell), [browser_of(tenant, nell, SAFARI) for _ in range(2)]
    program = services.record_sign_in(user_id=nell.id, tenant_id=tenant.id)
    desk.post(f"{PLATFORM}/you/sessions/others/end/", {})
    assert [is_in(other, tenant) for other in others] == [False, False]
    assert is_in(desk, tenant)
    assert SignIn.objects.get(id=program.id).ended_at is not None


def test_nobody_ends_what_is_somebody_elses(tenant: TenantRef, nell: User) -> None:
    theirs = browser_of(tenant, nell)
    (spot,) = people.spots_of(nell, "").shown
    stranger = Browser()
    other = make_user(f"{uuid4().hex}@else.example", "Otto")
    stranger.sign_in(f"{PLATFORM}/home/", other.email)
    answer = stranger.follow(stranger.post(f"{PLATFORM}/you/sessions/{spot.id}/end/", {}))
    assert "You are not signed in there." in answer.content.decode()
    assert is_in(theirs, tenant)
    with pytest.raises(NotFound):
        services.end_one(other, spot.id)


def test_signing_out_takes_the_browser_off_the_list(tenant: TenantRef, nell: User) -> None:
    desk, phone = browser_of(tenant, nell), browser_of(tenant, nell, SAFARI)
    phone.post(f"{PLATFORM}/sign-out/", {})
    assert "iPhone" not in page(desk)


def test_what_has_run_out_is_not_listed(tenant: TenantRef, nell: User) -> None:
    browser_of(tenant, nell)
    program = services.record_sign_in(user_id=nell.id, tenant_id=tenant.id)
    assert people.spots_of(nell, "").total == 2
    SignIn.objects.filter(id=program.id).update(seen_at=timezone.now() - people.PROGRAM_LIFE)
    assert people.spots_of(nell, "").total == 1
    keys = SignIn.objects.filter(user=nell).exclude(session_key="").values("session_key")
    Session.objects.filter(session_key__in=keys).update(expire_date=timezone.now())
    assert people.spots_of(nell, "").shown == []


def test_of_a_program_that_always_signs_in_anew_the_last_are_shown(tenant: TenantRef, nell: User) -> None:
    desk, now = browser_of(tenant, nell), timezone.now()
    SignIn.objects.bulk_create(
        SignIn(tenant_id=tenant.id, user=nell, seen_at=now + timedelta(seconds=n)) for n in range(people.MOST_SPOTS + 1_200)
    )
    shown = page(desk)
    assert shown.count('class="row spot"') == people.MOST_SPOTS
    assert "And 1,201 more that were used longer ago." in shown
    assert shown.count("This one") == 1, "also where others were used later"
    assert "Sign out everywhere else" in shown
    member = Membership.objects.get(tenant_id=tenant.id, user=nell)
    admin = signed_in(tenant, owner_of(tenant))
    theirs = admin.get(f"{host(tenant)}/people/{member.id}/").content.decode()
    assert theirs.count('class="row spot"') == people.MOST_SPOTS
    assert "And 1,201 more" in theirs
    leaving = admin.get(f"{host(tenant)}/people/{member.id}/disable/").content.decode()
    assert "<dd>1,251</dd>" in leaving
    desk.post(f"{PLATFORM}/you/sessions/others/end/", {})
    assert people.spots_of(nell, "").total == 1, "those that were not shown, too"


def test_a_new_password_leaves_only_this_browser(tenant: TenantRef, nell: User) -> None:
    desk, phone = browser_of(tenant, nell), browser_of(tenant, nell, SAFARI)
    new = {"oldpassword": PASSWORD, "password1": "a-lamp-in-the-rain", "password2": "a-lamp-in-the-rain"}
    assert desk.post(f"{PLATFORM}/you/password/", new).status_code == 302
    assert phone.get(f"{PLATFORM}/home/").status_code == 302
    shown = page(desk)
    assert "This one" in shown
    assert "iPhone" not in shown


def test_what_is_used_is_written_down_once_in_five_minutes(
    tenant: TenantRef, nell: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign_in = services.record_sign_in(user_id=nell.id, tenant_id=tenant.id, session_key="k" * 32)
    old = timezone.now() - timedelta(hours=1)
    SignIn.objects.filter(id=sign_in.id).update(seen_at=old)
    services.saw(sign_in.id, "k" * 32)
    assert SignIn.objects.get(id=sign_in.id).seen_at == old, "written down when it was made, just now"
    monkeypatch.setattr(sign_ins, "SEEN_EVERY", 0.0)
    with arriving(Source("203.0.113.9", "Firefox 128 on Linux", "console")):
        services.saw(sign_in.id, "k" * 32)
    found = SignIn.objects.get(id=sign_in.id)
    assert found.seen_at > old
    assert (found.address, found.browser) == ("203.0.113.9", "Firefox 128 on Linux")


def test_a_session_that_changes_its_key_is_still_ended(tenant: TenantRef, nell: User) -> None:
    """Django gives a session another key with each sign-in."""
    sign_in = services.record_sign_in(user_id=nell.id, tenant_id=tenant.id, session_key="a" * 32)
    services.saw(sign_in.id, "b" * 32)
    assert SignIn.objects.get(id=sign_in.id).session_key == "b" * 32
    services.end_sign_in(sign_in.id)
    services.saw(sign_in.id, "c" * 32)
    assert SignIn.objects.get(id=sign_in.id).session_key == "b" * 32, "what is ended stays as it was"


def test_what_is_long_over_is_forgotten(tenant: TenantRef, nell: User) -> None:
    ended, unused, used = (services.record_sign_in(user_id=nell.id, tenant_id=tenant.id) for _ in range(3))
    old = timezone.now() - sign_ins.KEPT - timedelta(minutes=1)
    SignIn.objects.filter(id=ended.id).update(ended_at=old)
    SignIn.objects.filter(id=unused.id).update(seen_at=old)
    sign_ins.forget_old()
    assert set(SignIn.objects.filter(user=nell).values_list("id", flat=True)) == {used.id}


class TestByAdmins:
    def test_an_admin_sees_and_ends_the_places_of_a_member(self, tenant: TenantRef, nell: User) -> None:
        theirs, again = browser_of(tenant, nell), browser_of(tenant, nell, SAFARI)
        member = Membership.objects.get(tenant_id=tenant.id, user=nell)
        admin = signed_in(tenant, owner_of(tenant), f"/people/{member.id}/")
        shown = admin.get(f"{host(tenant)}/people/{member.id}/").content.decode()
        assert "Firefox 128 on Linux" in shown
        assert "Safari 17 on iPhone" in shown
        (spot,) = [spot for spot in people.spots_in_tenant(tenant.id, nell.id).shown if "iPhone" in spot.what]
        admin.post(f"{host(tenant)}/people/{member.id}/sign-out/", {"sid": str(spot.id)})
        assert (is_in(theirs, tenant), is_in(again, tenant)) == (True, False)
        admin.post(f"{host(tenant)}/people/{member.id}/sign-out/", {})
        assert not is_in(theirs, tenant)
        assert theirs.get(f"{PLATFORM}/home/").status_code == 200, "the platform is theirs"
        said = AuditEntry.objects.filter(tenant_id=tenant.id, act="session.ended").order_by("id")
        assert set(said.values_list("by_name", "thing_name")) == {("Olga", "Nell")}
        one, all_of_them = said.values_list("after__place", flat=True)
        assert (one, all_of_them) == ("Safari 17 on iPhone, from 127.0.0.1", "everywhere")

    @pytest.mark.parametrize("role", [Role.ADMIN, Role.OWNER])
    @pytest.mark.parametrize("of_one", [True, False])
    def test_an_owner_is_signed_out_by_an_owner_only(self, tenant: TenantRef, role: Role, of_one: bool) -> None:
        olga, other = owner_of(tenant), join(tenant, role, "Otto")
        theirs, by = browser_of(tenant, olga.user), signed_in(tenant, other)
        (spot,) = people.spots_in_tenant(tenant.id, olga.user_id).shown
        url, is_owner = f"{host(tenant)}/people/{olga.id}/", role == Role.OWNER
        assert (f'action="/people/{olga.id}/sign-out/"' in by.get(url).content.decode()) is is_owner
        page = by.follow(by.post(f"{url}sign-out/", {"sid": str(spot.id)} if of_one else {})).content.decode()
        assert ("Only an owner signs an owner out." in page) is not is_owner
        assert is_in(theirs, tenant) is not is_owner
        olga.refresh_from_db()
        assert (olga.signed_out_at is not None) is is_owner
        assert AuditEntry.objects.filter(tenant_id=tenant.id, act="session.ended").exists() is is_owner

    def test_an_admin_signs_themselves_out(self, tenant: TenantRef) -> None:
        adam = join(tenant, Role.ADMIN, "Adam")
        browser = signed_in(tenant, adam)
        browser.post(f"{host(tenant)}/people/{adam.id}/sign-out/", {})
        assert not is_in(browser, tenant)

    def test_who_is_in_nowhere_can_be_signed_out_as_well(self, tenant: TenantRef, nell: User) -> None:
        """A browser that is signed in to the platform could come in without a question. Of who is disabled nothing could."""
        admin, outside = signed_in(tenant, owner_of(tenant)), Browser()
        outside.sign_in(f"{PLATFORM}/home/", nell.email)
        member = Membership.objects.get(tenant_id=tenant.id, user=nell)
        shown, form = (f"{host(tenant)}/people/{member.id}/", f'action="/people/{member.id}/sign-out/"')
        assert "Nowhere at the moment" in admin.get(shown).content.decode()
        assert form in admin.get(shown).content.decode()
        admin.post(f"{shown}sign-out/", {})
        assert "Is it you?" in outside.follow(outside.get(f"{host(tenant)}/people/")).content.decode()
        services.disable(member, by=ref_of(owner_of(tenant)))
        assert form not in admin.get(shown).content.decode()

    def test_not_those_in_another_tenant(self, tenant: TenantRef, nell: User, make_tenant: MakeTenant) -> None:
        other = make_tenant(owner=nell)
        elsewhere = services.record_sign_in(user_id=nell.id, tenant_id=other.id)
        member = Membership.objects.get(tenant_id=tenant.id, user=nell)
        admin = signed_in(tenant, owner_of(tenant))
        for sid in (elsewhere.id, "no-id"):
            answer = admin.follow(admin.post(f"{host(tenant)}/people/{member.id}/sign-out/", {"sid": str(sid)}))
            assert "They are not signed in there." in answer.content.decode()
            assert SignIn.objects.get(id=elsewhere.id).ended_at is None
        admin.post(f"{host(tenant)}/people/{member.id}/sign-out/", {})
        assert SignIn.objects.get(id=elsewhere.id).ended_at is None

    def test_of_a_place_that_has_just_ended(self, tenant: TenantRef, nell: User) -> None:
        """The page that was open still showed it: it is said above what is left."""
        spot = services.record_sign_in(user_id=nell.id, tenant_id=tenant.id)
        member, admin = Membership.objects.get(tenant_id=tenant.id, user=nell), signed_in(tenant, owner_of(tenant))
        services.end_sign_in(spot.id)
        url = f"{host(tenant)}/people/{member.id}/"
        page = admin.follow(admin.post(f"{url}sign-out/", {"sid": str(spot.id)})).content.decode()
        assert admin.url == url
        assert page.index("They are not signed in there.") < page.index("Nowhere at the moment")

    def test_sockets_close_with_it(self, tenant: TenantRef, nell: User, monkeypatch: pytest.MonkeyPatch) -> None:
        told: list[dict[str, Any]] = []
        monkeypatch.setattr(registry.sessions_ended, "_answers", [lambda **facts: told.append(facts)])
        sign_in = services.record_sign_in(user_id=nell.id, tenant_id=tenant.id)
        services.end_of_member(tenant.id, nell, by=ref_of(owner_of(tenant)))
        assert told == [{"tenant_id": tenant.id, "user_id": nell.id, "sid": str(sign_in.id)}]


def test_two_who_end_the_same_sign_ins_take_turns(tenant: TenantRef, nell: User) -> None:
    """Whoever waits for one of them holds none that comes after it: else each would wait for the other."""
    first, last = sorted((uuid4(), uuid4()))
    for one in (last, first):  # as they stand in the table
        SignIn.objects.create(id=one, user=nell, tenant_id=tenant.id)

    def end() -> None:
        try:
            services.end_sign_ins_of(nell)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            SignIn.objects.select_for_update().get(id=first)
            ending = pool.submit(end)
            until_waiting(ending)
            SignIn.objects.select_for_update(nowait=True).get(id=last)  # which is free
        ending.result(timeout=30)
    assert not SignIn.objects.filter(id__in=[first, last], ended_at=None).exists()
