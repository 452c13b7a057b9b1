"""The staff console's list of usage, to look at."""

from typing import Any

from django.contrib import admin
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest

from billing.models import UsageEvent
from saas.core.staff import LookOnlyAdmin, staff
from tenants.models import Tenant


@admin.register(UsageEvent, site=staff)
class UsageEventAdmin(LookOnlyAdmin):
    """Append-only: nobody edits what was used."""

    list_display = ("occurred_at", "tenant", "meter", "quantity", "source_id", "recorded_at")
    list_filter = ("meter", "occurred_at")
    search_fields = ("tenant_id", "source_id")
    date_hierarchy = "occurred_at"
    ordering = ("-occurred_at",)
    list_per_page = 100
    show_full_result_count = False  # the table is the largest of all

    def get_queryset(self, request: HttpRequest) -> QuerySet[UsageEvent]:
        name = Tenant.objects.filter(id=OuterRef("tenant_id")).values("name")
        found: QuerySet[UsageEvent] = super().get_queryset(request).annotate(tenant_name=Subquery(name))
        return found

    @admin.display(description="Tenant", ordering="tenant_name")
    def tenant(self, event: Any) -> str:
        """By name; by id once the tenant is gone."""
        return event.tenant_name or str(event.tenant_id)
