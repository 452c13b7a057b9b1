"""Views of the team's HTTP API through which somebody acts on a room or on who is in it."""

from typing import Any

from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.views import APIView

from chat.limits import MODERATION_PER_PERSON
from saas.core.ratelimit import check
from tenants.authentication import principal_of, tenant_of


class ActingView(APIView):
    """What changes something counts against `limit` of the person who asks; looking is free. Raises RateLimited."""

    limit = MODERATION_PER_PERSON

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if request.method not in SAFE_METHODS:
            check(self.limit, tenant_of(request).id, principal_of(request).id)
