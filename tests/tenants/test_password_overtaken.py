"""A program signs in with a password while that is changed, or while its person is put out: whoever is first, it is out."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.hashers import check_password

from saas.core.errors import Unauthenticated
from tenants import jwt_services, services
from tenants.context import TenantRef
from tenants.jwt_services import Pair, refresh_pair, sign_in_by_password
from tenants.models import Membership, Role, SignIn, User
from tests.support.cast import PASSWORD, MakeTenant
from tests.support.people import join, ref_of
from tests.support.web import PLATFORM, Browser
from tests.tenants.test_overtaken import at_the_same_time
from tests.tenants.test_you import NEW

End = Callable[[Membership], object]


@pytest.fixture
def new_password(nell: Membership) -> End:
    """Changed by herself, in a browser that is signed in by now."""
    browser = Browser()
    browser.sign_in(f"{PLATFORM}/home/", nell.user.email)
    said = {"oldpassword": PASSWORD, "password1": NEW, "password2": NEW}

    def change(_member: Membership) -> None:
        assert browser.post(f"{PLATFORM}/you/password/", said).status_code == 302

    return change


def by_an_admin(nell: Membership) -> None:
    services.disable(nell, by=ref_of(Membership.objects.get(tenant_id=nell.tenant_id, role=Role.OWNER)))


def by_staff(nell: Membership) -> None:
    """As their page of users switches somebody off."""
    user = User.objects.get(id=nell.user_id)
    user.is_active = False
    user.save()
    services.end_sign_ins_of(user)


@pytest.fixture(params=["new_password", by_an_admin, by_staff])
def end(request: pytest.FixtureRequest) -> End:
    """What ends what she has open."""
    found: End = request.getfixturevalue(request.param) if isinstance(request.param, str) else request.param
    return found


def ask(tenant: TenantRef, nell: Membership) -> Pair:
    return sign_in_by_password(tenant, email=nell.user.email, password=PASSWORD)


def programs(nell: Membership) -> int:
    """In how many she is signed in to the tenant."""
    return SignIn.objects.filter(user=nell.user, tenant_id=nell.tenant_id, ended_at=None).count()


def before(name: str, monkeypatch: pytest.MonkeyPatch, do: Callable[[], object]) -> None:
    """Something is done right before this step of a sign-in."""
    step = getattr(jwt_services, name)

    def overtaken(*args: Any, **values: Any) -> Any:
        do()
        return step(*args, **values)

    monkeypatch.setattr(jwt_services, name, overtaken)


def test_nobody_ends_anything(tenant: TenantRef, nell: Membership) -> None:
    """The success twin of all below."""
    assert refresh_pair(tenant, ask(tenant, nell).refresh).access
    assert programs(nell) == 1


def test_the_password_is_changed_while_it_is_hashed(
    tenant: TenantRef, nell: Membership, new_password: End, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever changes it waits for nothing: hashing takes long, and holds no lock."""

    def slow(password: str, encoded: str) -> bool:
        is_right = check_password(password, encoded)
        at_the_same_time(new_password, nell).result(timeout=8)
        return is_right

    monkeypatch.setattr(jwt_services, "check_password", slow)
    with pytest.raises(Unauthenticated, match="Email or password is wrong"):
        ask(tenant, nell)
    assert programs(nell) == 0


def test_it_is_ended_when_everything_was_found_right(
    tenant: TenantRef, nell: Membership, end: End, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before anything is recorded that could be ended."""
    before("refuse_locked", monkeypatch, lambda: end(nell))
    with pytest.raises(Unauthenticated, match="Email or password is wrong"):
        ask(tenant, nell)
    assert programs(nell) == 0


def test_it_is_ended_while_it_is_recorded(tenant: TenantRef, nell: Membership, end: End, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever ends it waits until it is recorded, and ends it with the others."""
    ending = list[Any]()
    before("record_sign_in", monkeypatch, lambda: ending.append(at_the_same_time(end, nell)))
    pair = ask(tenant, nell)
    ending[0].result(timeout=30)
    assert programs(nell) == 0
    with pytest.raises(Unauthenticated):
        refresh_pair(tenant, pair.refresh)


def test_a_program_of_somebody_else_is_left_alone(
    tenant: TenantRef, nell: Membership, new_password: End, monkeypatch: pytest.MonkeyPatch
) -> None:
    ben = join(tenant, Role.AGENT)
    before("refuse_locked", monkeypatch, lambda: new_password(nell))
    assert refresh_pair(tenant, ask(tenant, ben).refresh).access


def test_it_is_so_for_whoever_belongs_to_two_tenants(
    tenant: TenantRef, nell: Membership, make_tenant: MakeTenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whom one tenant puts out at this moment signs in to the other."""
    other = make_tenant(owner=nell.user)
    before("refuse_locked", monkeypatch, lambda: by_an_admin(nell))
    assert refresh_pair(other, ask(other, nell).refresh).access
    assert programs(nell) == 0
