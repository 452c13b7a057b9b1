"""After a change of a tenant's rows, everybody is told."""

from functools import partial
from uuid import UUID

from django.db import transaction

from saas.core import registry


def announce_change(tenant_id: UUID) -> None:
    """After any change of a tenant's rows: once it is committed, every process forgets what it kept, and sockets follow."""
    transaction.on_commit(partial(registry.tenant_changed, tenant_id=tenant_id))
