"""The staff console's list of usage, to look at."""

from django.contrib import admin

from billing.models import UsageEvent
from saas.core.staff import LookOnlyAdmin, staff


@admin.register(UsageEvent, site=staff)
class UsageEventAdmin(LookOnlyAdmin):
    """Append-only: nobody edits what was used."""

    list_display = ("occurred_at", "tenant_id", "meter", "quantity", "source_id", "recorded_at")
    list_filter = ("meter", "occurred_at")
    search_fields = ("tenant_id", "source_id")
    date_hierarchy = "occurred_at"
    ordering = ("-occurred_at",)
    list_per_page = 100
    show_full_result_count = False  # the table is the largest of all
