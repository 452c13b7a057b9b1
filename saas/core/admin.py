"""The staff console's list of jobs, to look at: what waits, and what has failed."""

from procrastinate.contrib.django.models import ProcrastinateJob

from saas.core.staff import LookOnlyAdmin, staff


class JobAdmin(LookOnlyAdmin):
    """Done jobs are deleted, so what stands here waits, runs or has failed."""

    list_display = ("id", "task_name", "status", "attempts", "scheduled_at", "queue_name")
    list_filter = ("status", "task_name")
    fields = ("id", "task_name", "status", "attempts", "scheduled_at", "queue_name", "lock")  # arguments may hold mail to people
    ordering = ("-id",)
    list_per_page = 50


staff.register(ProcrastinateJob, JobAdmin)
