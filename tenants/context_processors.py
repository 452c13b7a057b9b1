"""What every template knows beside its own context."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest

from tenants.selectors import platform_url


def product(request: HttpRequest) -> dict[str, Any]:
    """The tenant and member of the request, and the platform's address."""
    return {
        "tenant": getattr(request, "tenant", None),
        "member": getattr(request, "member", None),
        "platform": platform_url("").rstrip("/"),
        "base_host": settings.BASE_HOST,
        "demo": settings.DEMO,
    }
