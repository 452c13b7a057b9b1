"""`python -m bench.console_seed SLUG SHRINK`: a tenant as large as the console must bear, and where its pages are, as JSON.

10,000 rooms, 200 people and 20 sites, each number divided by SHRINK; with reports, notifications and an audit log. Run with the
server's environment. Rows are made in bulk, as the services would make them one by one. The answer has the cookie of an owner who
has signed in, and the address of every page that can be looked at, by its name.
"""

import hashlib
import json
import os
import sys
from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "saas.settings")
django.setup()

from django.db import connection
from django.urls import URLPattern, get_resolver, reverse

from bench.console import ACTS, PEOPLE, ROOMS, SITES, VISITORS
from bench.signed_in import cookie_of
from billing.services.comps import give_key
from chat.models import Notification, Participant, Room, Site, Visitor
from tenants.context import TenantRef, in_tenant
from tenants.models import AuditEntry, EmbedKey, Membership, Role, User
from tenants.provisioning import create_tenant

URLS = "saas.urls_tenant"
# Five lines in every room, by its site's visitors in turn; one in ten of the last ones is complained about.
SAY = """
    INSERT INTO chat_message (id, room_id, seq, changed, cid, author_kind, author_id, author_name, kind, text, ts)
    SELECT uuidv7(), room.id, n, n, gen_random_uuid(), 'visitor', %s, 'Vic', 'text', 'Line number ' || n || ' here.', now()
    FROM chat_room room, generate_series(1, 5) n
"""
HEADS = "UPDATE chat_room SET last_seq = 5, rev = 5, last_text = 'Line number 5 here.', last_by = 'Vic'"
REPORT = """
    INSERT INTO chat_report (id, room_id, message_id, reporter_kind, reporter_id, reporter_name, reason, created_at)
    SELECT uuidv7(), room_id, id, 'visitor', gen_random_uuid(), 'Val', 'This is not kind.', now()
    FROM chat_message WHERE seq = 5 AND author_kind = 'visitor' ORDER BY id LIMIT %s
"""


def seed(slug: str, shrink: int) -> dict[str, Any]:
    """The tenant, its owner's cookie, and its pages."""
    owner = User.objects.create(email=f"owner@{slug}.example", name="Olga", password="!")
    tenant = create_tenant(slug=slug, name=slug.title(), owner=owner)
    give_key(tenant.id, "business", seats=PEOPLE)
    member = _people(tenant, PEOPLE // shrink)
    with in_tenant(tenant):
        named = _fill(owner.id, shrink)
    EmbedKey.objects.bulk_create(
        [EmbedKey(key=uuid4().hex[:26], tenant_id=tenant.id, site_id=site) for site in named["sites"][1:]]
    )
    _acts(tenant, owner, ACTS // shrink)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return {
        "cookie": cookie_of(tenant, owner),
        "pages": dict(_pages(named | {"member_id": member, "site_id": named["sites"][0]})),
    }


def _people(tenant: TenantRef, count: int) -> UUID:
    """Members of every role; the id of one of them."""
    roles = [Role.ADMIN, Role.AGENT, Role.AGENT, Role.VIEWER]
    people = [User(email=f"p{n}@{tenant.slug}.example", name=f"Person {n:03}", password="!") for n in range(count - 1)]
    User.objects.bulk_create(people)
    members = [Membership(tenant_id=tenant.id, user=who, role=roles[n % len(roles)]) for n, who in enumerate(people)]
    Membership.objects.bulk_create(members)
    return members[0].id


def _fill(owner: UUID, shrink: int) -> dict[str, Any]:
    """Sites, visitors, rooms, places, lines, reports and notifications; what the pages' addresses name. Inside the tenant."""
    first = Site.objects.get()
    sites = [first, *Site.objects.bulk_create([Site(name=f"Site {n}") for n in range(1, max(2, SITES // shrink))])]
    visitors = Visitor.objects.bulk_create([_visitor(first, n) for n in range(VISITORS // shrink)], batch_size=1_000)
    rooms = Room.objects.bulk_create([_room(sites, n) for n in range(ROOMS // shrink)], batch_size=1_000)
    places = [
        Participant(room=rooms[0], kind="visitor", person_id=who.id, name=who.name, role="moderator" if n < 5 else "member")
        for n, who in enumerate(visitors)
    ]
    Participant.objects.bulk_create(places, batch_size=1_000)
    told = [
        Notification(recipient_id=owner, kind="room_opened", title=f"Visitor {n} is waiting", url="/inbox/") for n in range(500)
    ]
    Notification.objects.bulk_create(told)
    with connection.cursor() as cursor:
        cursor.execute(SAY, [visitors[0].id])
        cursor.execute(HEADS)
        cursor.execute(REPORT, [ROOMS // shrink // 10])
    return {"room_id": rooms[0].id, "person_id": visitors[0].id, "sites": [site.id for site in sites], "meter": "message"}


def _visitor(site: Site, number: int) -> Visitor:
    return Visitor(site=site, name=f"Visitor {number}", handle_hash=hashlib.sha256(uuid4().bytes).digest())


def _room(sites: list[Site], number: int) -> Room:
    """Half of the community rooms are one site's, so that one of its lists is long; one room in a hundred is the team's."""
    if number % 100 == 99:
        return Room(kind=Room.Kind.TEAM, title=f"Team room {number}")
    site = sites[0] if number % 2 == 0 else sites[number % len(sites)]
    return Room(kind=Room.Kind.COMMUNITY, site=site, title=f"Town square {number}", position=number)


def _acts(tenant: TenantRef, owner: User, count: int) -> None:
    entries = [
        AuditEntry(
            tenant_id=tenant.id,
            act="room.changed",
            by_kind="agent",
            by_id=owner.id,
            by_name=owner.name,
            thing_kind="room",
            thing_id=str(uuid4()),
            thing_name=f"Town square {n}",
            before={"title": f"Square {n}"},
            after={"title": f"Town square {n}"},
        )
        for n in range(count)
    ]
    AuditEntry.objects.bulk_create(entries, batch_size=2_000)


def _pages(named: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """The pages of members whose addresses name what is there."""
    for route in _routes(get_resolver(URLS).url_patterns):
        wanted = route.pattern.converters.keys()
        if hasattr(route.callback, "permission") and wanted <= named.keys():
            yield str(route.name), reverse(str(route.name), urlconf=URLS, kwargs={name: named[name] for name in wanted})


def _routes(entries: Any) -> Iterator[URLPattern]:
    for entry in entries:
        if isinstance(entry, URLPattern):
            yield entry
        else:
            yield from _routes(entry.url_patterns)


if __name__ == "__main__":
    print(json.dumps(seed(sys.argv[1], int(sys.argv[2]))))
