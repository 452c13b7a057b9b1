"""The staff console's list of usage, to look at."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from billing.models import UsageEvent


@admin.register(UsageEvent)
class UsageEventAdmin(ModelAdmin):  # type: ignore[misc]
    """Append-only: nobody edits what was used."""

    list_display = ("occurred_at", "tenant_id", "meter", "quantity", "source_id", "recorded_at")
    list_filter = ("meter", "occurred_at")
    search_fields = ("tenant_id", "source_id")
    date_hierarchy = "occurred_at"
    ordering = ("-occurred_at",)
    list_per_page = 100
    show_full_result_count = False  # the table is the largest of all

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
