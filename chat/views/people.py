"""Who is on the sites now, over HTTP."""

from typing import ClassVar, Final

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from chat.realtime.presence import visitors_here
from chat.views.body import answer
from saas.core.errors import BadFrame
from tenants.access import Do
from tenants.authentication import tenant_of
from tenants.permissions import Needs
from tenants.selectors import members_of

PAGE: Final = 100  # visitors in one answer


class TeamView(APIView):
    """`GET /api/v1/team`: the members of the team by name, with their roles."""

    needs: ClassVar[Needs] = {"GET": Do.READ_ROOMS}

    def get(self, request: Request) -> Response:
        return answer(members=members_of(tenant_of(request).id))


class LiveVisitorsView(APIView):
    """`GET /api/v1/visitors/live?cursor=`: the visitors on the sites now and their pages, as all processes know them."""

    needs: ClassVar[Needs] = {"GET": Do.READ_ROOMS}

    def get(self, request: Request) -> Response:
        cursor = request.query_params.get("cursor", "")
        if cursor and not (len(cursor) == 36 and cursor.isascii()):
            raise BadFrame("This is not a cursor that we gave.", field="cursor")
        everyone = visitors_here(tenant_of(request))
        rest = [one for one in everyone if str(one.id) > cursor]
        return answer(visitors=rest[:PAGE], total=len(everyone), cursor=str(rest[PAGE - 1].id) if len(rest) > PAGE else None)
