"""No answer of any host holds anything of a tenant for somebody who is none of its members, and nothing of it changes.

Two new tenants: what is inside `mine` is marked, and everybody who has a proof of something else than a membership of it tries
every address with every method. A route that nobody thought about fails `test_every_route_has_a_row`.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import psycopg
import pytest
from django.conf import settings
from django.test import Client
from psycopg import sql

from chat.services.sites import change_site
from chat.services.visitors import ensure_visitor
from tenants.context import TenantRef, in_tenant
from tenants.jwt_services import sign_in_by_password
from tenants.models import Role, User
from tenants.tokens import Principal, issue_socket_ticket, issue_visitor
from tests.isolation.routes import ROUTES, Row, filled, patterns, row_of
from tests.support.cast import PASSWORD, MakeTenant, make_user
from tests.support.talk import embed_key, room_of, visitor
from tests.support.web import Browser

METHODS = ["get", "head", "post", "put", "patch", "delete", "options"]
SHOP = "https://shop.example"
Superuser = psycopg.Connection[tuple[object, ...]]


@dataclass
class House:
    """A tenant with an owner, a visitor and a room with a secret in it."""

    tenant: TenantRef
    owner: User
    vic: Principal
    handle: str
    room_id: UUID
    secret: str

    @property
    def host(self) -> str:
        return f"{self.tenant.slug}.{settings.BASE_HOST}"

    @property
    def key(self) -> str:
        return embed_key(self.tenant).key

    @property
    def marks(self) -> list[str]:
        """What no stranger may be told."""
        return [self.secret, self.vic.name, self.owner.email, str(self.vic.id), str(self.room_id)]

    def leaks(self, path: str, answer: Any) -> list[str]:
        """The marks in an answer, except those that the asker brought in the address."""
        said = f"{b''.join(answer).decode(errors='replace')} {list(answer.headers.items())} {answer.cookies}"
        return [mark for mark in self.marks if mark in said and mark not in path]

    def fingerprint(self, superuser: Superuser) -> dict[str, object]:
        """A digest of every table of the tenant."""
        schema = self.tenant.schema
        tables = superuser.execute("SELECT tablename FROM pg_tables WHERE schemaname = %s", [schema]).fetchall()
        digest = "SELECT count(*), md5(string_agg(t::text, ',' ORDER BY t::text)) FROM {} t"
        return {
            str(name): superuser.execute(sql.SQL(digest).format(sql.Identifier(schema, str(name)))).fetchone()
            for (name,) in tables
        }


@pytest.fixture
def build(make_tenant: MakeTenant) -> Callable[[], House]:
    def build_house() -> House:
        owner = make_user(f"{uuid4().hex}@house.example", "Olga")
        tenant = make_tenant(owner=owner)
        site_id = embed_key(tenant).site_id
        change_site(tenant, site_id, allowed_origins=[SHOP])
        secret = f"secret-{uuid4().hex}"
        vic = visitor(tenant)
        with in_tenant(tenant):
            handle = ensure_visitor(site_id, None).handle
        return House(tenant, owner, vic, handle, room_of(tenant, vic, secret), secret)

    return build_house


@pytest.fixture
def mine(build: Callable[[], House]) -> House:
    """The tenant that is tried."""
    return build()


@pytest.fixture
def theirs(build: Callable[[], House]) -> House:
    """The tenant of those who try."""
    return build()


# Everybody who holds a proof, but none of being a member of `mine`. Each gives the headers and cookies of their requests.
Proof = tuple[dict[str, str], dict[str, str]]


def nobody(mine: House, theirs: House) -> Proof:
    return {}, {}


def a_forger(mine: House, theirs: House) -> Proof:
    token = sign_in_by_password(mine.tenant, email=mine.owner.email, password=PASSWORD).access
    head, _, tail = token.rpartition(".")
    return bearer(f"{head}.{tail[::-1]}"), {}


def member_elsewhere(mine: House, theirs: House) -> Proof:
    return bearer(sign_in_by_password(theirs.tenant, email=theirs.owner.email, password=PASSWORD).access), {}


def refresh_token_of_a_member(mine: House, theirs: House) -> Proof:
    return bearer(sign_in_by_password(mine.tenant, email=mine.owner.email, password=PASSWORD).refresh), {}


def socket_ticket_elsewhere(mine: House, theirs: House) -> Proof:
    return bearer(ticket(theirs)), {}


def socket_ticket_of_a_member(mine: House, theirs: House) -> Proof:
    """A ticket opens a socket and nothing else."""
    return bearer(ticket(mine)), {}


def visitor_elsewhere(mine: House, theirs: House) -> Proof:
    return bearer(visitor_token(theirs)), {}


def own_visitor(mine: House, theirs: House) -> Proof:
    """Not even with a good token is a visitor a member."""
    return bearer(visitor_token(mine)), {}


def session_elsewhere(mine: House, theirs: House) -> Proof:
    """The session cookie of a member of the other tenant, carried to this host."""
    return {}, session(f"{settings.SCHEME}://{theirs.host}/inbox/", theirs.owner)


def platform_session_of_a_member(mine: House, theirs: House) -> Proof:
    """Signed in on the platform's host, without having come over to this one."""
    return {}, session(f"{settings.SCHEME}://{settings.BASE_HOST}/home/", mine.owner)


STRANGERS = [
    nobody,
    a_forger,
    member_elsewhere,
    refresh_token_of_a_member,
    socket_ticket_elsewhere,
    socket_ticket_of_a_member,
    visitor_elsewhere,
    own_visitor,
    session_elsewhere,
    platform_session_of_a_member,
]


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def ticket(house: House) -> str:
    return issue_socket_ticket(house.tenant, user_id=house.owner.id, name="Olga", role=Role.OWNER, sid=str(uuid4())).token


def visitor_token(house: House) -> str:
    who = house.vic
    assert who.site_id
    return issue_visitor(house.tenant, visitor_id=who.id, name=who.name, site_id=who.site_id, parent=SHOP, sid="s").token


def session(url: str, user: User) -> dict[str, str]:
    """The cookies of a browser that has signed in there."""
    browser = Browser()
    assert browser.sign_in(url, user.email).status_code == 200
    assert browser.url == url
    return {name: cookie.value for name, cookie in browser.jar(urlsplit(url).netloc).cookies.items()}


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
