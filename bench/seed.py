"""`python -m bench.seed VISITORS SUPPORT`: tenant acme with a site, a community room, so many visitors, and a support room for
each of the first `SUPPORT` of them; who may join what, as JSON.

Run once in an empty database, with the server's environment.
"""

import json
import os
import sys
from uuid import UUID, uuid4

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "saas.settings")
django.setup()

from chat.models import Room, Site  # noqa: E402  (needs the apps)
from chat.realtime.protocol.incoming import Open  # noqa: E402
from chat.services.messages import open_room  # noqa: E402
from chat.services.visitors import VisitorSession, ensure_visitor  # noqa: E402
from tenants.context import TenantRef, in_tenant  # noqa: E402
from tenants.models import EmbedKey, User  # noqa: E402
from tenants.provisioning import create_tenant  # noqa: E402
from tenants.tokens import Principal, issue_visitor  # noqa: E402


def seed(visitors: int, support: int) -> dict[str, object]:
    """The site's embed key, the rooms' ids, and a token for each visitor, good for 15 minutes."""
    ada = User.objects.create_user("ada@acme.example", name="Ada")
    tenant = create_tenant(slug="acme", name="Acme", owner=ada)
    with in_tenant(tenant):
        site = Site.objects.get()
        people = [ensure_visitor(site.id, None) for _ in range(visitors)]
        community = Room.objects.create(kind=Room.Kind.COMMUNITY, site=site, title="Town square")
        rooms = [_open_room(tenant, site.id, who) for who in people[:support]]
    return {
        "embed_key": EmbedKey.objects.get(tenant_id=tenant.id).key,
        "community": str(community.id),
        "support": rooms,
        "tokens": [_token(tenant, site.id, who) for who in people],
    }


def _open_room(tenant: TenantRef, site_id: UUID, who: VisitorSession) -> str:
    principal = Principal(tenant.id, "visitor", who.visitor_id, who.name, None, site_id, None, "bench", 0.0)
    return str(open_room(principal, Open(cid=uuid4(), kind="support", text="Hello?"), agents=[]).room_id)


def _token(tenant: TenantRef, site_id: UUID, who: VisitorSession) -> str:
    issued = issue_visitor(tenant, visitor_id=who.visitor_id, name=who.name, site_id=site_id, parent=None, sid=str(uuid4()))
    return issued.token


if __name__ == "__main__":
    print(json.dumps(seed(*map(int, sys.argv[1:]))))
