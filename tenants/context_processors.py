"""What every template knows beside its own context."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest

from tenants.access import Do, may
from tenants.selectors import platform_url


def product(request: HttpRequest) -> dict[str, Any]:
    """The tenant and member of the request, what the member may (`may.manage_rooms`), and the platform's address."""
    member = getattr(request, "member", None)
    return {
        "tenant": getattr(request, "tenant", None),
        "member": member,
        "may": {permission.value: may(member.role, permission) for permission in Do} if member else {},
        "platform": platform_url("").rstrip("/"),
        "base_host": settings.BASE_HOST,
        "support_email": settings.SUPPORT_EMAIL,
        "demo": settings.DEMO,
    }
