"""Users whom a site's own backend has signed in: a JWT that it makes names them, with a key that only it and we can know.

HS256 (RFC 7515, 7519). Header: `kid`, one of at most two live keys of the site. Claims: `sub` who it is, `name` how they are
called, `exp` at most five minutes ahead, `jti` used once, `aud` the site's embed key. Keys are derived, never stored; a site
holds their ids only.
"""

import hashlib
import logging
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import jwt
from django.db import transaction
from django.utils import timezone

from billing.plans import Feature
from billing.standing import refuse_beyond
from chat.models import SignedIn, Site
from chat.selectors.sites import identity_keys_shown
from chat.services.lines import UNSTORABLE
from chat.services.sites import change_locked, forget_everywhere, locked_site
from saas.core.errors import Conflict, Forbidden, NotFound, Unauthenticated
from saas.core.seen import refuse_if_changed
from tenants.access import Do, may
from tenants.audit import Thing, record
from tenants.context import TenantRef, in_tenant
from tenants.tokens import Principal, identity_secret, new_identity_kid

log = logging.getLogger(__name__)

MOST_KEYS: Final = 2
LONGEST_LIFE: Final = 300  # seconds
KEPT: Final = timedelta(minutes=10)  # a used identity, after its end: clocks differ
LONGEST_TOKEN: Final = 4_000
LONGEST_SUB: Final = 200
LONGEST_JTI: Final = 200
LONGEST_NAME: Final = 80
SWEPT: Final = 100  # identities that ran out, forgotten with each one that is shown
REQUIRED: Final = ["sub", "exp", "jti", "aud"]
_KID = re.compile(r"[0-9a-f]{8}\.[0-9a-f]{16}")


@dataclass(frozen=True, slots=True)
class Identity:
    """A user of the customer's, as their backend vouches for them."""

    sub: str
    name: str  # empty: as we call them
    jti: str
    expires: datetime


@dataclass(frozen=True, slots=True)
class IdentityKey:
    """A new key. The secret is shown here and nowhere else."""

    kid: str
    secret: str


def identity_keys(tenant: TenantRef, principal: Principal, site_id: UUID) -> tuple[list[str], bool]:
    """The ids of the live keys of a site, oldest first, and whether it is strict. Call it outside of the tenant.

    Raises Forbidden by role and NotFound.
    """
    _demand(principal)
    with in_tenant(tenant):
        site = Site.objects.filter(id=site_id).first()
    if site is None:
        raise NotFound("There is no such site.")
    return list(site.identity_keys), site.strict


def make_identity_key(tenant: TenantRef, principal: Principal, site_id: UUID) -> IdentityKey:
    """A new key beside the one in use, so that a backend can change over.

    Raises as above, Conflict while there are two, and PlanLimit where the plan has no signed-in users.
    """
    _demand(principal)
    refuse_beyond(tenant.id, Feature.IDENTITY)
    kid = new_identity_kid()
    with in_tenant(tenant), transaction.atomic():
        site = locked_site(site_id)
        if len(site.identity_keys) >= MOST_KEYS:
            raise Conflict("This site has two keys; delete the one that is no longer used first.")
        Site.objects.filter(id=site_id).update(identity_keys=[*site.identity_keys, kid])
        record(tenant, by=principal, act="identity_key.added", on=Thing("site", site_id, site.name), after={"key": kid})
    forget_everywhere(tenant.id)
    return key_named(tenant, site_id, kid)


def key_named(tenant: TenantRef, site_id: UUID, kid: str) -> IdentityKey:
    """A key with its secret, for the one page on which whoever made it sees that."""
    return IdentityKey(kid, identity_secret(tenant.id, site_id, kid))


def delete_identity_key(tenant: TenantRef, principal: Principal, site_id: UUID, kid: str, *, seen: str | None = None) -> None:
    """What this key signs counts no more, from now on.

    `seen` is the mark of `identity_keys_shown` as it was: who removes an old key must not end signing in because somebody else
    has removed the new one. Raises as above, ChangedSince, NotFound for a key that the site does not have, and Conflict for the
    last one of a strict site.
    """
    _demand(principal)
    with in_tenant(tenant), transaction.atomic():
        site = locked_site(site_id)
        refuse_if_changed(seen, identity_keys_shown(site))
        left = [one for one in site.identity_keys if one != kid]
        if kid not in site.identity_keys:
            raise NotFound("There is no such key.")
        if site.strict and not left:
            raise Conflict("Without this key nobody could come in. Make another one first, or let everybody write.")
        Site.objects.filter(id=site_id).update(identity_keys=left)
        record(tenant, by=principal, act="identity_key.removed", on=Thing("site", site_id, site.name), before={"key": kid})
    forget_everywhere(tenant.id)


def set_strict(tenant: TenantRef, principal: Principal, site_id: UUID, *, strict: bool, seen: str | None = None) -> None:
    """From now on only visitors whom the site has signed in get a session, or everybody does.

    `seen` is the mark of `strict` as it was shown. Raises Forbidden by role, NotFound, ChangedSince, and Conflict
    while the site has no key: nobody could come in.
    """
    _demand(principal)
    with in_tenant(tenant), transaction.atomic():
        site = locked_site(site_id)
        refuse_if_changed(seen, {"strict": site.strict})
        if strict and not site.identity_keys:
            raise Conflict("Make an identity key first: without one nobody could come in.", field="strict")
        change_locked(tenant, site, {"strict": strict}, principal)
    forget_everywhere(tenant.id)


def take_identity(tenant: TenantRef, site_id: UUID, embed_key: str, token: str) -> Identity:
    """Whom the token names; it is used up by this. Inside the tenant, in the transaction of what it is used for.

    Raises Forbidden with field `identity`, whatever is wrong with it; the log has one line of why.
    """
    keys = Site.objects.filter(id=site_id).values_list("identity_keys", flat=True).first() or []
    try:
        found = read_identity(tenant, site_id, embed_key, keys, token)
        _use(site_id, found)
    except _Refused as refused:
        log.warning("identity refused at site %s of tenant %s: %s", site_id, tenant.id, refused)
        raise Forbidden("This identity is not valid.", field="identity") from None
    return found


def read_identity(tenant: TenantRef, site_id: UUID, embed_key: str, keys: Sequence[str], token: str) -> Identity:
    """Whom the token names, if one of these keys signed it for this embed key. Pure; raises `_Refused` with the reason."""
    if len(token) > LONGEST_TOKEN:
        raise _Refused("it is too long")
    claims = _verified(token, _key(tenant, site_id, keys, token), embed_key)
    expires = claims["exp"]
    if not isinstance(expires, int | float) or expires > time.time() + LONGEST_LIFE:
        raise _Refused("it lives longer than five minutes")
    return Identity(
        sub=_text(claims, "sub", LONGEST_SUB),
        name=_name(claims),
        jti=_text(claims, "jti", LONGEST_JTI),
        expires=datetime.fromtimestamp(expires, UTC),
    )


class _Refused(Exception):
    """Why an identity does not count: for the log, not for whoever showed it."""


def _key(tenant: TenantRef, site_id: UUID, keys: Sequence[str], token: str) -> str:
    """The key that the header names, if it is alive."""
    try:
        header = jwt.get_unverified_header(token)
    except (jwt.PyJWTError, ValueError, TypeError):
        raise _Refused("it is no token") from None
    kid = header.get("kid")
    if header.get("alg") != "HS256":
        raise _Refused("it is signed in another way than HS256")
    if not isinstance(kid, str) or not _KID.fullmatch(kid) or kid not in keys:
        raise _Refused("its key is none of the site's")
    try:
        return identity_secret(tenant.id, site_id, kid)
    except Unauthenticated:
        raise _Refused("its key was made with a secret of ours that is gone") from None


def _verified(token: str, secret: str, embed_key: str) -> dict[str, Any]:
    options: Any = {"require": REQUIRED, "strict_aud": True, "verify_iat": False}
    try:
        claims: dict[str, Any] = jwt.decode(token, secret, algorithms=["HS256"], audience=embed_key, options=options)
    except (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError) as error:
        raise _Refused(f"{type(error).__name__}: {error}") from None
    return claims


def _text(claims: dict[str, Any], name: str, longest: int) -> str:
    value = claims[name]
    if not isinstance(value, str) or not value.strip() or len(value) > longest or UNSTORABLE.search(value):
        raise _Refused(f"its {name} is not a text of 1 to {longest} characters")
    return value


def _name(claims: dict[str, Any]) -> str:
    name = claims.get("name")
    if name is None:
        return ""
    if not isinstance(name, str):
        raise _Refused("its name is no text")
    return " ".join(UNSTORABLE.sub(" ", name).split())[:LONGEST_NAME]


def _use(site_id: UUID, identity: Identity) -> None:
    """Each `jti` counts once: of two that come at once the second waits for the first, and finds it used."""
    now = timezone.now()
    stale = SignedIn.objects.filter(expires_at__lt=now).order_by("expires_at").select_for_update(skip_locked=True)
    SignedIn.objects.filter(id__in=list(stale.values_list("id", flat=True)[:SWEPT])).delete()
    digest = hashlib.sha256(identity.jti.encode()).digest()
    made = SignedIn(site_id=site_id, jti_hash=digest, expires_at=identity.expires + KEPT)
    SignedIn.objects.bulk_create([made], ignore_conflicts=True)
    if not SignedIn.objects.filter(id=made.id).exists():
        raise _Refused("it was used before")


def _demand(principal: Principal) -> None:
    if not may(principal.role, Do.MANAGE_SITES):
        raise Forbidden("Your role may not change a site.")
