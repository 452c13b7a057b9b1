"""Views of the team's HTTP API through which somebody acts on a room or on who is in it."""

from typing import Any

from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.views import APIView

from billing.access import Act
from billing.plans import Feature
from billing.standing import refuse, refuse_beyond
from chat.limits import MODERATION_PER_PERSON
from saas.core.ratelimit import check
from tenants.authentication import is_program, principal_of, tenant_of


class ActingView(APIView):
    """What changes something counts against `limit` of the person who asks; looking is free.

    What a program changes must be in the tenant's plan. Raises RateLimited and PlanLimit.
    """

    limit = MODERATION_PER_PERSON

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if request.method not in SAFE_METHODS:
            check(self.limit, tenant_of(request).id, principal_of(request).id)
            refuse_programs(request)


def refuse_programs(request: Request) -> None:
    """Raise PlanLimit for a program of a tenant whose plan is without the API, or that is restricted."""
    if is_program(request):
        tenant = tenant_of(request).id
        refuse_beyond(tenant, Feature.API)
        refuse(tenant, Act.API_WRITE)
