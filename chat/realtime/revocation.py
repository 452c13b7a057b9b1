"""What was taken away ends open sockets at once: the answers to hooks of the apps below."""

from uuid import UUID

from chat.realtime import groups
from chat.realtime.hub import from_thread
from chat.realtime.protocol.codes import Close
from tenants.context import TenantRef
from tenants.models import Tenant


def end_sessions(*, tenant_id: UUID, user_id: UUID, sid: str | None) -> None:
    """Close an agent's sockets, all of them or those of one sign-in, on every process."""
    from_thread(lambda hub: hub.end(groups.person(tenant_id, user_id), Close.REVOKED, sid=sid))


def end_key(*, tenant_id: UUID, key: str) -> None:
    """Close the sockets of visitors who came with an embed key that counts no more, on every process."""
    from_thread(lambda hub: hub.end(groups.embed_key(tenant_id, key), Close.NO_SUCH_SITE))


def tell_changed(*, tenant_id: UUID) -> None:
    """Every process forgets what it kept of the tenant; the sockets of one that is suspended or closed end."""
    from_thread(lambda hub: hub.bus.say(groups.PROCESSES, {"k": "forget", "tenant": str(tenant_id)}))
    if Tenant.objects.filter(id=tenant_id).exclude(status=Tenant.Status.ACTIVE).exists():
        from_thread(lambda hub: hub.end(groups.here(tenant_id), Close.SUSPENDED))


def begin_anew(*, tenant: TenantRef) -> None:
    """What the sockets of a tenant know is not what is stored: all of them come back."""
    from_thread(lambda hub: hub.end(groups.here(tenant.id), Close.RESTART))
