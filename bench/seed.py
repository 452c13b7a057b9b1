"""`python -m bench.seed JSON`: tenants with sites, visitors, rooms and agents; who may join what, as JSON.

The argument is a list of orders, see `Order`; the answer a list of what became of each, as `bench/ours.py` reads it. Run with the
server's environment. Rows are made in bulk, as the services would make them one by one.
"""

import hashlib
import json
import os
import sys
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "saas.settings")
django.setup()

from django.db import connection

from billing.services.comps import give_key
from chat.models import Participant, Room, Site, Visitor
from tenants.context import TenantRef, in_tenant
from tenants.jwt_services import sign_in_by_password
from tenants.models import EmbedKey, Membership, Role, User
from tenants.provisioning import create_tenant
from tenants.tokens import issue_socket_ticket, issue_visitor

# In every room of the tenant, said by the room's visitor, or in a community room by one in fifty visitors in turn.
MESSAGES = """
    INSERT INTO chat_message (id, room_id, seq, changed, cid, author_kind, author_id, author_name, kind, text, ts)
    SELECT uuidv7(), room.id, n, n, gen_random_uuid(), 'visitor',
           coalesce(room.visitor_id, (%(people)s::uuid[])[1 + n %% %(voices)s]), 'Vic', 'text',
           'Message number ' || n || ', about as long as what people say to each other.',
           now() - (%(count)s - n) * interval '1 second'
    FROM chat_room room, generate_series(1, %(count)s) n
"""
HEADS = "UPDATE chat_room SET last_seq = %(count)s, rev = %(count)s, last_text = 'Message number ' || %(count)s, last_by = 'Vic'"


@dataclass(frozen=True, slots=True)
class Order:
    """One tenant: its slug, how many visitors, `support` rooms for the first of them, community rooms, agents, and programs that
    have signed in as an agent.

    Each room has `messages`.
    """

    slug: str
    visitors: int = 0
    support: int = 0
    community: int = 0
    agents: int = 0
    programs: int = 0
    messages: int = 0


def seed(order: Order) -> dict[str, Any]:
    """The tenant with its people; their tokens are good for 15 minutes."""
    tenant = create_tenant(slug=order.slug, name=order.slug.title(), owner=_user(f"ada@{order.slug}.example"))
    give_key(tenant.id, "team", seats=max(1, order.agents + order.programs))  # a plan at the common limits
    with in_tenant(tenant):
        site = Site.objects.get()
        visitors = Visitor.objects.bulk_create([_visitor(site, number) for number in range(order.visitors)], batch_size=1_000)
        support = _support_rooms(site, visitors[: order.support])
        community = Room.objects.bulk_create([_community_room(site, number) for number in range(order.community)])
        _say(order.messages, visitors)
    return {
        "slug": order.slug,
        "schema": tenant.schema,
        "embed_key": EmbedKey.objects.get(tenant_id=tenant.id).key,
        "visitors": [{"id": str(who.id), "token": _token(tenant, site, who)} for who in visitors],
        "support": [{"id": str(room.id), "epoch": str(room.epoch)} for room in support],
        "community": [{"id": str(room.id), "epoch": str(room.epoch)} for room in community],
        "agents": [_ticket(tenant, number) for number in range(order.agents)],
        "access": [_access(tenant, number) for number in range(order.programs)],
    }


def _user(email: str) -> User:
    return User.objects.create(email=email, name="Ada", password="!")  # nobody signs in with it


def _visitor(site: Site, number: int) -> Visitor:
    return Visitor(site=site, name=f"Visitor {number}", handle_hash=hashlib.sha256(uuid4().bytes).digest())


def _support_rooms(site: Site, visitors: list[Visitor]) -> list[Room]:
    rooms = [
        Room(kind=Room.Kind.SUPPORT, site=site, visitor=who, open_cid=uuid4(), open_hash=b"", title=who.name, people=1)
        for who in visitors
    ]
    made = Room.objects.bulk_create(rooms, batch_size=1_000)
    Participant.objects.bulk_create(
        [
            Participant(room=room, kind="visitor", person_id=who.id, name=who.name)
            for room, who in zip(rooms, visitors, strict=True)
        ],
        batch_size=1_000,
    )
    return made


def _community_room(site: Site, number: int) -> Room:
    return Room(kind=Room.Kind.COMMUNITY, site=site, title=f"Town square {number}")


def _say(count: int, visitors: list[Visitor]) -> None:
    if not count:
        return
    with connection.cursor() as cursor:
        people = [str(who.id) for who in visitors[:50]]
        cursor.execute(MESSAGES, {"count": count, "people": people, "voices": len(people)})
        cursor.execute(HEADS, {"count": count})


def _token(tenant: TenantRef, site: Site, who: Visitor) -> str:
    return issue_visitor(tenant, visitor_id=who.id, name=who.name, site_id=site.id, parent=None, sid=str(uuid4())).token


def _ticket(tenant: TenantRef, number: int) -> str:
    ben = _user(f"ben{number}@{tenant.id.hex}.example")
    Membership.objects.create(tenant_id=tenant.id, user=ben, role=Role.AGENT)
    return issue_socket_ticket(tenant, user_id=ben.id, name=ben.name, role=Role.AGENT, sid=str(uuid4())).token


def _access(tenant: TenantRef, number: int) -> str:
    gus, password = _user(f"gus{number}@{tenant.id.hex}.example"), uuid4().hex
    gus.set_password(password)
    gus.save()
    Membership.objects.create(tenant_id=tenant.id, user=gus, role=Role.AGENT)
    return sign_in_by_password(tenant, email=gus.email, password=password).access


if __name__ == "__main__":
    print(json.dumps([seed(Order(**order)) for order in json.loads(sys.argv[1])]))
