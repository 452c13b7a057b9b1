"""Who is the tenant of a host or an embed key, and who is a member: cached reads of the `public` schema.

The plain functions are for sync code outside of a tenant, the `a_` ones for coroutines, where a hit costs nothing. Answers may be
up to a minute old in a process that was not told to `forget`. A suspended tenant is found; look at its `status`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from allauth.mfa.models import Authenticator
from django.db.models import Q
from django.utils import timezone

from saas.core import bytecache, registry
from tenants.context import TenantRef
from tenants.lookup import Lookup
from tenants.models import SECOND_FACTORS, Domain, EmbedKey, Membership, Role, SignIn, Tenant


@dataclass(frozen=True, slots=True)
class KeyRef:
    """What an embed key stands for."""

    tenant: TenantRef
    site_id: UUID
    key: str
    until: datetime | None = None  # an old one that works on for a while

    @property
    def is_over(self) -> bool:
        """Whether its time has come since it was read."""
        return self.until is not None and self.until <= timezone.now()


@dataclass(frozen=True, slots=True)
class MemberRef:
    """An active member of a tenant."""

    user_id: UUID
    name: str
    role: str
    email: str
    is_support: bool = False  # staff of the platform, who look in because the tenant's owner agreed
    is_locked: bool = False  # the tenant asks for a second factor that they do not have: nothing of it opens for them
    tenant_status: str = Tenant.Status.ACTIVE


def ref(tenant: Tenant) -> TenantRef:
    """The tenant as a value."""
    return TenantRef(id=tenant.id, slug=tenant.slug, name=tenant.name, schema=tenant.schema_name, status=tenant.status)


def tenant_for_host(host: str) -> TenantRef | None:
    """The tenant whose pages this host serves; a port in it does not matter."""
    return _hosts.get(_bare(host))


async def a_tenant_for_host(host: str) -> TenantRef | None:
    return await _hosts.aget(_bare(host))


def site_key(key: str) -> KeyRef | None:
    """The site of an embed key that has not been revoked."""
    return _alive(_keys.get(key)) if _is_plausible(key) else None


async def a_site_key(key: str) -> KeyRef | None:
    return _alive(await _keys.aget(key)) if _is_plausible(key) else None


def _alive(found: KeyRef | None) -> KeyRef | None:
    return None if found is None or found.is_over else found


def membership_for(tenant_id: UUID, user_id: UUID) -> MemberRef | None:
    """The user as a member of the tenant; None if they are none, or if membership or user is disabled."""
    return _members.get((tenant_id, user_id))


async def a_membership_for(tenant_id: UUID, user_id: UUID) -> MemberRef | None:
    return await _members.aget((tenant_id, user_id))


async def a_is_ended(sid: str) -> bool:
    """True if this sign-in is over: a token that was signed before may live on for some minutes. Believed for 10 s at most."""
    try:
        return await _ended.aget(UUID(sid)) is not None
    except ValueError:
        return False


def forget_sign_ins(**_facts: object) -> None:
    """Drop what this process believes of sign-ins that live. Call it after the commit of the end of any."""
    _ended.forget(lambda _sid, _end: False)


def forget(tenant_id: UUID) -> None:
    """Drop what this process remembers of a tenant. Call it after the commit of any change to the tenant's rows in `public`."""
    _hosts.forget(lambda _host, tenant: tenant.id == tenant_id)
    _keys.forget(lambda _key, found: found.tenant.id == tenant_id)
    _members.forget(lambda pair, _member: pair[0] == tenant_id)
    bytecache.forget()


def _bare(host: str) -> str:
    name = host.lower()
    if name.rpartition(":")[2].isdecimal():
        name = name.rpartition(":")[0]
    return name.removesuffix(".")


def _is_plausible(key: str) -> bool:
    """Strings that can be no key of ours do not reach the database, which refuses a NUL byte."""
    return 0 < len(key) <= 32 and key.isascii() and key.isprintable()


def _load_host(host: str) -> TenantRef | None:
    if "\0" in host:
        return None
    domain = Domain.objects.select_related("tenant").filter(domain=host).first()
    return ref(domain.tenant) if domain else None


def _load_key(key: str) -> KeyRef | None:
    works = Q(revoked_at=None) | Q(revoked_at__gt=timezone.now())
    found = EmbedKey.objects.select_related("tenant").filter(works, key=key).first()
    return KeyRef(ref(found.tenant), found.site_id, found.key, until=found.revoked_at) if found else None


def _load_member(pair: tuple[UUID, UUID]) -> MemberRef | None:
    return _load_members([pair]).get(pair)


def _supporter(tenant_id: UUID, user_id: UUID) -> MemberRef | None:
    """A member of staff who may look in: as somebody who reads and changes nothing."""
    visit = next((visit for visit in registry.support_visit(tenant_id=tenant_id, user_id=user_id) if visit), None)
    if visit is None:
        return None
    status, needs = Tenant.objects.values_list("status", "needs_two_factor").get(id=tenant_id)
    is_locked = needs and user_id in _without_factor([user_id])
    return MemberRef(user_id, visit[0], Role.VIEWER, visit[1], is_support=True, is_locked=is_locked, tenant_status=status)


def _load_members(pairs: Sequence[tuple[UUID, UUID]]) -> dict[tuple[UUID, UUID], MemberRef]:
    """Those of these that are active members, or staff who may look in."""
    active = Membership.objects.filter(disabled_at=None, user__is_active=True)
    tenants, users = zip(*pairs, strict=True)
    found = active.filter(tenant_id__in=set(tenants), user_id__in=set(users))
    columns = ("tenant_id", "user_id", "user__name", "role", "user__email", "tenant__needs_two_factor", "tenant__status")
    rows = list(found.values_list(*columns))
    without = _without_factor([user for _, user, *_, needs, _ in rows if needs])
    members = {
        (tenant, user): MemberRef(user, name, role, email, is_locked=needs and user in without, tenant_status=status)
        for tenant, user, name, role, email, needs, status in rows
    }
    visits = {pair: visit for pair in pairs if pair not in members and (visit := _supporter(*pair))}
    return {pair: members[pair] for pair in pairs if pair in members} | visits


def _without_factor(users: Sequence[UUID]) -> set[UUID]:
    """Those of these users who have set up no second factor. Asks nothing for nobody."""
    if not users:
        return set()
    secured = Authenticator.objects.filter(user_id__in=users, type__in=SECOND_FACTORS)
    return set(users) - set(secured.values_list("user_id", flat=True))


def _load_ends(sids: Sequence[UUID]) -> dict[UUID, datetime]:
    """`_load_end` for each of these."""
    found = SignIn.objects.filter(id__in=sids).values_list("id", "ended_at")
    return {sid: end for sid, end in found if end is not None}


def _load_end(sid: UUID) -> datetime | None:
    return SignIn.objects.filter(id=sid).values_list("ended_at", flat=True).first()


_hosts: Lookup[str, TenantRef] = Lookup(_load_host)
_keys: Lookup[str, KeyRef] = Lookup(_load_key)
_members: Lookup[tuple[UUID, UUID], MemberRef] = Lookup(_load_member, _load_members)
_ended: Lookup[UUID, datetime] = Lookup(_load_end, _load_ends)
