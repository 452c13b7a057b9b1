"""Who is not signed in any more is led to sign in, and back to a page that there is."""

import pytest

from tenants.context import TenantRef
from tests.support.people import host
from tests.support.web import Browser, Page

FORM = "/rooms/00000000-0000-0000-0000-000000000001/archive/"  # which is there for a POST only


def ask(browser: Browser, tenant: TenantRef, method: str, path: str, **headers: str) -> Page:
    """The answer to this request of nobody; `~` in a header stands for the tenant's own address."""
    client = browser.jar(host(tenant).removeprefix("http://"))
    sent = {name.replace("_", "-"): value.replace("~", host(tenant)) for name, value in headers.items()}
    return client.generic(method, path, headers=sent)


def test_a_page_comes_back_as_it_was_asked_for(browser: Browser, tenant: TenantRef) -> None:
    answer = ask(browser, tenant, "GET", "/people/?role=agent", referer="~/rooms/")
    assert answer["Location"] == "/sign-in/?next=%2Fpeople%2F%3Frole%3Dagent"


@pytest.mark.parametrize("path", [FORM, "/settings/name/", "/billing/settings/support/end/"])
def test_after_a_button_it_is_the_page_on_which_that_stood(browser: Browser, tenant: TenantRef, path: str) -> None:
    answer = ask(browser, tenant, "POST", path, referer="~/rooms/?show=team")
    assert (answer.status_code, answer["Location"]) == (302, "/sign-in/?next=%2Frooms%2F%3Fshow%3Dteam")


@pytest.mark.parametrize("referer", ["", "https://evil.example/rooms/", "http://[::1", "~@evil.example/rooms/"])
def test_a_page_of_somebody_else_is_none_to_come_back_to(browser: Browser, tenant: TenantRef, referer: str) -> None:
    assert ask(browser, tenant, "POST", FORM, referer=referer)["Location"] == "/sign-in/?next=%2F"


def test_what_htmx_sends_moves_the_whole_page(browser: Browser, tenant: TenantRef) -> None:
    answer = ask(browser, tenant, "POST", FORM, HX_Request="true", HX_Current_URL="~/rooms/", referer="~/start/")
    assert (answer.status_code, answer["HX-Redirect"]) == (200, "/sign-in/?next=%2Frooms%2F")


def test_what_a_page_asks_by_itself_leads_nobody_away(browser: Browser, tenant: TenantRef) -> None:
    """They may be typing: the bell asks every half minute."""
    answer = ask(browser, tenant, "GET", "/notifications/bell/", HX_Request="true", HX_Current_URL="~/rooms/")
    assert answer.status_code == 401
    assert "HX-Redirect" not in answer
