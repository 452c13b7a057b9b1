"""From the host of a request to its pages and its tenant, and from its session to a member of that tenant.

Neither switches the schema: a request stays on the platform's role, and enters a tenant only through `tenants/context.py`.
"""

from collections.abc import Callable
from math import ceil

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from saas.core.errors import AppError, Forbidden, NotFound
from saas.core.http import client_ip, json_error
from tenants.context import TenantRef
from tenants.postgresql.base import Shut
from tenants.resolve import MemberRef, membership_for, tenant_for_host
from tenants.services import saw
from tenants.source import Source, Way, arriving, browser_of

GetResponse = Callable[[HttpRequest], HttpResponse]

# The strict policy of every page of ours. Unfold's staff console runs Alpine, which builds functions from attributes.
POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self' {sockets}; "
    "frame-src {widget}; form-action 'self' {forms}; base-uri 'none'; object-src 'none'; frame-ancestors 'none'"
)
STAFF_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; base-uri 'none'; object-src 'none'; frame-ancestors 'none'"
)
STAFF_PATH = "/staff/"
STAYS_OPEN = ("/sign-in/", "/sign-out/", "/signed-out/", "/billing/")  # while suspended: to look, pay, and export


def host_name(host: str) -> str:
    """A host without its port, in lower case and without the root's dot: what routing compares."""
    return host.lower().rpartition(":")[0].rstrip(".") if ":" in host else host.lower().rstrip(".")


class HostMiddleware:
    """Sets `request.tenant` and the pages that its host has. A host of nobody gets a 404, a suspended tenant one clear page
    beside those where it may pay."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        self.urlconfs = {
            host_name(settings.BASE_HOST): "saas.urls_platform",
            host_name(settings.WIDGET_HOST): "saas.urls_widget",
        }
        if settings.DEMO:
            self.urlconfs[host_name(settings.DEMO_HOST)] = "saas.urls_demo"

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with arriving(_source(request)):
            return self._serve(request)

    def _serve(self, request: HttpRequest) -> HttpResponse:
        host = request.get_host()
        request.tenant = None  # type: ignore[attr-defined]
        request.urlconf = self.urlconfs.get(host_name(host))
        if request.urlconf is None and not request.path.startswith(settings.STATIC_URL):
            request.tenant = tenant = tenant_for_host(host)  # type: ignore[attr-defined]
            request.urlconf = "saas.urls_tenant"
            if refusal := _refusal(request, tenant):
                return with_policy(request, refusal)
        return with_policy(request, self.get_response(request))

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """What a page says of a tenant that takes nobody in for a while."""
        return _say(request, exception, "tenants/shut.html") if isinstance(exception, Shut) else None


class MembershipMiddleware:
    """Sets `request.member`. On a tenant's host a session counts only for that tenant and for an active member of it, who has the
    second factor that the tenant may ask for.

    A session cookie that was copied from another host finds its row, so the tenant that signed in is kept in the session and
    compared. The platform's pages accept only sessions that carry no tenant.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        tenant: TenantRef | None = request.tenant  # type: ignore[attr-defined]
        member = None
        if settings.SESSION_COOKIE_NAME in request.COOKIES:
            member = _member(request, tenant)
            signed_in_here = member is not None or (tenant is None and "tenant" not in request.session)
            if not signed_in_here:
                request.user = AnonymousUser()
            elif tenant is None and "sid" in request.session:
                saw(request.session["sid"], str(request.session.session_key))
        request.member = member  # type: ignore[attr-defined]
        return self.get_response(request)


def with_policy(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """Put the Content-Security-Policy on a page that did not choose its own."""
    staff = request.urlconf == "saas.urls_platform" and request.path.startswith(STAFF_PATH)
    response.headers.setdefault("Content-Security-Policy", STAFF_POLICY if staff else _policy(request))
    return response


def _source(request: HttpRequest) -> Source:
    """Where a request came from, for whoever writes down what it does."""
    if host_name(request.get_host()) == host_name(settings.WIDGET_HOST):
        way: Way = "widget"
    else:
        way = "api" if "Authorization" in request.headers else "console"
    return Source(client_ip(request), browser_of(request.headers.get("User-Agent", "")), way)


def _policy(request: HttpRequest) -> str:
    """Sockets are named because older browsers do not count them as 'self'; forms may end on a tenant's host after
    sign-in, and where one pays.
    """
    sockets = f"{'wss' if request.is_secure() else 'ws'}://{request.get_host()}"
    ours = [f"{settings.SCHEME}://{settings.BASE_HOST}", f"{settings.SCHEME}://*.{settings.BASE_HOST}"]
    forms = " ".join([*ours, *settings.PAY_ORIGINS])
    return POLICY.format(sockets=sockets, forms=forms, widget=f"{settings.SCHEME}://{settings.WIDGET_HOST}")


def _member(request: HttpRequest, tenant: TenantRef | None) -> MemberRef | None:
    if tenant is None or request.session.get("tenant") != str(tenant.id) or not request.user.is_authenticated:
        return None
    member = membership_for(tenant.id, request.user.id)
    if member is None or member.is_locked:
        return None
    saw(request.session["sid"], str(request.session.session_key))
    return member


def _refusal(request: HttpRequest, tenant: TenantRef | None) -> HttpResponse | None:
    if tenant is None:
        return _say(request, NotFound("There is no such site."), "tenants/unknown.html")
    if tenant.status != "active" and not request.path.startswith(STAYS_OPEN):
        return _say(request, Forbidden("This site is suspended."), "tenants/suspended.html")
    return None


def _say(request: HttpRequest, error: AppError, template: str) -> HttpResponse:
    if request.path.startswith("/api/"):
        return json_error(error)
    response = render(request, template, {"host": request.get_host()}, status=error.status)
    if error.retry_after is not None:
        response.headers["Retry-After"] = str(ceil(error.retry_after))
    return response
