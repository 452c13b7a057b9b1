"""A tenant as a whole: its name, and how its people must sign in."""

from typing import Any
from uuid import UUID

from allauth.mfa.models import Authenticator
from django.db import transaction

from saas.core.errors import Conflict, Forbidden
from saas.core.seen import refuse_if_changed
from tenants.access import Do, may
from tenants.audit import Thing, record
from tenants.models import SECOND_FACTORS, Membership, Tenant
from tenants.resolve import MemberRef
from tenants.selectors import has_second_factor
from tenants.services.announcing import announce_change
from tenants.services.sign_ins import close_sockets
from tenants.source import Source, arriving


def rename_tenant(tenant_id: UUID, *, name: str, by: MemberRef | None, seen: str | None = None) -> None:
    """Another name; its address stays. Without `by` it is Porchlight's own act. Raises Forbidden by role, ChangedSince."""
    with transaction.atomic():
        tenant = _locked(tenant_id, by)
        refuse_if_changed(seen, {"name": tenant.name})
        before = {"name": tenant.name}
        if tenant.name == name:
            return
        _keep(tenant, "tenant.renamed", by, before, name=name)


def rename_by_staff(tenant_id: UUID, *, name: str) -> None:
    """The same by the platform's staff, who are not named to tenants, nor where they sat."""
    with arriving(Source()):
        rename_tenant(tenant_id, name=name, by=None)


def change_security(tenant_id: UUID, *, needs_two_factor: bool, by: MemberRef, seen: str | None = None) -> int:
    """Whether nothing of the tenant opens for members without a second factor. How many that are, when it is asked for.

    Their sockets close at once, and every page leads them to set one up. Raises Forbidden by role, ChangedSince, and Conflict for
    an owner who has none: they would shut themselves out.
    """
    with transaction.atomic():
        tenant = _locked(tenant_id, by)
        refuse_if_changed(seen, {"needs_two_factor": tenant.needs_two_factor})
        if tenant.needs_two_factor == needs_two_factor:
            return 0
        if needs_two_factor and not has_second_factor(by.user_id):
            raise Conflict("Set up your own second factor first.", field="needs_two_factor")
        before = {"needs_two_factor": tenant.needs_two_factor}
        _keep(tenant, "tenant.security_changed", by, before, needs_two_factor=needs_two_factor)
        return _close_without_factor(tenant) if needs_two_factor else 0


def _locked(tenant_id: UUID, by: MemberRef | None) -> Tenant:
    if by is not None and (by.is_support or not may(by.role, Do.MANAGE_TENANT)):
        raise Forbidden("Only an owner changes this.")
    tenant: Tenant = Tenant.objects.select_for_update().get(id=tenant_id)
    return tenant


def _keep(tenant: Tenant, act: str, by: MemberRef | None, before: dict[str, Any], **after: Any) -> None:
    Tenant.objects.filter(id=tenant.id).update(**after)
    record(tenant.id, by=by, act=act, on=Thing("tenant", tenant.id, tenant.name), before=before, after=after)
    announce_change(tenant.id)


def _close_without_factor(tenant: Tenant) -> int:
    """Once it is committed, the sockets of members without a second factor close."""
    secured = Authenticator.objects.filter(type__in=SECOND_FACTORS).values("user_id")
    open_to = Membership.objects.filter(tenant=tenant, disabled_at=None, user__is_active=True).exclude(user_id__in=secured)
    without = list(open_to.values_list("user_id", flat=True))
    for user_id in without:
        close_sockets(tenant.id, user_id)
    return len(without)
