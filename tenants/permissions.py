"""Gates of views: DRF permissions for the API, decorators for pages."""

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Concatenate, ParamSpec
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from tenants.tokens import Principal

if TYPE_CHECKING:
    from rest_framework.views import APIView  # whose module reads the settings that name this one

P = ParamSpec("P")
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
    """A page for members of the tenant: anyone else is sent to sign in and comes back here."""

    @wraps(view)
    def gate(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if getattr(request, "member", None) is None:
            return redirect(f"/sign-in/?{urlencode({'next': request.get_full_path()})}")
        return view(request, *args, **kwargs)

    return gate
