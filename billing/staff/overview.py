"""The first page: recurring revenue, what moved it, usage revenue apart, money at risk, the busiest tenants."""

from datetime import timedelta
from typing import Any, Final

from django.http import HttpRequest
from django.urls import reverse
from procrastinate.contrib.django.models import ProcrastinateJob

from billing.clock import now
from billing.models import Subscription
from billing.money import text
from billing.reporting.health import health
from billing.selectors.staff.overview import Overview, Revenue, overview
from billing.selectors.usage import platform_since
from billing.staff.charts import Chart, Column, chart
from billing.staff.tables import Cell, Table, money, number
from tenants.models import Tenant

BUSIEST: Final = 10
MOVES: Final = ("new", "expansion", "contraction", "churn")


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """What `admin/index.html` shows beside the admin's own."""
    found = overview()
    return context | {
        "overview": found,
        "cards": _cards(found),
        "revenues": [
            (revenue, _moves_chart(revenue), _usage_chart(revenue), months_table(revenue)) for revenue in found.revenues
        ],
        "trials": [_trial(subscription) for subscription in found.trials_ending],
        "busiest": _busiest(),
        "health": health(),
        "failed_jobs": ProcrastinateJob.objects.filter(status="failed").count(),
    }


def _cards(found: Overview) -> list[dict[str, str]]:
    mrr = ", ".join(text(revenue.mrr, revenue.currency) for revenue in found.revenues)
    risk = ", ".join(text(amount, currency) for currency, amount in found.at_risk.items()) or "nothing"
    late = found.by_access.get("grace", 0) + found.by_access.get("restricted", 0) + found.by_access.get("suspended", 0)
    return [
        {"name": "Monthly recurring revenue", "value": mrr, "note": "plans times seats, without usage"},
        {"name": "Tenants", "value": f"{found.tenants:,}", "note": f"{found.paying:,} of them pay"},
        {"name": "At risk", "value": risk, "note": f"failed payments of {found.at_risk_tenants:,} tenants"},
        {"name": "Not in order", "value": f"{late:,}", "note": "in grace, restricted or suspended"},
    ]


def months_table(revenue: Revenue) -> Table:
    """The last twelve months in numbers."""
    rows = [
        [
            Cell(month.first.strftime("%b %Y"), raw=month.first.isoformat()),
            *(money(getattr(month, kind), revenue.currency) for kind in (*MOVES, "mrr", "usage")),
        ]
        for month in reversed(revenue.months)
    ]
    columns = ("Month", "New", "Expansion", "Contraction", "Churn", "MRR at its end", "Usage invoiced")
    return Table(f"revenue-{revenue.currency}", columns, rows)


def _moves_chart(revenue: Revenue) -> Chart:
    columns: list[Column] = []
    for month in revenue.months:
        parts = [(kind, float(getattr(month, kind)), _words(kind, getattr(month, kind), revenue.currency)) for kind in MOVES]
        columns.append((month.first.strftime("%b"), parts, float(month.mrr)))
    return chart(columns, scale=0.01)


def _usage_chart(revenue: Revenue) -> Chart:
    return chart(
        [
            (month.first.strftime("%b"), [("usage", float(month.usage), _words("usage", month.usage, revenue.currency))], None)
            for month in revenue.months
        ],
        scale=0.01,
    )


def _words(kind: str, amount: int, currency: str) -> str:
    return f"{kind.capitalize()}: {text(amount, currency)}"


def _trial(subscription: Subscription) -> dict[str, Any]:
    tenant = subscription.account.tenant
    return {"name": tenant.name, "href": reverse("admin:money_tenant", args=[tenant.pk]), "ends": subscription.trial_end}


def _busiest() -> Table:
    used = platform_since(now() - timedelta(days=1))
    top = sorted(used.items(), key=lambda pair: -pair[1])[:BUSIEST]
    names = dict(Tenant.objects.filter(id__in=[tenant_id for tenant_id, _ in top]).values_list("id", "name"))
    rows = [
        [Cell(names.get(tenant_id, "gone"), href=reverse("admin:money_tenant", args=[tenant_id])), number(messages)]
        for tenant_id, messages in top
    ]
    return Table("busiest", ("Tenant", "Messages in 24 hours"), rows, empty="No message in the last 24 hours.")
