"""The keys of script tags: a new one, and how long an old one works on. Called outside of the tenant, on the platform's role."""

import base64
import secrets
from datetime import timedelta
from typing import Final
from uuid import UUID

from django.db import models, transaction
from django.db.models import Q
from django.utils import timezone

from chat.models import Site
from chat.realtime.revocation import end_key
from saas.core.errors import BadFrame, Conflict, NotFound
from tenants.audit import By, Thing, record
from tenants.context import TenantRef, in_tenant
from tenants.models import EmbedKey
from tenants.resolve import forget

# How long the key before may work on, while pages change over.
GRACES: Final[dict[str, timedelta]] = {"now": timedelta(), "day": timedelta(days=1), "week": timedelta(days=7)}


def make_embed_key(tenant: TenantRef, site_id: UUID) -> str:
    """A key for a site that has none."""
    key = new_embed_key()
    EmbedKey.objects.create(key=key, tenant_id=tenant.id, site_id=site_id)
    return key


def rotate_key(tenant: TenantRef, site_id: UUID, *, grace: str, by: By = None) -> str:
    """A new key for the site's tag. The one before works on for `grace`, a name of GRACES; then pages with it show no chat.

    Keys that are to end later than that end with it. Raises NotFound and BadFrame with field `grace`.
    """
    if grace not in GRACES:
        raise BadFrame(f"{grace[:20]!r} is not possible here: it is now, day or week.", field="grace")
    name, until = _name_of(tenant, site_id), timezone.now() + GRACES[grace]
    with transaction.atomic():
        ending = list(_live(tenant, site_id).select_for_update().filter(Q(revoked_at=None) | Q(revoked_at__gt=until)))
        EmbedKey.objects.filter(key__in=[one.key for one in ending]).update(revoked_at=until)
        made = make_embed_key(tenant, site_id)
        old = {"key": next((one.key for one in ending if one.revoked_at is None), "")}
        record(tenant, by=by, act="key.rotated", on=name, before=old, after={"key": made, "old key works until": until})
    _end(tenant, [one.key for one in ending] if until <= timezone.now() else [])
    return made


def revoke_key(tenant: TenantRef, site_id: UUID, key: str, *, by: By = None) -> None:
    """End an old key now. Raises NotFound, and Conflict for the key of the script tag: that one is rotated."""
    name = _name_of(tenant, site_id)
    with transaction.atomic():
        found = _live(tenant, site_id).select_for_update().filter(key=key).first()
        if found is None:
            raise NotFound("There is no such key, or it has ended already.")
        if found.revoked_at is None:
            raise Conflict("This is the key of the script tag. Make a new one; then this one can end.")
        EmbedKey.objects.filter(key=key).update(revoked_at=timezone.now())
        record(tenant, by=by, act="key.revoked", on=name, before={"key": key}, after={"key": ""})
    _end(tenant, [key])


def end_all_keys(tenant: TenantRef, site_id: UUID) -> None:
    """No page shows the site any more. Nothing is written down: this belongs to another act."""
    keys = list(_live(tenant, site_id).values_list("key", flat=True))
    EmbedKey.objects.filter(key__in=keys).update(revoked_at=timezone.now())
    _end(tenant, keys)


def new_embed_key() -> str:
    """128 random bits as 26 letters and digits: public, but not to be guessed."""
    return base64.b32encode(secrets.token_bytes(16)).decode().rstrip("=").lower()


def _end(tenant: TenantRef, keys: list[str]) -> None:
    """Every process forgets them, and sockets that came with them close."""
    forget(tenant.id)
    for key in keys:
        end_key(tenant_id=tenant.id, key=key)


def _live(tenant: TenantRef, site_id: UUID) -> models.QuerySet[EmbedKey]:
    dead = Q(revoked_at__lte=timezone.now())
    return EmbedKey.objects.filter(tenant_id=tenant.id, site_id=site_id).exclude(dead)


def _name_of(tenant: TenantRef, site_id: UUID) -> Thing:
    with in_tenant(tenant):
        name = Site.objects.filter(id=site_id).values_list("name", flat=True).first()
    if name is None:
        raise NotFound("There is no such site.")
    return Thing("site", site_id, name)
