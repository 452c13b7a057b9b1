"""PostgreSQL stores no NUL: whoever sends one, wherever it stands, is told so, and never that something of ours broke."""

import re
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.test import Client

from tenants.jwt_services import sign_in_by_password
from tenants.models import User
from tests.isolation.routes import filled as route_as_address
from tests.isolation.routes import patterns
from tests.isolation.strangers import SHOP, House, visitor_token
from tests.support.api import Program, signed_in
from tests.support.cast import PASSWORD, make_user
from tests.support.community import Visit, community, member, message_of
from tests.support.web import PLATFORM, Browser

SAID = "holds a NUL character (%00), which is refused."
ASKED = [
    "/people/?text={}",
    "/rooms/?named={}",
    "/rooms/{room}/people/?named={}",
    "/moderation/people/?named={}",
    "/audit/?on={}",
    "/audit/audit.csv?thing={}",
    "/billing/plans/{}/",
    "/sites/{site}/access/?x={}",
]
ON_THE_PLATFORM = ["/you/two-factor/needed/?tenant={}", "/hand-over/?nonce=" + 64 * "0" + "&tenant={}", "/invitations/{}/"]
FORMS: list[tuple[str, dict[str, str], int]] = [
    ("/rooms/{room}/people/{vic}/lift/", {"what": "muted_until{}"}, 404),
    ("/rooms/{room}/people/{vic}/role/", {"role": "member{}"}, 404),
    ("/sites/{site}/access/try/", {"address": "https://{}shop.example", "allowed_origins": "https://{}shop.example"}, 200),
    ("/sites/{site}/access/allow/", {"origin": "https://{}shop.example"}, 302),
    ("/rooms/new/", {"kind": "team", "title": "Us{}"}, 422),
    ("/people/invite/", {"email": "a{}@b.example", "role": "agent"}, 422),
    ("/settings/name/", {"name": "Acme{}"}, 422),
    ("/notifications/seen/", {"id": "{}1"}, 404),
]


@pytest.fixture
def owner(mine: House) -> Browser:
    """The owner's browser, on both hosts."""
    browser = Browser()
    browser.sign_in(f"http://{mine.host}/people/", mine.owner.email)
    return browser


@pytest.fixture
def named(mine: House) -> dict[str, Any]:
    """What addresses name."""
    room = community(mine.tenant)
    return {"room": room, "site": mine.vic.site_id, "vic": member(mine.tenant, room).id, "key": mine.key}


def filled(path: str, named: dict[str, Any], text: str) -> str:
    return path.replace("{}", text).format(**named)


@pytest.mark.parametrize("path", ASKED)
def test_in_an_address(mine: House, owner: Browser, named: dict[str, Any], path: str) -> None:
    assert owner.get(f"http://{mine.host}{filled(path, named, 'x')}").status_code in {200, 404}
    answer = owner.get(f"http://{mine.host}{filled(path, named, '%00')}")
    assert (answer.status_code, SAID in answer.content.decode()) == (400, True)


@pytest.mark.parametrize("path", ON_THE_PLATFORM)
def test_in_an_address_of_the_platform(owner: Browser, path: str) -> None:
    assert owner.get(PLATFORM + path.replace("{}", "x")).status_code < 500
    answer = owner.get(PLATFORM + path.replace("{}", "x%00"))
    assert (answer.status_code, SAID in answer.content.decode()) == (400, True)


def test_in_a_path_that_is_posted_to(mine: House, owner: Browser, named: dict[str, Any]) -> None:
    path = f"http://{mine.host}/sites/{named['site']}/keys/{{}}/revoke/"
    assert owner.post(path.format("nokey"), {}).status_code in {302, 404}
    assert owner.post(path.format("%00"), {}).status_code == 400


@pytest.mark.parametrize(("path", "fields", "status"), FORMS)
def test_in_a_form_its_page_says_it(
    mine: House, owner: Browser, named: dict[str, Any], path: str, fields: dict[str, str], status: int
) -> None:
    sent = {name: value.replace("{}", "\0") for name, value in fields.items()}
    assert owner.post(f"http://{mine.host}{filled(path, named, '')}", sent).status_code == status


def test_in_what_staff_type() -> None:
    """Their pages read some fields without a form."""
    sam, client = make_user(f"{uuid4().hex}@staff.example", "Sam"), Client(headers={"host": settings.BASE_HOST})
    User.objects.filter(id=sam.id).update(is_staff=True, is_superuser=True)
    client.force_login(User.objects.get(id=sam.id), backend=settings.AUTHENTICATION_BACKENDS[0])
    for note, status in (("settled by mail", 302), ("settled\0by mail", 400)):
        answer = client.post(f"/staff/money/metering/differences/{uuid4()}/", {"note": note})
        assert answer.status_code == status
    assert f"The field 'note' {SAID}" in answer.content.decode()


def test_in_a_query_that_a_form_carries(mine: House, owner: Browser, named: dict[str, Any]) -> None:
    url = f"http://{mine.host}/rooms/{named['room']}/move/"
    client = owner.jar(mine.host)
    for query in ("named=friends", "named=friends%00"):
        answer = client.post(url.partition(mine.host)[2], {"to": "first", "query": query}, headers={"HX-Request": "true"})
        assert answer.status_code == 200
        assert "friends" in answer.content.decode()


@pytest.mark.parametrize("name", [settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME, "sign_in_nonce"])
def test_in_a_cookie(mine: House, name: str) -> None:
    """A cookie in quotes may write any character by its number."""
    for value, status in (("abcdefghij", 302), ("abc\\000defghij", 400)):
        client = Client(headers={"host": mine.host, "cookie": f'{name}="{value}"'})
        assert client.get("/people/").status_code == status


def test_programs_are_told_as_json_which_parameter_it_is(mine: House) -> None:
    program = signed_in(mine.tenant, mine.owner.email)
    assert program.get("/rooms", status="open").status_code == 200
    answer = program.get("/rooms", status="open\0")
    assert answer.status_code == 400
    said = answer.json()["error"]
    assert (said["code"], said["field"], SAID in said["message"]) == ("bad_frame", "status", True)


@pytest.mark.parametrize("urlconf", ["saas.urls_tenant", "saas.urls_widget"])
def test_what_a_program_names_so_is_nobodys(mine: House, urlconf: str) -> None:
    """Ids are read from addresses as texts: one that can be none is not found, like one of somebody else."""
    token = sign_in_by_password(mine.tenant, email=mine.owner.email, password=PASSWORD).access
    host = mine.host if urlconf == "saas.urls_tenant" else settings.WIDGET_HOST
    client = Client(headers={"Host": host, "Authorization": f"Bearer {token if host == mine.host else visitor_token(mine)}"})
    routes = [route for route in patterns(urlconf) if route.startswith(("api/", "w/"))]
    tried = 0
    for route in routes:
        names = re.findall(r"<str:(\w+)>", route)
        for name in names:
            good = {"key": mine.key, "room_id": mine.room_id, "site_id": mine.vic.site_id}
            path = route_as_address(route, **{**good, name: "a%00b"})
            for method in ("get", "post", "put", "patch", "delete"):
                answer = getattr(client, method)(path, {}, content_type="application/json")
                assert 400 <= answer.status_code < 500, (method, path)
                tried += 1
    assert tried > 50


BODIES: dict[str, tuple[Callable[[Program, dict[str, Any]], Any], set[int]]] = {
    "a title": (lambda at, f: at.post("/rooms", {"kind": "team", "title": "a\0b"}), {400}),
    "another title": (lambda at, f: at.patch(f"/rooms/{f['room']}", {"title": "a\0b"}), {400}),
    "a word": (lambda at, f: at.put(f"/sites/{f['site']}/words", {"words": ["a\0b"]}), {400}),
    "a place": (lambda at, f: at.post(f"/rooms/{f['room']}/move", {"to": "a\0b"}), {400}),
    "a message": (lambda at, f: at.post(f"/rooms/{f['room']}/pins", {"message": "a\0b"}), {400, 404}),
    "a role": (lambda at, f: at.put(f"/rooms/{f['room']}/members/{f['vic']}", {"role": "a\0b"}), {400}),
    "a sure title": (lambda at, f: at.delete(f"/rooms/{f['room']}", {"sure": "a\0b"}), {400, 409}),
    "an address": (lambda at, f: at.post("/auth/token", {"email": "a\0@b.example", "password": "x"}), {400}),
    "a password": (lambda at, f: at.post("/auth/token", {"email": "a@b.example", "password": "x\0"}), {400}),
    "a code": (lambda at, f: at.post("/auth/token", {"email": "a@b.example", "password": "x", "otp": "\0"}), {400}),
    "a token": (lambda at, f: at.post("/auth/refresh", {"refresh": "a\0b"}), {400, 401}),
}


@pytest.mark.parametrize("what", list(BODIES))
def test_in_json(mine: House, named: dict[str, Any], what: str) -> None:
    send, statuses = BODIES[what]
    answer = send(signed_in(mine.tenant, mine.owner.email), named)
    assert answer.status_code in statuses, answer.content
    assert answer.json()["error"]["code"] != "internal"


def test_in_a_report(mine: House, named: dict[str, Any]) -> None:
    said = message_of(mine.tenant, named["room"], member(mine.tenant, named["room"]))
    visit = Visit(mine.tenant, member(mine.tenant, named["room"]))
    answer = visit.ask("post", f"/rooms/{named['room']}/reports", {"message": str(said), "reason": "a\0b"})
    assert (answer.status_code, answer.json()["error"]["field"]) == (400, "reason")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("handle", "a\0b"),
        ("locale", "a\0b"),
        ("identity", "a\0b"),
        ("page", {"url": "https://shop.example/\0", "title": "a\0b", "referrer": "https://shop.example/\0"}),
    ],
)
def test_in_what_a_widget_asks_for_a_session(mine: House, field: str, value: object) -> None:
    client = Client(headers={"Host": settings.WIDGET_HOST})
    answer = client.post(f"/w/{mine.key}/session", {"parent": SHOP, field: value}, content_type="application/json")
    assert answer.status_code in {200, 403}, answer.content
