"""The keys of script tags: a new one, and how long an old one works on. Called outside of the tenant, on the platform's role."""

import base64
import secrets
from collections.abc import Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

from django.db import models, transaction
from django.db.models import Q
from django.utils import timezone

from chat.models import Site
from chat.realtime.revocation import end_key
from chat.selectors.embed_keys import key_shown
from saas.core.errors import BadFrame, Conflict, NotFound
from saas.core.seen import refuse_if_changed
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


def rotate_key(tenant: TenantRef, site_id: UUID, *, grace: str, by: By = None, seen: str | None = None) -> str:
    """A new key for the site's tag. The one before works on for `grace`, a name of GRACES; then pages with it show no chat.

    Keys that are to end later than that end with it. `seen` is the mark of `key_shown` as it was; without it, the second of two
    at once changes the key that the first has made. Raises NotFound, ChangedSince and BadFrame with field `grace`.
    """
    if grace not in GRACES:
        raise BadFrame(f"{grace[:20]!r} is not possible here: it is now, day or week.", field="grace")
    with transaction.atomic():
        name, until = _held(tenant, site_id), timezone.now() + GRACES[grace]
        ending = list(_live(tenant, site_id).select_for_update().filter(Q(revoked_at=None) | Q(revoked_at__gt=until)))
        old = key_shown(ending)
        refuse_if_changed(seen, old)
        EmbedKey.objects.filter(key__in=[one.key for one in ending]).update(revoked_at=until)
        made = make_embed_key(tenant, site_id)
        record(tenant, by=by, act="key.rotated", on=name, before=old, after={"key": made, "old key works until": until})
    tell_ended(tenant, [one.key for one in ending] if until <= timezone.now() else [])
    return made


def revoke_key(tenant: TenantRef, site_id: UUID, key: str, *, by: By = None) -> None:
    """End an old key now. Raises NotFound, and Conflict for the key of the script tag: that one is rotated."""
    with transaction.atomic():
        name = _held(tenant, site_id)
        found = _live(tenant, site_id).select_for_update().filter(key=key).first()
        if found is None:
            raise NotFound("There is no such key, or it has ended already.")
        if found.revoked_at is None:
            raise Conflict("This is the key of the script tag. Make a new one; then this one can end.")
        EmbedKey.objects.filter(key=key).update(revoked_at=timezone.now())
        record(tenant, by=by, act="key.revoked", on=name, before={"key": key}, after={"key": ""})
    tell_ended(tenant, [key])


def end_all_keys(tenant: TenantRef, site_id: UUID) -> list[EmbedKey]:
    """No page may show the site any more; the keys as they were. Nothing is written down: this belongs to another act.

    In the caller's transaction, which holds the site's lock. After its commit `tell_ended` closes what came with them.
    """
    ending = list(_live(tenant, site_id))
    EmbedKey.objects.filter(key__in=[one.key for one in ending]).update(revoked_at=timezone.now())
    return ending


def bring_back(tenant: TenantRef, site_id: UUID, keys: Sequence[EmbedKey]) -> None:
    """Keys that `end_all_keys` has ended work as they did. Nothing happens if somebody has made another one meanwhile."""
    with transaction.atomic():
        _held(tenant, site_id)
        if not _live(tenant, site_id).exists():
            for one in keys:
                EmbedKey.objects.filter(key=one.key).update(revoked_at=one.revoked_at)
    forget(tenant.id)


def new_embed_key() -> str:
    """128 random bits as 26 letters and digits: public, but not to be guessed."""
    return base64.b32encode(secrets.token_bytes(16)).decode().rstrip("=").lower()


def tell_ended(tenant: TenantRef, keys: Sequence[str]) -> None:
    """After the commit: every process forgets them, and sockets that came with them close."""
    forget(tenant.id)
    for key in keys:
        end_key(tenant_id=tenant.id, key=key)


def _live(tenant: TenantRef, site_id: UUID) -> models.QuerySet[EmbedKey]:
    dead = Q(revoked_at__lte=timezone.now())
    return EmbedKey.objects.filter(tenant_id=tenant.id, site_id=site_id).exclude(dead)


def _held(tenant: TenantRef, site_id: UUID) -> Thing:
    """The site, whose keys nobody else changes until the transaction ends. Raises NotFound."""
    with in_tenant(tenant):
        site = Site.objects.select_for_update(no_key=True).only("name").filter(id=site_id).first()
    if site is None:
        raise NotFound("There is no such site.")
    return Thing("site", site_id, site.name)
