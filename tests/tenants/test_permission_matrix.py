"""Every page and every call of a tenant's host, for every role: who may is read from the one table of permissions.

A page names what it needs in `permission` and `to_change`, a view of the API in `needs`. What names nothing and is not on the
short list of open addresses fails here.
"""

import os
from collections.abc import Callable, Iterator
from typing import Any, Final

import psycopg
import pytest
from django.contrib.messages import ERROR, get_messages
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import URLPattern, get_resolver

from saas.core import ratelimit
from saas.core.forms import UNPROCESSABLE
from tenants.access import ALLOWED, Do, may
from tenants.models import Role
from tenants.permissions import IsAnyone
from tests.tenants.page_forms import FORMS
from tests.tenants.world import ROLES, URLS, World, make_world

OPEN: Final = {"sign_in", "sign_in_code", "sign_out", "signed_out", "api_token", "api_refresh", "api_sign_out"}
MOST_QUERIES: Final = 25  # of one page, with the session, the member and the tenant
NOT_MEANT_SO: Final = 405
REFUSED: Final = 403


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
FORMED: Final = [route for route in PAGES if route.name in FORMS]
CALLS: Final = [
    (route, method, do)
    for route in routes()
    if view_class(route)
    for method, do in getattr(view_class(route), "needs", {}).items()
]


@pytest.fixture(scope="module")
def eye(database: None) -> Iterator[psycopg.Connection[Any]]:
    """With which worlds look at their rows."""
    with psycopg.connect(os.environ["TEST_SUPERUSER_URL"], autocommit=True) as connection:
        yield connection


@pytest.fixture(scope="module")
def world(eye: psycopg.Connection[Any]) -> World:
    """One in which nobody changes anything: they may not, or only look."""
    return make_world(eye)


@pytest.fixture(scope="module")
def worlds(eye: psycopg.Connection[Any]) -> Callable[[str], World]:
    """One for each name: a role that does all that it may, or a form after which nobody does anything there."""
    made: dict[str, World] = {}

    def world_of(name: str) -> World:
        return made.get(name) or made.setdefault(name, make_world(eye))

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


def is_refused(answer: Any) -> bool:
    """Whether who may was told that it could not be done: beside a field, or above the page to which they were led."""
    return answer.status_code == UNPROCESSABLE or any(one.level == ERROR for one in get_messages(answer.wsgi_request))


def test_every_form_is_of_a_page_and_says_why_it_is_no_success() -> None:
    assert set(FORMS) <= {route.name for route in PAGES}
    assert [name for name, form in FORMS.items() if form.status not in {200, 302} and not form.refused] == []


@pytest.mark.parametrize("route", [route for route in PAGES if route.name not in FORMS], ids=lambda route: route.name)
def test_a_page_without_a_form_takes_nothing(world: World, route: URLPattern) -> None:
    assert world.browser(Role.OWNER).post(world.path(route), {}).status_code == NOT_MEANT_SO


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("route", FORMED, ids=lambda route: route.name)
def test_a_page_takes_changes_from_who_may_make_them(
    world: World, worlds: Callable[[str], World], route: URLPattern, role: Role
) -> None:
    """Whoever may is answered as the form says, and something is another then; for whoever may not, nothing is."""
    form, is_allowed = FORMS[str(route.name)], may(role, route.callback.to_change)  # type: ignore[attr-defined]
    here = worlds(f"{route.name} {role if is_allowed else ''}" if form.is_last else role) if is_allowed or form.is_last else world
    said, names = form.send(here)
    browser, before = here.browser(role), here.state()
    browser.cookies.pop("messages", None)  # of what was sent before
    answer = browser.post(here.path(route, **names), said)
    is_changed = here.state() != before
    if is_allowed:
        assert answer.status_code == form.status, answer.content
        assert not answer.headers.get("Location", "").startswith("/sign-in/")
        assert is_refused(answer) is bool(form.refused), form.refused or list(get_messages(answer.wsgi_request))
        assert form.refused or is_changed is not bool(form.unchanged)
    else:
        assert answer.status_code == REFUSED
        assert not is_changed


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
