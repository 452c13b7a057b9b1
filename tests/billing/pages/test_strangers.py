"""Acceptance check 10: what belongs to another tenant is not there, whatever id is tried, on each address that takes one."""

import re
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest

from billing.clock import now
from billing.models import BillingContact
from billing.urls_tenant import urlpatterns
from tests.billing.pages.conftest import BuildHouse, House

Made = Callable[[House], UUID]


def an_invoice(house: House) -> UUID:
    return house.invoice(status="open", amount_paid=0, amount_remaining=76_20, attempt_count=1).id


def a_batch(house: House) -> UUID:
    return house.batch(now().replace(minute=0, second=0, microsecond=0) - timedelta(hours=2)).id


def a_contact(house: House) -> UUID:
    contact: BillingContact = BillingContact.objects.create(account_id=house.tenant.id, email="books@house.example")
    return contact.id


# Every address below /billing/ that takes an id, with what makes one, and how it is asked.
TAKEN: dict[str, tuple[Made, str]] = {
    "invoices/<uuid:invoice_id>/": (an_invoice, "get"),
    "invoices/<uuid:invoice_id>/pdf/": (an_invoice, "get"),
    "invoices/<uuid:invoice_id>/pay/": (an_invoice, "post"),
    "usage/<str:meter>/batches/<uuid:batch_id>/": (a_batch, "get"),
    "settings/contacts/<uuid:contact_id>/remove/": (a_contact, "post"),
}


def filled(pattern: str, id: UUID) -> str:
    return re.sub(r"<uuid:\w+>", str(id), pattern).replace("<str:meter>", "message")


def asked(house: House, pattern: str, id: UUID) -> int:
    address = filled(pattern, id)
    return int((house.get if TAKEN[pattern][1] == "get" else house.post)(address).status_code)


def test_every_address_that_takes_an_id_is_tried() -> None:
    assert {str(entry.pattern) for entry in urlpatterns if "<uuid:" in str(entry.pattern)} == TAKEN.keys()


@pytest.mark.parametrize("pattern", TAKEN)
def test_check_10_another_tenants_ids_are_not_found(build_house: BuildHouse, pattern: str) -> None:
    """The owner of one tenant with the ids of another's objects: 404, and 404 too for one that nobody has."""
    mine, theirs = build_house(), build_house()
    make = TAKEN[pattern][0]
    assert asked(mine, pattern, make(mine)) in {200, 302}
    assert asked(mine, pattern, make(theirs)) == 404
    assert asked(mine, pattern, UUID(int=now().microsecond)) == 404


def test_a_contact_of_another_tenant_stays(build_house: BuildHouse) -> None:
    mine, theirs = build_house(), build_house()
    contact = a_contact(theirs)
    assert mine.post(f"settings/contacts/{contact}/remove/").status_code == 404
    assert BillingContact.objects.filter(id=contact).exists()


def test_names_that_are_none_are_not_found(house: House) -> None:
    for path in ("plans/gold/", "plans/free/", "plan/win/", "usage/tea/", "usage/tea/rows.csv", "usage/tea/open/"):
        assert house.get(path).status_code == 404, path
    assert house.post("settings/shoes/").status_code == 404


def test_a_batch_is_not_found_under_another_meter(house: House) -> None:
    batch = a_batch(house)
    assert house.get(f"usage/message/batches/{batch}/").status_code == 200
    assert house.get(f"usage/visitor/batches/{batch}/").status_code == 404
