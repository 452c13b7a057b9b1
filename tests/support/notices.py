"""Notifications as they are stored, and crowds who get them."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

from chat.models import Notification, Site, Visitor
from saas.core.ids import uuid7
from tenants.context import TenantRef, in_tenant
from tests.support.shop import Shop

WORDS: dict[str, Any] = {"category": "system", "kind": "news", "title": "Something new", "body": "Look.", "url": "/inbox/"}


def stored(tenant: TenantRef) -> list[tuple[UUID, str]]:
    """Who was told what, in order."""
    with in_tenant(tenant):
        return list(Notification.objects.order_by("id").values_list("recipient_id", "title"))


def crowd(tenant: TenantRef, site_id: UUID, count: int) -> list[UUID]:
    """So many visitors."""
    made = [Visitor(id=uuid7(), site_id=site_id, name=f"Visitor {n}", handle_hash=uuid4().bytes) for n in range(count)]
    with in_tenant(tenant):
        Visitor.objects.bulk_create(made)
    return [one.id for one in made]


def first_site(shop: Shop) -> UUID:
    """The site that the shop began with."""
    with in_tenant(shop.tenant):
        return UUID(str(Site.objects.values_list("id", flat=True).get()))


def unseen_by(shop: Shop, people: Sequence[UUID], many: int) -> None:
    """So many new notifications for each of these, which nobody was told of."""
    made = [Notification(recipient_id=who, **WORDS | {"title": f"News {n}"}) for n in range(many) for who in people]
    with in_tenant(shop.tenant):
        Notification.objects.bulk_create(made)
