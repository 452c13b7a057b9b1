"""What was done in a tenant, and the door through which its role writes that down."""

from pathlib import Path
from typing import Any, ClassVar

import django.utils.timezone
import saas.core.ids
from django.db import migrations, models


SQL = Path(__file__).parent / "sql" / "0006_audit.sql"


def make(apps, schema_editor):
    schema_editor.execute(SQL.read_text(), params=None)


def drop(apps, schema_editor):
    schema_editor.execute("DROP FUNCTION public.record_act, public.forget_old_acts", params=None)


class Migration(migrations.Migration):
    dependencies: ClassVar[list[Any]] = [("tenants", "0005_closed_tenants")]

    operations: ClassVar[list[Any]] = [
        migrations.CreateModel(
            name="AuditEntry",
            fields=[
                ("id", models.UUIDField(default=saas.core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("tenant_id", models.UUIDField()),
                ("act", models.CharField(max_length=60)),
                ("by_kind", models.CharField(blank=True, max_length=8)),
                ("by_id", models.UUIDField(blank=True, null=True)),
                ("by_name", models.CharField(blank=True, max_length=254)),
                ("thing_kind", models.CharField(max_length=20)),
                ("thing_id", models.CharField(blank=True, max_length=64)),
                ("thing_name", models.CharField(blank=True, max_length=200)),
                ("before", models.JSONField(default=dict)),
                ("after", models.JSONField(default=dict)),
                ("address", models.CharField(blank=True, max_length=45)),
                ("browser", models.CharField(blank=True, max_length=80)),
                ("way", models.CharField(blank=True, max_length=8)),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={
                "indexes": [
                    models.Index(fields=["tenant_id", "id"], name="acts_of_tenant"),
                    models.Index(fields=["tenant_id", "by_id", "id"], name="acts_of_person"),
                    models.Index(fields=["at"], name="acts_by_age"),
                ],
            },
        ),
        migrations.RunPython(make, drop),
    ]
