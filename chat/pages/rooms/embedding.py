"""The script tag that opens a site's widget in one of its community rooms."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse

from chat.install import script_tag
from chat.models import Room
from chat.pages.rooms.desk import page, room_on, show
from chat.selectors.embed_keys import keys_of
from saas.core.errors import Conflict
from tenants.access import Do
from tenants.authentication import tenant_of


@page("GET", "HEAD", do=Do.READ_ROOMS)
def embed(request: HttpRequest, room_id: UUID) -> HttpResponse:
    """The tag, the call for pages that carry the site's tag already, and what stands in the way."""
    room = room_on(request, room_id)
    if room.kind != Room.Kind.COMMUNITY or room.site is None:
        raise Conflict("A team room is for agents: no page shows it.")
    key = next((one.key for one in keys_of(tenant_of(request), room.site.id) if one.is_current), "")
    tag = script_tag(key, room_id) if key else ""
    call = f'Porchlight.open("{room_id}")'
    return show(request, room, "room_embed", tag=tag, call=call, origins=room.site.allowed_origins)
