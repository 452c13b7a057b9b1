"""Everybody who was a tenant before there was money: on the free plan, their periods counted from the day on which they came."""

from typing import Any, ClassVar

from django.db import migrations


def make(apps, schema_editor):
    Account = apps.get_model("billing", "BillingAccount")
    tenants = apps.get_model("tenants", "Tenant").objects.filter(billing=None)
    Account.objects.bulk_create([Account(tenant=tenant, anchor=tenant.created_at) for tenant in tenants])


class Migration(migrations.Migration):
    dependencies: ClassVar[list[Any]] = [("billing", "0005_usage")]
    operations: ClassVar[list[Any]] = [migrations.RunPython(make, migrations.RunPython.noop)]
