"""The script tag that opens a site's widget in one of its community rooms."""

from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from chat.models import Room
from chat.pages.rooms.desk import page, room_on, show
from saas.core.errors import Conflict
from tenants.access import Do
from tenants.authentication import tenant_of
from tenants.models import EmbedKey


@page("GET", "HEAD", do=Do.READ_ROOMS)
def embed(request: HttpRequest, room_id: UUID) -> HttpResponse:
    """The tag, the call for pages that carry the site's tag already, and what stands in the way."""
    room = room_on(request, room_id)
    if room.kind != Room.Kind.COMMUNITY or room.site is None:
        raise Conflict("A team room is for agents: no page shows it.")
    key = (
        EmbedKey.objects.filter(tenant_id=tenant_of(request).id, site_id=room.site_id, revoked_at=None)
        .order_by("created_at")
        .last()
    )
    tag = _tag(key.key, room_id) if key else ""
    return show(request, room, "room_embed", tag=tag, call=f'Porchlight.open("{room_id}")', origins=room.site.allowed_origins)


def _tag(key: str, room_id: UUID) -> str:
    address = f"{settings.SCHEME}://{settings.WIDGET_HOST}/porchlight.js"
    return f'<script async src="{address}" data-key="{key}" data-room="{room_id}"></script>'
