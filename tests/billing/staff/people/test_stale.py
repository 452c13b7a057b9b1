"""What waits for a second person goes stale: nobody may approve it any more, the page says why, and it can be asked for anew."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from billing.models import BillingAudit, FactorRemoval
from billing.selectors.staff.removals import PATIENCE
from billing.services import second_factors
from saas.core.errors import Conflict
from tenants.context import TenantRef
from tenants.jwt_services import sign_in_by_password
from tenants.models import Role, User
from tests.billing.staff.conftest import MakeStaff
from tests.billing.staff.people.desk import PEOPLE, WHY, ask_on_page, asked, desk, factors, page_of, settle, words
from tests.support.cast import PASSWORD
from tests.support.people import code_of, give_factor, join, mails_to
from tests.support.web import PLATFORM, Browser

APPROVE = "Approve and take them away"


def make_old(removal: FactorRemoval, age: timedelta) -> None:
    FactorRemoval.objects.filter(id=removal.id).update(requested_at=timezone.now() - age)


def set_up_codes(removal: FactorRemoval) -> None:
    """The person makes themselves new recovery codes."""
    Authenticator.objects.filter(user=removal.user, type="recovery_codes").delete()
    RecoveryCodes.activate(removal.user)


def use_factor(removal: FactorRemoval) -> None:
    Authenticator.objects.get(user=removal.user, type="totp").record_usage()


def grow_old(removal: FactorRemoval) -> None:
    Authenticator.objects.filter(user=removal.user).update(created_at=timezone.now() - 2 * PATIENCE)
    make_old(removal, PATIENCE + timedelta(seconds=1))


def leave_the_group(removal: FactorRemoval) -> None:
    removal.requested_by.groups.clear()


def join_the_staff(removal: FactorRemoval) -> None:
    """Whom only superusers help from then on."""
    User.objects.filter(id=removal.user_id).update(is_staff=True)


@pytest.mark.parametrize(
    ("happens", "why"),
    [
        (set_up_codes, "has set up or used a second factor since"),
        (use_factor, "has set up or used a second factor since"),
        (grow_old, "more than 7 days ago"),
        (leave_the_group, "may not help here any more"),
        (join_the_staff, "may not help here any more"),
    ],
)
def test_it_goes_stale(make_staff: MakeStaff, sam: User, nell: User, happens: Callable[[FactorRemoval], None], why: str) -> None:
    removal, boss = asked(nell, sam), make_staff("")
    browser = desk(boss)
    assert APPROVE in words(browser.get(page_of(nell)))
    happens(removal)
    for page in (words(browser.get(page_of(nell))), words(browser.get(PEOPLE))):
        assert why in page
    assert APPROVE not in words(browser.get(page_of(nell)))
    assert why in words(settle(browser, removal, "approve"))
    with pytest.raises(Conflict, match=why):
        second_factors.approve(removal.id, by=boss)
    assert factors(nell) == 2
    assert mails_to(nell.email) == 0


def test_within_a_week_it_does_not(sam: User, lea: User, nell: User) -> None:
    removal = asked(nell, sam)
    Authenticator.objects.filter(user=nell).update(created_at=timezone.now() - 2 * PATIENCE)
    make_old(removal, PATIENCE - timedelta(minutes=1))
    assert second_factors.approve(removal.id, by=lea).status == "done"


def test_it_is_asked_for_anew(sam: User, lea: User, nell: User) -> None:
    """The stale one is declined by that, and only by that."""
    removal, browser = asked(nell, sam), desk(lea)
    assert ask_on_page(browser, nell).status_code == 409
    use_factor(removal)
    assert "Take the second factors away" in words(browser.get(page_of(nell)))
    assert ask_on_page(browser, nell, reason="She called once more.").status_code == 302
    removal.refresh_from_db()
    assert (removal.status, removal.settled_by) == ("declined", lea)
    assert removal.answer == f"Asked for anew. {nell.email} has set up or used a second factor since this was asked for."
    kept = BillingAudit.objects.filter(after__person=nell.email).order_by("id").values_list("action", "actor", "reason")
    assert list(kept) == [
        ("second_factor.ask", sam.email, WHY),
        ("second_factor.decline", lea.email, removal.answer),
        ("second_factor.ask", lea.email, "She called once more."),
    ]
    made = FactorRemoval.objects.get(user=nell, status="waiting")
    assert second_factors.approve(made.id, by=sam).status == "done"


def test_what_is_stale_may_still_be_declined(sam: User, lea: User, nell: User) -> None:
    removal = asked(nell, sam)
    use_factor(removal)
    assert second_factors.decline(removal.id, by=lea, reason="She is in.").status == "declined"


def test_coming_in_with_the_factor_makes_it_stale(sam: User, lea: User, tenant: TenantRef) -> None:
    """In a browser and as a program alike."""
    for come_in in (by_browser, by_program):
        kim = join(tenant, Role.AGENT, "Kim").user
        secret = give_factor(kim)
        removal = asked(kim, sam)
        come_in(tenant, kim, code_of(secret))
        with pytest.raises(Conflict, match="used a second factor"):
            second_factors.approve(removal.id, by=lea)


def by_browser(_tenant: TenantRef, user: User, code: str) -> None:
    browser = Browser()
    browser.sign_in(f"{PLATFORM}/home/", user.email)
    browser.follow(browser.post(f"{PLATFORM}/you/two-factor/authenticate/", {"code": code}))


def by_program(tenant: TenantRef, user: User, code: str) -> None:
    sign_in_by_password(tenant, email=user.email, password=PASSWORD, otp=code)


def test_a_list_of_what_waits_costs_the_same_however_long_it_is(sam: User, lea: User, tenant: TenantRef) -> None:
    browser, counts = desk(lea), []
    for _ in range(2):
        for _ in range(3):
            kim = join(tenant, Role.AGENT, "Kim").user
            give_factor(kim)
            asked(kim, sam)
        with CaptureQueriesContext(connection) as queries:
            assert words(browser.get(PEOPLE)).count(WHY) >= 3
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 16
