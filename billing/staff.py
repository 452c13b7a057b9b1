"""The first page of the staff console: how the platform does today."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import Count, Sum
from django.http import HttpRequest
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

from billing.models import Meter, UsageEvent
from tenants.models import Tenant, User

BUSIEST = 10  # tenants listed


@dataclass(frozen=True, slots=True)
class Figure:
    """A number and what it counts."""

    label: str
    value: int
    note: str


@dataclass(frozen=True, slots=True)
class BusyTenant:
    """A tenant and its messages of the last day; the name is missing if the tenant is gone."""

    id: Any
    name: str
    messages: int


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Adds `figures` and `busiest` to the page."""
    since = timezone.now() - timedelta(days=1)
    return context | {"figures": _figures(since), "busiest": _busiest(since)}


def _figures(since: Any) -> list[Figure]:
    tenants: Mapping[str, int] = dict(Tenant.objects.values_list("status").annotate(Count("id")))
    jobs: Mapping[str, int] = dict(ProcrastinateJob.objects.values_list("status").annotate(Count("id")))
    used = UsageEvent.objects.filter(meter=Meter.MESSAGE, occurred_at__gte=since).aggregate(sum=Sum("quantity"))["sum"] or 0
    return [
        Figure("Tenants", sum(tenants.values()), f"{tenants.get(Tenant.Status.SUSPENDED, 0)} suspended"),
        Figure("Users", User.objects.filter(is_active=True).count(), "who may sign in"),
        Figure("Messages", used, "in the last 24 hours"),
        Figure("Failed jobs", jobs.get("failed", 0), f"{jobs.get('todo', 0)} waiting"),
    ]


def _busiest(since: Any) -> list[BusyTenant]:
    recent = UsageEvent.objects.filter(meter=Meter.MESSAGE, occurred_at__gte=since)
    sums = dict(recent.values_list("tenant_id").annotate(messages=Sum("quantity")).order_by("-messages")[:BUSIEST])
    names = dict(Tenant.objects.filter(id__in=sums).values_list("id", "name"))
    return [BusyTenant(tenant_id, names.get(tenant_id, "gone"), messages) for tenant_id, messages in sums.items()]
