"""No answer of any host holds anything of a tenant for somebody who is none of its members, and nothing of it changes.

Two new tenants: what is inside `mine` is marked, and everybody who has a proof of something else than a membership of it tries
every address with every method. A route that nobody thought about fails `test_every_route_has_a_row`.
"""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from tenants.jwt_services import sign_in_by_password
from tests.isolation.routes import ROUTES, Row, filled, patterns, row_of
from tests.isolation.strangers import (
    SHOP,
    STRANGERS,
    House,
    Proof,
    Superuser,
    bearer,
    member_elsewhere,
    nobody,
    own_visitor,
    platform_session_of_a_member,
    session_elsewhere,
    visitor_token,
)
from tests.support.cast import PASSWORD

METHODS = ["get", "head", "post", "put", "patch", "delete", "options"]


def asker(host: str, proof: Proof) -> Client:
    headers, cookies = proof
    client = Client(headers={"Host": host, **headers})
    client.cookies.load(cookies)
    return client


def attempts(urlconf: str, **values: object) -> Iterator[tuple[Row, str, str]]:
    """Every route with every method: its row, the method and the address. What ends a sign-in comes last."""
    for pattern in sorted(patterns(urlconf), key=lambda pattern: "sign-out" in pattern or "logout" in pattern):
        for method in METHODS:
            yield row_of(urlconf, pattern), method, filled(pattern, **values)


def is_refusal(answer: Any) -> bool:
    """Refused, or sent to sign in."""
    if answer.status_code in {301, 302}:
        return "/sign-in/" in answer.headers["Location"] or "/login/" in answer.headers["Location"]
    return answer.status_code in {400, 401, 403, 404, 405}


@pytest.mark.parametrize("urlconf", ROUTES)
def test_every_route_has_a_row(urlconf: str) -> None:
    rows = set(ROUTES[urlconf])
    found = {pattern for pattern in patterns(urlconf) if not pattern.startswith("staff/")}
    assert found - rows == set(), "new routes: give each a row in tests/isolation/routes.py"
    assert rows - found == set(), "rows of routes that are gone"


def test_a_member_sees_what_the_others_must_not(mine: House) -> None:
    token = sign_in_by_password(mine.tenant, email=mine.owner.email, password=PASSWORD).access
    client = asker(mine.host, (bearer(token), {}))
    shown = [path for row, method, path in attempts("saas.urls_tenant", room_id=mine.room_id) if row.shows and method == "get"]
    assert len(shown) >= 3
    for path in shown:
        answer = client.get(path)
        assert answer.status_code == 200
        assert mine.leaks(path, answer), path


@pytest.mark.parametrize("stranger", STRANGERS, ids=lambda stranger: stranger.__name__)
def test_a_tenants_host_tells_a_stranger_nothing(
    mine: House, theirs: House, superuser: Superuser, stranger: Callable[[House, House], Proof]
) -> None:
    proof, before = stranger(mine, theirs), mine.fingerprint(superuser)
    for row, method, path in attempts("saas.urls_tenant", room_id=mine.room_id):
        answer = getattr(asker(mine.host, proof), method)(path)
        assert answer.status_code < 500, (method, path)
        assert mine.leaks(path, answer) == [], (method, path)
        assert is_refusal(answer) or not row.gated, (method, path, answer.status_code)
    assert mine.fingerprint(superuser) == before


@pytest.mark.parametrize("by", ["token", "session"])
def test_a_member_of_another_tenant_does_not_find_this_ones_objects_at_home(
    mine: House, theirs: House, superuser: Superuser, by: str
) -> None:
    proof = member_elsewhere(mine, theirs) if by == "token" else session_elsewhere(mine, theirs)
    before, asked = mine.fingerprint(superuser), 0
    for _, method, path in attempts("saas.urls_tenant", room_id=mine.room_id):
        answer = getattr(asker(theirs.host, proof), method)(path)
        assert mine.leaks(path, answer) == [], (method, path)
        if str(mine.room_id) in path and path.startswith("/api/") and answer.status_code != 405:
            assert method == "options" or answer.status_code == 404, (method, path)
            asked += 1
    assert asked >= 4
    assert mine.fingerprint(superuser) == before


@pytest.mark.parametrize("stranger", [nobody, member_elsewhere, own_visitor, session_elsewhere], ids=lambda who: who.__name__)
def test_the_platforms_host_tells_a_stranger_nothing(
    mine: House, theirs: House, superuser: Superuser, stranger: Callable[[House, House], Proof]
) -> None:
    proof, before = stranger(mine, theirs), mine.fingerprint(superuser)
    for row, method, path in attempts("saas.urls_platform", object_id=mine.tenant.id):
        answer = getattr(asker(settings.BASE_HOST, proof), method)(path)
        assert answer.status_code < 500, (method, path)
        assert mine.leaks(path, answer) == [], (method, path)
        assert is_refusal(answer) or not row.gated, (method, path, answer.status_code)
    assert mine.fingerprint(superuser) == before


def test_the_staff_console_is_for_staff(mine: House, theirs: House, superuser: Superuser) -> None:
    """A person who has signed in and owns a tenant is no staff."""
    client = asker(settings.BASE_HOST, platform_session_of_a_member(theirs, mine))
    before, tried = mine.fingerprint(superuser), 0
    for row, method, path in attempts("saas.urls_platform", object_id=mine.tenant.id):
        if not path.startswith("/staff/") or not row.gated:
            continue
        answer = getattr(client, method)(path)
        assert is_refusal(answer), (method, path, answer.status_code)
        assert mine.leaks(path, answer) == [], (method, path)
        tried += 1
    assert tried > 50
    assert mine.fingerprint(superuser) == before


@pytest.mark.parametrize("host", [settings.WIDGET_HOST, settings.DEMO_HOST])
@pytest.mark.parametrize("proof", ["token", "cookie"])
def test_the_widget_host_knows_a_visitor_only_under_the_key_of_their_site(
    mine: House, theirs: House, superuser: Superuser, host: str, proof: str
) -> None:
    urlconf = "saas.urls_widget" if host == settings.WIDGET_HOST else "saas.urls_demo"
    cookies = {f"__Host-v-{house.vic.site_id.hex[-12:]}": mine.handle for house in (mine, theirs) if house.vic.site_id}
    client = asker(host, (bearer(visitor_token(mine)), {}) if proof == "token" else ({}, cookies))
    before = mine.fingerprint(superuser)
    for _, method, path in attempts(urlconf, key=theirs.key):
        answer = getattr(client, method)(path)
        assert answer.status_code < 500, (method, path)
        assert mine.leaks(path, answer) == [], (method, path)
    body = {"parent": SHOP, "handle": mine.handle}
    answer = client.post(f"/w/{theirs.key}/session", body, content_type="application/json")
    assert mine.leaks("", answer) == []
    assert mine.fingerprint(superuser) == before
