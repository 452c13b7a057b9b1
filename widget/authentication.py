"""Who is asking, for the visitor's HTTP API: the session token of a visitor of the site whose embed key stands in the address.

No cookie counts here. A browser may ask from the widget's own frame only: it names its origin with whatever changes something,
and no answer carries a header that would let another origin read it.
"""

from dataclasses import dataclass
from typing import cast

from django.conf import settings
from django.http import HttpRequest
from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from saas.core.errors import Forbidden, Unauthenticated
from tenants.context import TenantRef
from tenants.tokens import Principal, read_socket_token
from widget.services import real_embed_for


@dataclass(frozen=True, slots=True)
class Visit:
    """A visitor at the door of their site."""

    tenant: TenantRef
    visitor: Principal


def widget_origin(scheme: str = "http") -> str:
    """The widget host's origin, for HTTP or for sockets."""
    return f"{scheme}{'s' if settings.SECURE else ''}://{settings.WIDGET_HOST}"


def refuse_other_origins(request: HttpRequest) -> None:
    """A browser always names the origin of what changes something; a program that is no browser names none. Raises Forbidden."""
    if request.headers.get("Origin", widget_origin()) != widget_origin():
        raise Forbidden("This is for the widget's own frame.", field="Origin")


def visit_of(request: Request) -> Visit:
    """Whose request it is. For views behind `IsVisitor`."""
    return cast(Visit, request.auth)


class VisitorAuthentication(BaseAuthentication):
    """`request.user` becomes the visitor's Principal, `request.auth` their Visit."""

    def authenticate(self, request: Request) -> tuple[Principal, Visit] | None:
        refuse_other_origins(request._request)
        embed = real_embed_for(request.parser_context["kwargs"]["key"])
        token = _bearer(request)
        if not token:
            return None
        visitor = read_socket_token(token, embed.key.tenant)
        if visitor.kind != "visitor" or visitor.site_id != embed.site.id:
            raise Unauthenticated("The token is not valid.")
        return visitor, Visit(embed.key.tenant, visitor)

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


class IsVisitor(BasePermission):
    """A visitor of the site."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        return isinstance(request.auth, Visit)


def _bearer(request: Request) -> str:
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" else ""
