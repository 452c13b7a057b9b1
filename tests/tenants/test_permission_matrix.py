"""Every page and every call of a tenant's host, for every role: who may is read from the one table of permissions.

A page names what it needs in `permission` and `to_change`, a view of the API in `needs`. What names nothing and is not on the
short list of open addresses fails here.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import URLPattern, get_resolver, reverse

from billing.services.comps import give_key
from chat.models import Report, Room
from chat.services.identity import make_identity_key
from chat.services.invitations import invite
from saas.core import ratelimit
from tenants.access import ALLOWED, Do, may
from tenants.context import TenantRef, in_tenant
from tenants.models import AuditEntry, Membership, Role, User
from tenants.permissions import IsAnyone
from tenants.provisioning import create_tenant
from tests.support.api import Program, signed_in
from tests.support.cast import make_user
from tests.support.community import community, member, message_of
from tests.support.talk import agent, embed_key, room_of, visitor
from tests.support.web import Browser

URLS: Final = "saas.urls_tenant"
OPEN: Final = {"sign_in", "sign_in_code", "sign_out", "signed_out", "api_token", "api_refresh", "api_sign_out"}
ROLES: Final = tuple(Role)
SUPPORT: Final = {"api_resolve", "api_reopen", "api_assign"}  # what is done to a room with a visitor
MOST_QUERIES: Final = 25  # of one page, with the session, the member and the tenant
NOT_MEANT_SO: Final = 405
REFUSED: Final = 403


@dataclass
class World:
    """A tenant with somebody of each role, and one of each thing that an address can name."""

    tenant: TenantRef
    people: dict[str, User]
    named: dict[str, Any]
    support_room: UUID
    browsers: dict[str, Client] = field(default_factory=dict)
    programs: dict[str, Program] = field(default_factory=dict)

    def browser(self, role: str) -> Client:
        """The browser of this role, signed in."""
        if role not in self.browsers:
            host = f"{self.tenant.slug}.{settings.BASE_HOST}"
            window = Browser()
            window.sign_in(f"{settings.SCHEME}://{host}/billing/", self.people[role].email)
            self.browsers[role] = window.jar(host)
        return self.browsers[role]

    def program(self, role: str) -> Program:
        """The program of this role."""
        if role not in self.programs:
            self.programs[role] = signed_in(self.tenant, self.people[role].email)
        return self.programs[role]

    def state(self) -> tuple[object, ...]:
        """What no refusal changes: the things that addresses name, and that nothing was written down."""
        with in_tenant(self.tenant):
            room = (
                Room.objects.filter(id=self.named["room_id"])
                .values("title", "closed_at", "slow_seconds", "pinned", "people")
                .get()
            )
            settled = Report.objects.get(id=self.named["report_id"]).settled_at
        target = Membership.objects.filter(id=self.named["member_id"]).values("role", "disabled_at").first()  # removed: None
        return room, settled, target, AuditEntry.objects.filter(tenant_id=self.tenant.id).count()

    def path(self, route: URLPattern) -> str:
        """The address of a route that names what is here."""
        instead = {"room_id": self.support_room} if route.name in SUPPORT else {}
        wanted = {name: instead.get(name) or self.named[name] for name in route.pattern.converters}
        return reverse(str(route.name), urlconf=URLS, kwargs=wanted)

    def body(self, route: URLPattern, method: str) -> dict[str, Any] | None:
        """What a call of the API says, whole and right: a refusal is then about who asks."""
        bodies: dict[tuple[str, str], dict[str, Any]] = {
            ("api_rooms", "POST"): {"kind": "team", "title": f"Room {uuid4().hex[:6]}"},
            ("api_room", "PATCH"): {"slow_seconds": 5},
            ("api_room", "DELETE"): {"sure": "not its title"},
            ("api_assign", "POST"): {"agent": None},
            ("api_move", "POST"): {"to": "first"},
            ("api_member", "PUT"): {"mute_for": 60},
            ("api_pins", "POST"): {"message": str(self.named["message_id"])},
            ("api_room_reports", "POST"): {"message": str(self.named["message_id"])},
            ("api_invitations", "POST"): {"expires_in": 60},
            ("api_seen", "POST"): {"all": True},
            ("api_notification_settings", "PUT"): {"settings": {}},
            ("api_words", "PUT"): {"words": ["spam"]},
            ("api_strict", "PUT"): {"strict": False},
        }
        return bodies.get((str(route.name), method))


def routes(patterns: Any = None) -> Iterator[URLPattern]:
    """Every address of a tenant's host."""
    for entry in get_resolver(URLS).url_patterns if patterns is None else patterns:
        if isinstance(entry, URLPattern):
            yield entry
        else:
            yield from routes(entry.url_patterns)


def is_page(route: URLPattern) -> bool:
    return getattr(route.callback, "permission", None) is not None


def view_class(route: URLPattern) -> Any:
    return getattr(route.callback, "view_class", None) or getattr(route.callback, "cls", None)


PAGES: Final = [route for route in routes() if is_page(route)]
CALLS: Final = [
    (route, method, do)
    for route in routes()
    if view_class(route)
    for method, do in getattr(view_class(route), "needs", {}).items()
]


def make_world() -> World:
    """With people of each role, and beside them Tara, to whom things are done."""
    slug = f"m{uuid4().hex[:12]}"
    people = {str(role): make_user(f"{role}@{slug}.example", str(role).title()) for role in ROLES}
    tenant = create_tenant(slug=slug, name="Matrix", owner=people["owner"])
    give_key(tenant.id, "business", seats=20)
    for role in ROLES[1:]:
        Membership.objects.create(tenant_id=tenant.id, user=people[str(role)], role=role)
    target = Membership.objects.create(tenant_id=tenant.id, user=make_user(f"tara@{slug}.example", "Tara"), role=Role.AGENT)
    owner, room = agent(tenant, people["owner"], Role.OWNER), community(tenant)
    vic = member(tenant, room)
    message = message_of(tenant, room, vic)
    with in_tenant(tenant):
        report = Report.objects.create(
            message_id=message, room_id=room, reporter_id=uuid4(), reporter_kind="visitor", reporter_name="Val", reason=""
        )
    named = {
        "room_id": room,
        "site_id": embed_key(tenant).site_id,
        "person_id": vic.id,
        "message_id": message,
        "report_id": report.id,
        "member_id": target.id,
        "kid": make_identity_key(tenant, owner, embed_key(tenant).site_id).kid,
        "invitation_id": invite(tenant, owner, room_id=room, expires_in=3_600, uses=5).id,
        "key": "team",
        "meter": "message",
        "part": "details",
        "sid": uuid4(),
    }
    return World(tenant, people, Named(named), room_of(tenant, visitor(tenant), "hello"))


class Named(dict[str, Any]):
    """What is not known by a name of its own is the id of nothing."""

    def __missing__(self, name: str) -> Any:
        return uuid4()


@pytest.fixture(scope="module")
def world(database: None) -> World:
    """One in which nobody changes anything: they may not, or only look."""
    return make_world()


@pytest.fixture(scope="module")
def worlds(database: None) -> Callable[[str], World]:
    """One for each role, in which they do all that they may."""
    made: dict[str, World] = {}

    def world_of(role: str) -> World:
        return made.get(role) or made.setdefault(role, make_world())

    return world_of


@pytest.mark.parametrize("route", [route for route in routes() if route.name not in OPEN], ids=lambda route: route.name)
def test_every_address_says_what_it_needs(route: URLPattern) -> None:
    view = view_class(route)
    if view is None:
        assert is_page(route), f"/{route.pattern} names no permission: put @needs on it"
    else:
        methods = {method.upper() for method in ("get", "post", "put", "patch", "delete") if hasattr(view, method)}
        assert IsAnyone not in view.permission_classes
        assert set(getattr(view, "needs", {})) == methods, f"/{route.pattern} does not say what each method needs"


def test_what_is_open_is_known() -> None:
    named = {route.name for route in routes()}
    assert named >= OPEN
    assert not [route.name for route in routes() if route.name in OPEN and is_page(route)]


def test_every_permission_is_somebodys_and_not_everything_everybodys() -> None:
    assert set(ALLOWED) == set(Do)
    assert all(Role.OWNER in roles for roles in ALLOWED.values())
    assert any(Role.VIEWER not in roles for roles in ALLOWED.values())


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("route", PAGES, ids=lambda route: route.name)
def test_a_page_opens_for_who_may_see_it(world: World, route: URLPattern, role: Role) -> None:
    status = world.browser(role).get(world.path(route)).status_code
    if may(role, route.callback.permission):  # type: ignore[attr-defined]
        assert status in {200, 204, 302, 404, NOT_MEANT_SO}
    else:
        assert status in {REFUSED, NOT_MEANT_SO}


@pytest.mark.parametrize("route", PAGES, ids=lambda route: route.name)
def test_a_page_asks_the_database_seldom(world: World, route: URLPattern) -> None:
    browser, path = world.browser(Role.OWNER), world.path(route)
    browser.get(path)  # what a process keeps is known from here on
    with CaptureQueriesContext(connection) as asked:
        browser.get(path)
    assert len(asked) <= MOST_QUERIES, [query["sql"][:200] for query in asked]


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("route", PAGES, ids=lambda route: route.name)
def test_a_page_takes_changes_from_who_may_make_them(
    world: World, worlds: Callable[[str], World], route: URLPattern, role: Role
) -> None:
    is_allowed = may(role, route.callback.to_change)  # type: ignore[attr-defined]
    here = worlds(role) if is_allowed else world
    browser, before = here.browser(role), here.state()
    answer = browser.post(here.path(route), {"csrfmiddlewaretoken": "as every form has"})
    if is_allowed:
        assert answer.status_code != REFUSED
        assert urlsplit(answer.headers.get("Location", "")).path != "/sign-in/"
    else:
        assert answer.status_code in {REFUSED, NOT_MEANT_SO}
        assert here.state() == before


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize(("route", "method", "do"), CALLS, ids=lambda part: getattr(part, "name", str(part)))
def test_the_api_answers_who_may(
    world: World, worlds: Callable[[str], World], route: URLPattern, method: str, do: Do, role: Role
) -> None:
    ratelimit.forget_all()
    is_allowed = may(role, do)
    here = worlds(role) if is_allowed and method != "GET" else world
    ask, before = getattr(here.program(role).client, method.lower()), here.state()
    answer = ask(here.path(route), here.body(route, method), content_type="application/json")
    if is_allowed:
        assert answer.status_code not in {401, REFUSED, 429}, answer.content
        assert answer.status_code == 200 or method != "GET", answer.content
    else:
        assert answer.status_code == REFUSED, answer.content
        assert here.state() == before
