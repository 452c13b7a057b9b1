"""What a tenant says of itself: kept, told to Stripe, written down; refused beside the field with what was typed."""

import re
from datetime import timedelta

import pytest

from billing.clock import now
from billing.models import BillingAccount, BillingAudit, BillingContact
from billing.services import visits
from tests.billing.buyer import Buyer
from tests.billing.pages.conftest import House, text_of
from tests.support.cast import make_user
from tests.support.stripe import Sandbox
from tests.support.web import Page

DETAILS = {
    "billing_name": "House Ltd",
    "billing_email": "Books@House.example",
    "country": "de",
    "tax_id_type": "eu_vat",
    "tax_id": "de 123 456 789",
    "time_zone": "Europe/Berlin",
}


def account(house: House) -> BillingAccount:
    return BillingAccount.objects.get(pk=house.tenant.id)


def test_details_are_kept_and_written_down_once(house: House) -> None:
    for _ in range(2):
        assert house.post("settings/details/", DETAILS).status_code == 302
    kept = account(house)
    assert (kept.billing_name, kept.billing_email) == ("House Ltd", "books@house.example")
    assert (kept.country, kept.tax_id, kept.time_zone) == ("DE", "DE123456789", "Europe/Berlin")
    line = BillingAudit.objects.get(tenant_id=house.tenant.id, action="details.change")
    assert line.actor == house.people["owner"].email
    assert line.after["country"] == "DE"


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"country": "Germany"}, "two letters"),
        ({"tax_id_type": ""}, "Say which kind of tax ID this is."),
        ({"tax_id": ""}, "Write the tax ID"),
        ({"billing_email": "books"}, "valid email address"),
        ({"time_zone": "Mars/Base"}, "Select a valid choice"),
    ],
)
def test_details_that_cannot_be_are_refused_beside_the_field(house: House, changed: dict[str, str], words: str) -> None:
    answer = house.post("settings/details/", DETAILS | changed)
    assert answer.status_code == 422
    assert words in text_of(answer)
    assert 'value="House Ltd"' in text_of(answer)
    assert account(house).billing_name == ""


def seen_in(page: Page, form: str) -> str:
    """The mark that one of the page's forms carries."""
    found = re.search(rf'name="seen" value="(\w+)" id="{form}_seen"', page.content.decode())
    assert found
    return found[1]


@pytest.mark.parametrize(
    ("form", "theirs", "mine", "stored"),
    [
        ("details", DETAILS | {"billing_name": "Theirs Ltd"}, DETAILS | {"billing_name": "Mine Ltd"}, "Theirs Ltd"),
        ("limits", {"spend_cap": "50"}, {"spend_cap": "70.00"}, "$50.00"),
    ],
)
def test_who_keeps_it_second_sees_both_and_may_keep_it_then(
    house: House, form: str, theirs: dict[str, str], mine: dict[str, str], stored: str
) -> None:
    seen = seen_in(house.get("settings/"), form)
    assert house.post(f"settings/{form}/", theirs | {"seen": seen}, role="admin").status_code == 302
    before = account(house)
    answer = house.post(f"settings/{form}/", mine | {"seen": seen})
    assert answer.status_code == 409
    page = text_of(answer)
    assert f"{house.people['admin'].email} changed this meanwhile" in page
    assert f'<span class="stored-value">{stored}</span>' in page
    assert f'value="{next(iter(mine.values()))}"' in page
    assert account(house).billing_name == before.billing_name
    assert account(house).spend_cap == before.spend_cap
    assert house.post(f"settings/{form}/", mine | {"seen": seen_in(answer, form)}).status_code == 302


def test_details_reach_stripe_for_who_pays(sandbox: Sandbox, house: House) -> None:
    Buyer(sandbox, house.tenant).buy()
    assert house.post("settings/details/", DETAILS).status_code == 302
    customer = next(row for row in sandbox.state("customer") if row["id"] == account(house).stripe_customer_id)
    assert (customer["name"], customer["email"]) == ("House Ltd", "books@house.example")


def test_a_cap_is_in_whole_money_and_none_is_none(house: House) -> None:
    house.post("settings/limits/", {"spend_cap": "12.50", "alerts_by_mail": "on"})
    assert (account(house).spend_cap, account(house).alerts_by_mail) == (12_50, True)
    house.post("settings/limits/", {"spend_cap": ""})
    assert (account(house).spend_cap, account(house).alerts_by_mail) == (None, False)


@pytest.mark.parametrize("typed", ["-1", "1.234", "lots", "99999999999"])
def test_a_cap_that_is_none_is_refused_and_stays_typed(house: House, typed: str) -> None:
    answer = house.post("settings/limits/", {"spend_cap": typed})
    assert answer.status_code == 422
    assert f'value="{typed}"' in text_of(answer)
    assert account(house).spend_cap is None


def test_contacts_come_and_go(house: House) -> None:
    assert house.post("settings/contact/", {"email": "Books@House.example"}).status_code == 302
    assert "books@house.example" in text_of(house.get("settings/"))
    twice = house.post("settings/contact/", {"email": "books@house.example"})
    assert "is a contact already" in text_of(twice)
    contact = BillingContact.for_tenant(house.tenant.id).get()
    assert house.post(f"settings/contacts/{contact.id}/remove/").status_code == 302
    assert not BillingContact.for_tenant(house.tenant.id).exists()


def test_there_are_ten_contacts_at_most(house: House) -> None:
    for number in range(10):
        house.post("settings/contact/", {"email": f"{number}@house.example"})
    answer = house.post("settings/contact/", {"email": "eleventh@house.example"})
    assert "which is the most" in text_of(answer)
    assert BillingContact.for_tenant(house.tenant.id).count() == 10


def test_support_looks_in_only_while_somebody_agreed(house: House) -> None:
    assert house.post("settings/support/", {"length": "hour"}).status_code == 302
    until = account(house).support_until
    assert until is not None
    assert abs(until - now() - timedelta(hours=1)) < timedelta(minutes=1)
    sam = make_user(f"sam@{house.tenant.slug}.example", "Sam")
    type(sam).objects.filter(id=sam.id).update(is_staff=True)
    visits.begin(house.tenant.id, staff=sam, reason="The widget is silent.")
    page = text_of(house.get("settings/"))
    assert "Sam" in page
    assert "The widget is silent." in page
    assert house.post("settings/support/end/").status_code == 302
    assert account(house).support_until is None


def test_the_data_is_taken_along_and_that_is_written_down(house: House) -> None:
    answer = house.post("export/")
    assert answer["Content-Type"] == "application/zip"
    assert b"".join(answer)[:2] == b"PK"
    assert BillingAudit.objects.filter(tenant_id=house.tenant.id, action="data.export").count() == 1
