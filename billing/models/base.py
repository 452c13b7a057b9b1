"""What the tables of billing have in common."""

from typing import Any, ClassVar, Self
from uuid import UUID

from django.db import models

from saas.core.ids import uuid7


class OwnedManager(models.Manager[Any]):
    """Rows of all tenants. What answers a tenant goes by `for_tenant`, which forgets none of them: a test looks at the source."""


class Owned(models.Model):
    """A row of one tenant, kept when the tenant's schema is gone."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    account = models.ForeignKey("billing.BillingAccount", on_delete=models.PROTECT, related_name="+")

    objects: ClassVar[models.Manager[Any]] = OwnedManager()

    class Meta:
        abstract = True

    @classmethod
    def for_tenant(cls, tenant_id: UUID) -> "models.QuerySet[Self]":
        """The rows of this tenant and of no other."""
        found: models.QuerySet[Self] = cls.objects.filter(account_id=tenant_id)
        return found
