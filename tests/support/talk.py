"""People of the cast at work: an agent, a visitor, a room with some lines in it."""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID, uuid4

import msgspec
from django.db import transaction

from chat.realtime.append import Row, append_sync
from chat.realtime.protocol.incoming import Open
from chat.realtime.protocol.outgoing import Author, Summary
from chat.selectors.rooms import agents_first, visitors_first
from chat.services.messages import open_room
from chat.services.visitors import ensure_visitor
from tenants.context import TenantRef, in_tenant, run_on_platform
from tenants.jwt_services import sign_in_by_password
from tenants.models import EmbedKey, Role, User
from tenants.tokens import Principal
from tests.support.cast import PASSWORD

FAR = 4_000_000_000.0  # seconds since 1970: tests do not run out


def agent(tenant: TenantRef, user: User, role: str = Role.AGENT) -> Principal:
    """A member of the tenant as a view or a socket sees them."""
    return Principal(tenant.id, "agent", user.id, user.name, role, None, None, "sid", FAR)


async def access_of(tenant: TenantRef, email: str) -> str:
    """An access token of a member. It does not count as a sign-in over HTTP, of which a person has a few in five minutes."""
    return (await run_on_platform(sign_in_by_password, tenant, email=email, password=PASSWORD)).access


def embed_key(tenant: TenantRef) -> EmbedKey:
    """The key of the tenant's first site."""
    return EmbedKey.objects.filter(tenant_id=tenant.id, revoked_at=None).earliest("created_at")


def visitor(tenant: TenantRef, site_id: UUID | None = None) -> Principal:
    """A new visitor of the tenant's first site, or of another."""
    site_id = site_id or embed_key(tenant).site_id
    with in_tenant(tenant):
        made = ensure_visitor(site_id, None)
    return Principal(tenant.id, "visitor", made.visitor_id, made.name, None, site_id, "https://shop.example", "sid", FAR)


def room_of(tenant: TenantRef, owner: Principal, *texts: str) -> UUID:
    """A support room of the visitor in which they said this."""
    with in_tenant(tenant):
        opened = open_room(owner, Open(cid=uuid4(), kind="support"), agents=[])
    say(tenant, opened.room_id, owner, *texts)
    return opened.room_id


def say(tenant: TenantRef, room_id: UUID, who: Principal | None, *texts: str) -> None:
    """Store lines in a room; nobody's are system lines."""
    author = Author(kind=who.kind, id=who.id, name=who.name) if who else Author(kind="system", id=None, name="")
    rows = [Row(room_id, author, uuid4(), text, kind="text" if who else "system") for text in texts]
    with in_tenant(tenant), transaction.atomic():
        assert all(done.outcome == "stored" for done in append_sync(rows))


def with_role(principal: Principal, role: str) -> Principal:
    """The same agent in another role."""
    return replace(principal, role=role)


def first_summaries(people: Sequence[Principal], *, limit: int = 50) -> list[tuple[list[Summary], str | None]]:
    """What `welcome` lists for each of these, who are all of one kind. Inside the tenant."""
    if people[0].kind == "visitor":
        return visitors_first(people, limit=limit)
    return [(msgspec.json.decode(rooms, type=list[Summary]), onward) for rooms, onward in agents_first(people, limit=limit)]
