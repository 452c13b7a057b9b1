"""Somebody is signed out while they are on the way from the platform's host into a tenant: whoever is first, they are out."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
from django.contrib.auth import login
from django.db import connections

from tenants import services
from tenants.context import TenantRef
from tenants.models import Membership, Role, SignIn
from tests.support.order import until_waiting
from tests.support.people import give_factor, host, ref_of
from tests.support.web import PLATFORM, Browser

End = Callable[[Membership], object]


def by_an_admin(nell: Membership) -> None:
    services.end_of_member(nell.tenant_id, nell.user, by=ref_of(_owner(nell)))


def by_the_platform(nell: Membership) -> None:
    """As after a new password."""
    services.end_sign_ins_of(nell.user)


def by_staff(nell: Membership) -> None:
    """Who took her second factor away."""
    give_factor(nell.user)
    services.remove_second_factors(nell.user_id)


def by_herself(nell: Membership) -> None:
    """In that browser, on the platform's host."""
    services.end_sign_ins_through(SignIn.objects.get(user=nell.user, tenant=None).id)


def by_removal(nell: Membership) -> None:
    """And let in again, so that only her session says whether she is in."""
    services.disable(nell, by=ref_of(_owner(nell)))
    services.enable(nell, by=ref_of(_owner(nell)))


ENDS = [by_an_admin, by_the_platform, by_staff, by_herself]


@pytest.fixture
def browser(nell: Membership) -> Browser:
    """In which she is signed in on the platform's host."""
    made = Browser()
    made.sign_in(f"{PLATFORM}/home/", nell.user.email)
    return made


def _owner(nell: Membership) -> Membership:
    return Membership.objects.select_related("user").get(tenant_id=nell.tenant_id, role=Role.OWNER)


def is_in(browser: Browser, tenant: TenantRef) -> bool:
    return bool(browser.get(f"{host(tenant)}/people/").status_code == 200)


def enter(browser: Browser, tenant: TenantRef) -> None:
    """As far as the redirects lead; nothing is typed."""
    browser.follow(browser.get(f"{host(tenant)}/people/"))


def at_the_same_time(end: End, nell: Membership) -> Future[None]:
    """Begin to sign her out on another connection; back when that is done, or waits for what this one holds."""

    def run() -> None:
        try:
            end(nell)
        finally:
            connections.close_all()

    threads = ThreadPoolExecutor(1)
    ending = threads.submit(run)
    threads.shutdown(wait=False)
    until_waiting(ending)
    return ending


def test_nobody_ends_anything(tenant: TenantRef, browser: Browser) -> None:
    """The success twin of all below."""
    enter(browser, tenant)
    assert is_in(browser, tenant)


def test_an_admin_comes_between_the_question_and_the_code(
    tenant: TenantRef, nell: Membership, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was seen that nobody had signed her out; then somebody does; then her code is written."""
    issue = services.issue_sign_in_code

    def overtaken(**values: Any) -> str:
        by_an_admin(nell)
        return issue(**values)

    monkeypatch.setattr(services, "issue_sign_in_code", overtaken)
    enter(browser, tenant)
    assert not is_in(browser, tenant)
    assert not SignIn.objects.filter(tenant_id=tenant.id, user=nell.user).exists()


@pytest.mark.parametrize("end", ENDS)
def test_her_code_is_spent_and_then_she_is_signed_out(
    end: End, tenant: TenantRef, nell: Membership, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before anything of hers is recorded that could be ended."""
    use = services.use_sign_in_code

    def spent(**values: Any) -> Any:
        code = use(**values)
        end(nell)
        return code

    monkeypatch.setattr(services, "use_sign_in_code", spent)
    enter(browser, tenant)
    assert not is_in(browser, tenant)


@pytest.mark.parametrize("end", [*ENDS, by_removal])
def test_she_is_being_signed_in_and_is_signed_out(
    end: End, tenant: TenantRef, nell: Membership, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever ends her sign-ins waits until hers is recorded, and ends it."""
    ending = list[Future[None]]()

    def slow(*args: Any, **values: Any) -> None:
        ending.append(at_the_same_time(end, nell))
        login(*args, **values)

    monkeypatch.setattr("tenants.views.login", slow)
    browser.get(browser.follow(browser.get(f"{host(tenant)}/people/"), until="/sign-in/code/")["Location"])
    ending[0].result(timeout=30)
    assert not SignIn.objects.filter(tenant_id=tenant.id, user=nell.user, ended_at=None).exists()
    assert not is_in(browser, tenant)
