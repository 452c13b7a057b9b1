"""The way into a page about money on a tenant's host: who asks, whether they may, and in whose time zone it speaks."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, Final, cast
from uuid import UUID
from zoneinfo import ZoneInfo

from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from billing.models import BillingAccount
from billing.selectors.tenancy import account_of
from billing.services.audit import Actor
from saas.core.errors import Forbidden, NotFound
from saas.core.http import client_ip
from tenants.access import Do, may
from tenants.authentication import member_of, tenant_of
from tenants.context import TenantRef
from tenants.permissions import member_required
from tenants.resolve import MemberRef

READ: Final = ("GET", "HEAD")


@dataclass(frozen=True, slots=True)
class Desk:
    """A member in front of their tenant's billing. `tenant.id` is what every question is asked for."""

    tenant: TenantRef
    member: MemberRef
    account: BillingAccount
    actor: Actor
    may_manage: bool  # sees what is paid, and may change it

    @property
    def id(self) -> UUID:
        return self.tenant.id

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.account.time_zone)


Page = Callable[..., HttpResponseBase]


def page(*methods: str, do: Do = Do.MANAGE_BILLING) -> Callable[[Page], Page]:
    """A page for members who may do this; others get a 403, and what is not the tenant's a 404.

    The view gets the request and the `Desk`. Moments are shown in the tenant's time zone.
    """

    def wrap(view: Page) -> Page:
        @wraps(view)
        def gate(request: HttpRequest, /, **kwargs: Any) -> HttpResponseBase:
            member = member_of(request)
            if not may(member.role, do):
                return render(request, "console/refused.html", status=Forbidden.status)
            desk = _desk(request, member)
            with timezone.override(desk.zone):
                return _answer(view, request, desk, **kwargs)

        allowed = cast(Callable[..., HttpResponse], require_http_methods(list(methods))(gate))
        gated = never_cache(member_required(allowed))
        gated.permission = gated.to_change = do  # type: ignore[attr-defined]  # as `needs` says it
        return gated

    return wrap


def _answer(view: Page, request: HttpRequest, desk: Desk, **kwargs: Any) -> HttpResponseBase:
    try:
        return view(request, desk, **kwargs)
    except NotFound as nowhere:
        raise Http404(nowhere.message) from nowhere


def _desk(request: HttpRequest, member: MemberRef) -> Desk:
    tenant = tenant_of(request)
    return Desk(
        tenant=tenant,
        member=member,
        account=account_of(tenant.id),
        actor=Actor(member.email, address=client_ip(request)),
        may_manage=may(member.role, Do.MANAGE_BILLING),
    )
