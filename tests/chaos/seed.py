"""Makes the two tenants of one run and prints them as JSON: `python -m tests.chaos.seed '{"slugs": [...], ...}'`.

In a process of its own, because the harness never touches the database of the servers through the product.
"""

import json
import os
import sys
from typing import Any
from uuid import UUID

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "saas.settings")

import django

django.setup()

from billing.services.comps import give_key
from chat.models import Participant, Room
from tenants.context import TenantRef, in_tenant
from tenants.models import Membership, Role
from tenants.provisioning import create_tenant
from tests.support import talk
from tests.support.cast import make_user


def make(slug: str, *, agents: int, visitors: int) -> dict[str, Any]:
    """A tenant with so many agents, the owner among them, and so many visitors with a support room each."""
    owner = make_user(f"owner@{slug}.example", f"Owner of {slug}")
    tenant = create_tenant(slug=slug, name=slug.title(), owner=owner)
    give_key(tenant.id, "team", seats=agents)
    team = [owner, *(make_user(f"agent{n}@{slug}.example", f"Agent {n} of {slug}") for n in range(1, agents))]
    Membership.objects.bulk_create(Membership(tenant_id=tenant.id, user=one, role=Role.AGENT) for one in team[1:])
    guests = [visitor(tenant) for _ in range(visitors)]
    return {
        "id": tenant.id,
        "slug": slug,
        "schema": tenant.schema,
        "key": talk.embed_key(tenant).key,
        "agents": [{"id": one.id, "name": one.name, "email": one.email} for one in team],
        "visitors": guests,
        "community": community(tenant, guests[0]),
    }


def visitor(tenant: TenantRef) -> dict[str, Any]:
    """A visitor with a support room; `notes` is its companion room."""
    who = talk.visitor(tenant)
    room = talk.room_of(tenant, who)
    with in_tenant(tenant):
        notes = Room.objects.filter(notes_of=room).values_list("id", flat=True).first()
    return {"id": who.id, "name": who.name, "site": who.site_id, "room": room, "notes": notes}


def community(tenant: TenantRef, keeper: dict[str, Any]) -> UUID:
    """A room for all visitors, in which this one keeps order."""
    site = talk.embed_key(tenant).site_id
    with in_tenant(tenant):
        room = Room.objects.create(kind="community", title="Friends", site_id=site, people=1)
        Participant.objects.create(room=room, kind="visitor", person_id=keeper["id"], name=keeper["name"], role="moderator")
        return UUID(str(room.id))


if __name__ == "__main__":
    asked = json.loads(sys.argv[1])
    made = [make(slug, agents=asked["agents"], visitors=asked["visitors"]) for slug in asked["slugs"]]
    print("MADE", json.dumps(made, default=str))  # noqa: T201
