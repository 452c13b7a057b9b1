"""Somebody presses a button about a member whom a colleague removes in that moment: it is said above the list of people."""

from uuid import UUID

import pytest
from django.http import HttpRequest

from tenants import services
from tenants.context import TenantRef
from tenants.models import Membership
from tenants.pages import desk
from tenants.pages.people import member
from tests.support.people import host, owner_of, ref_of, signed_in, text_of
from tests.tenants.test_people_pages import seen_in


@pytest.mark.parametrize("button", ["", "disable/", "enable/", "remove/", "sign-out/"])
def test_the_page_finds_them_and_the_service_does_not(
    tenant: TenantRef, nell: Membership, button: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser, find = signed_in(tenant, owner_of(tenant)), desk.member_on

    def found_and_gone(request: HttpRequest, member_id: UUID) -> Membership:
        found = find(request, member_id)
        services.remove(nell, by=ref_of(owner_of(tenant)))
        return found

    url = f"{host(tenant)}/people/{nell.id}/"
    said = {"role": "viewer", "heir": "", "seen": seen_in(text_of(browser.get(f"{url}disable/")))}
    monkeypatch.setattr(member, "member_on", found_and_gone)
    page = text_of(browser.follow(browser.post(f"{url}{button}", said)))
    assert browser.url == f"{host(tenant)}/people/"
    assert page.index("They are no member any more.") < page.index('aria-label="Members"')
