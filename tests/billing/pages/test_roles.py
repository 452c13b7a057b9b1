"""Who may open which page: everybody sees usage, owners and admins the money."""

from typing import Final

import pytest

from billing.models import Subscription
from tenants.models import Role
from tests.billing.pages.conftest import House, text_of
from tests.support.money import paying

USAGE: Final = ("", "usage/", "usage/message/", "usage/message/open/", "usage/days.csv", "usage/message/rows.csv")
MONEY: Final = ("plans/", "plans/team/", "seats/", "invoices/", "settings/", "confirming/state/")
ACTS: Final = (
    "portal/",
    "plan/coupon/",
    "seats/buy/",
    "seats/lower/",
    "settings/details/",
    "settings/limits/",
    "settings/contact/",
    "settings/support/",
    "settings/support/end/",
    "export/",
)


@pytest.mark.parametrize("role", Role.values)
@pytest.mark.parametrize("path", USAGE)
def test_every_member_sees_what_was_used(house: House, role: str, path: str) -> None:
    assert house.get(path, role=role).status_code == 200


@pytest.mark.parametrize(("role", "status"), [("owner", 200), ("admin", 200), ("agent", 403), ("viewer", 403)])
@pytest.mark.parametrize("path", MONEY)
def test_only_owners_and_admins_see_money(house: House, role: str, status: int, path: str) -> None:
    assert house.get(path, role=role).status_code == status


@pytest.mark.parametrize("role", ["agent", "viewer"])
@pytest.mark.parametrize("path", ACTS)
def test_nobody_else_changes_anything(house: House, role: str, path: str) -> None:
    assert house.post(path, role=role).status_code == 403


@pytest.mark.parametrize(("role", "is_shown"), [("owner", True), ("admin", True), ("agent", False), ("viewer", False)])
def test_the_front_names_a_price_only_to_who_may_see_it(house: House, role: str, *, is_shown: bool) -> None:
    paying(house.tenant)
    page = text_of(house.get(role=role))
    assert ("$" in page) == is_shown
    assert ("Next invoice" in page) == is_shown


def test_who_is_not_signed_in_is_sent_to_do_so(house: House) -> None:
    browser = house.as_("owner")
    stranger = type(browser)()
    answer = stranger.get(house.address + "invoices/")
    assert answer.status_code == 302
    assert "/sign-in/" in answer["Location"]


def test_a_plan_that_staff_gave_can_be_neither_cancelled_nor_changed(house: House) -> None:
    given = paying(house.tenant)
    Subscription.objects.filter(id=given.id).update(source="comp", stripe_id=None)
    page = text_of(house.get("plans/"))
    assert "/billing/plan/cancel/" not in page
    assert house.post("plan/cancel/").status_code == 302
    assert Subscription.objects.get(id=given.id).cancel_at is None
