"""Signing in through the HTTP API of a tenant's host, and what a signed-in page needs for its socket."""

from typing import Any, ClassVar

from django.conf import settings
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from saas.core.http import client_ip
from saas.core.ratelimit import PLATFORM, check
from tenants import limits, services
from tenants.access import Do
from tenants.authentication import principal_of, tenant_of
from tenants.jwt_services import Pair, end_family, refresh_pair, sign_in_by_password
from tenants.models import User
from tenants.permissions import IsAnyone, Needs
from tenants.tokens import issue_socket_ticket


class Credentials(serializers.Serializer[Any]):
    """What a person types."""

    email = serializers.EmailField(max_length=254)
    password = serializers.CharField(max_length=256, trim_whitespace=False)
    otp = serializers.CharField(max_length=32, required=False, allow_blank=True, default="")


class Refresh(serializers.Serializer[Any]):
    """A refresh token."""

    refresh = serializers.CharField(max_length=4096)


class TokenView(APIView):
    """`POST /api/v1/auth/token`"""

    authentication_classes = ()
    permission_classes = (IsAnyone,)

    def post(self, request: Request) -> Response:
        tenant = tenant_of(request)
        check(limits.TOKEN_IP, tenant.id, client_ip(request._request))
        said = _valid(Credentials(data=request.data))
        check(limits.TOKEN_EMAIL, PLATFORM, said["email"].lower())  # a person is one person on every tenant's host
        return _answer(sign_in_by_password(tenant, **said))


class RefreshView(APIView):
    """`POST /api/v1/auth/refresh`"""

    authentication_classes = ()
    permission_classes = (IsAnyone,)

    def post(self, request: Request) -> Response:
        tenant = tenant_of(request)
        check(limits.REFRESH_IP, tenant.id, client_ip(request._request))
        return _answer(refresh_pair(tenant, _valid(Refresh(data=request.data))["refresh"]))


class SignOutView(APIView):
    """`POST /api/v1/auth/sign-out`: ends this sign-in with its refresh tokens and sockets.

    A program whose access token has run out names the sign-in by its refresh token.
    """

    permission_classes = (IsAnyone,)

    def post(self, request: Request) -> Response:
        if request.auth:
            services.end_sign_in(principal_of(request).sid)
        else:
            end_family(tenant_of(request), _valid(Refresh(data=request.data))["refresh"])
        return Response(status=204)


class SocketTicketView(APIView):
    """`POST /api/v1/auth/socket-ticket`"""

    needs: ClassVar[Needs] = {"POST": Do.READ_ROOMS}

    def post(self, request: Request) -> Response:
        who, tenant = principal_of(request), tenant_of(request)
        check(limits.SOCKET_TICKET_USER, tenant.id, who.id)
        issued = issue_socket_ticket(tenant, user_id=who.id, name=who.name, role=who.role or "", sid=who.sid)
        scheme = "wss" if settings.SECURE else "ws"
        socket = f"{scheme}://{request.get_host()}/ws/agent/"
        return Response({"token": issued.token, "expires_in": issued.expires_in, "socket": socket})


class MeView(APIView):
    """`GET /api/v1/me`"""

    needs: ClassVar[Needs] = {"GET": Do.READ_ROOMS}

    def get(self, request: Request) -> Response:
        who, tenant = principal_of(request), tenant_of(request)
        email = User.objects.values_list("email", flat=True).get(id=who.id)
        return Response(
            {
                "user": {"id": str(who.id), "name": who.name, "email": email},
                "role": who.role,
                "tenant": {"id": str(tenant.id), "slug": tenant.slug, "name": tenant.name},
            }
        )


def _valid(serializer: serializers.Serializer[Any]) -> dict[str, Any]:
    serializer.is_valid(raise_exception=True)
    return dict(serializer.validated_data)


def _answer(pair: Pair) -> Response:
    return Response({"access": pair.access, "refresh": pair.refresh})
