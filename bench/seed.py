"""`python -m bench.seed VISITORS`: tenant acme, a community room of its site, and so many visitors; who may join, as JSON.

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
from chat.services.visitors import VisitorSession, ensure_visitor  # noqa: E402
from tenants.context import TenantRef, in_tenant  # noqa: E402
from tenants.models import EmbedKey, User  # noqa: E402
from tenants.provisioning import create_tenant  # noqa: E402
from tenants.tokens import issue_visitor  # noqa: E402


def seed(visitors: int) -> dict[str, object]:
    """The site's embed key, the room's id, and a token for each visitor, good for 15 minutes."""
    ada = User.objects.create_user("ada@acme.example", name="Ada")
    tenant = create_tenant(slug="acme", name="Acme", owner=ada)
    with in_tenant(tenant):
        site = Site.objects.get()
        room = Room.objects.create(kind=Room.Kind.COMMUNITY, site=site, title="Town square")
        people = [ensure_visitor(site.id, None) for _ in range(visitors)]
    key = EmbedKey.objects.get(tenant_id=tenant.id)
    return {"embed_key": key.key, "room": str(room.id), "tokens": [_token(tenant, site.id, who) for who in people]}


def _token(tenant: TenantRef, site_id: UUID, who: VisitorSession) -> str:
    issued = issue_visitor(tenant, visitor_id=who.visitor_id, name=who.name, site_id=site_id, parent=None, sid=str(uuid4()))
    return issued.token


if __name__ == "__main__":
    print(json.dumps(seed(int(sys.argv[1]))))
