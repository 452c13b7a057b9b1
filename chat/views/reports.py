"""Complaints about messages over HTTP."""

from typing import ClassVar
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from chat.access import Act, demand
from chat.limits import REPORT_PER_PERSON
from chat.selectors.reports import reports
from chat.services.moderation import report_message, settle_report
from chat.views.acting import ActingView
from chat.views.body import Body, answer, ident, read, room_of
from tenants.access import Do
from tenants.authentication import principal_of, tenant_of
from tenants.context import in_tenant
from tenants.permissions import Needs


class Complaint(Body, frozen=True):
    """Which message, and why."""

    message: UUID
    reason: str = ""


class RoomReportsView(ActingView):
    """`POST /api/v1/rooms/<id>/reports {message, reason}`"""

    needs: ClassVar[Needs] = {"POST": Do.READ_ROOMS}

    limit = REPORT_PER_PERSON

    def post(self, request: Request, room_id: str) -> Response:
        seen, said = room_of(request, room_id), read(request, Complaint)
        tenant, who = tenant_of(request), principal_of(request)
        made = report_message(tenant, who, room_id=seen, message_id=said.message, reason=said.reason)
        return answer(201, report=made)


class ReportsView(APIView):
    """`GET /api/v1/reports?status=open|settled|all&cursor=`"""

    needs: ClassVar[Needs] = {"GET": Do.MODERATE}

    def get(self, request: Request) -> Response:
        demand(Act.SETTLE, principal_of(request))
        query = request.query_params
        with in_tenant(tenant_of(request)):
            found, cursor = reports(status=query.get("status", "open"), cursor=query.get("cursor"))
        return answer(reports=found, cursor=cursor)


class SettleView(ActingView):
    """`POST /api/v1/reports/<id>/settle`"""

    needs: ClassVar[Needs] = {"POST": Do.MODERATE}

    def post(self, request: Request, report_id: str) -> Response:
        settled = settle_report(tenant_of(request), principal_of(request), report_id=ident(report_id, "report"))
        return answer(report=settled)
