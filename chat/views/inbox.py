"""The inbox: the one live page of the console."""

from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from chat import selectors
from chat.install import script_tag
from tenants.access import Do, may
from tenants.authentication import member_of, tenant_of
from tenants.context import TenantRef
from tenants.permissions import needs
from tenants.selectors import platform_url

API: Final = "/api/v1"
# Of the console, in its menu: as templates/console/nav.html has them.
PAGES: Final = {
    "start": Do.MANAGE_SITES,
    "rooms": Do.MODERATE,
    "moderation": Do.MODERATE,
    "people": Do.READ_ROOMS,
    "sites": Do.MANAGE_SITES,
    "audit": Do.SEE_AUDIT,
    "billing": Do.SEE_USAGE,
    "settings": Do.MANAGE_PEOPLE,
}


@never_cache
@needs(Do.READ_ROOMS)
@require_GET
def inbox(request: HttpRequest, room_id: UUID | None = None) -> HttpResponse:
    """The one live page. Which room is open is the script's matter; every such address is this page."""
    return render(request, "chat/inbox.html", {"boot": _boot(request)})


def _boot(request: HttpRequest) -> dict[str, Any]:
    """What the page's script starts from."""
    tenant, member = tenant_of(request), member_of(request)
    return {
        "user": {"id": str(member.user_id), "name": member.name, "email": member.email},
        "role": member.role,
        "pages": [page for page, permission in PAGES.items() if may(member.role, permission)],
        "you": platform_url("/you/"),
        "tenant": {"id": str(tenant.id), "slug": tenant.slug, "name": tenant.name},
        "api": API,
        "csrf": get_token(request),
        "socket": f"{'wss' if settings.SECURE else 'ws'}://{request.get_host()}/ws/agent/",
        **_tag(tenant),
    }


def _tag(tenant: TenantRef) -> dict[str, str]:
    """The script tag of the tenant's first site, to be pasted."""
    key = selectors.first_embed_key(tenant.id)
    return {"tag": script_tag(key)} if key else {}
