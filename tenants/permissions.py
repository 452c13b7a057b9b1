"""Gates of views: DRF permissions for the API, decorators for pages."""

from collections.abc import Callable, Mapping
from functools import wraps
from typing import TYPE_CHECKING, Concatenate, Final, ParamSpec
from urllib.parse import urlencode, urlsplit, urlunsplit

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django_htmx.http import HttpResponseClientRedirect
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from saas.core.errors import Forbidden, Unauthenticated
from tenants.access import Do, may
from tenants.tokens import Principal

if TYPE_CHECKING:
    from rest_framework.views import APIView  # whose module reads the settings that name this one

P = ParamSpec("P")
READING: Final = {"GET", "HEAD", "OPTIONS"}
Needs = Mapping[str, Do]  # of a view of the API: what each method asks for, in its services; the matrix of roles is tested so
View = Callable[Concatenate[HttpRequest, P], HttpResponse]


class IsMember(BasePermission):
    """An agent of the tenant whose host was asked."""

    def has_permission(self, request: Request, view: "APIView") -> bool:
        return isinstance(request.auth, Principal) and request.auth.kind == "agent"


class IsAnyone(BasePermission):
    """No sign-in needed; said out loud where it is so."""

    def has_permission(self, request: Request, view: "APIView") -> bool:
        return True


def member_required(view: View[P]) -> View[P]:
    """A page for members of the tenant: anyone else is sent to sign in and comes back here, or to where the button stood."""

    @wraps(view)
    def gate(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if getattr(request, "member", None) is None:
            return _to_sign_in(request)
        return view(request, *args, **kwargs)

    return gate


def needs(permission: Do, *, to_change: Do | None = None) -> Callable[[View[P]], View[P]]:
    """A page for members whose role allows this; whatever is not a GET needs `to_change`, if that is named.

    Anyone who has not signed in is sent to do so, a member who may not gets a 403. The page carries what it asked for as
    `permission` and `to_change`: the matrix of roles is tested from there.
    """

    def gated(view: View[P]) -> View[P]:
        @wraps(view)
        def gate(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            asked = permission if request.method in READING else to_change or permission
            if not may(request.member.role, asked):  # type: ignore[attr-defined]
                return render(request, "console/refused.html", status=Forbidden.status)
            return view(request, *args, **kwargs)

        page = member_required(gate)
        page.permission, page.to_change = permission, to_change or permission  # type: ignore[attr-defined]
        return page

    return gated


def _to_sign_in(request: HttpRequest) -> HttpResponse:
    """The browser goes as a whole: a script that asks would meet another host. What a page asks by itself leads nobody away, who
    may be typing.
    """
    is_script = bool(getattr(request, "htmx", False))
    if is_script and request.method in READING:
        return HttpResponse("Sign in first.", status=Unauthenticated.status, content_type="text/plain; charset=utf-8")
    address = f"/sign-in/?{urlencode({'next': _page_of(request)})}"
    return HttpResponseClientRedirect(address) if is_script else redirect(address)


def _page_of(request: HttpRequest) -> str:
    """The page that a person looked at: the one that is asked for, or the one from which a form was sent."""
    if request.method in READING:
        return request.get_full_path()
    try:
        parts = urlsplit(request.headers.get("HX-Current-URL") or request.headers.get("Referer", ""))
    except ValueError:
        return "/"
    return urlunsplit(("", "", parts.path, parts.query, "")) if parts.netloc == request.get_host() else "/"
