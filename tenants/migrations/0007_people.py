"""Invitations, where people are signed in, and whether a tenant asks for a second factor."""

from typing import Any, ClassVar

import django.db.models.deletion
import django.db.models.functions.datetime
import django.utils.timezone
import saas.core.ids
from django.conf import settings
from django.db import migrations, models

ROLES = [("owner", "Owner"), ("admin", "Admin"), ("agent", "Agent"), ("viewer", "Viewer")]


class Migration(migrations.Migration):
    dependencies: ClassVar[list[Any]] = [("tenants", "0006_audit")]

    operations: ClassVar[list[Any]] = [
        migrations.AddField(
            model_name="tenant", name="needs_two_factor", field=models.BooleanField(default=False, db_default=False)
        ),
        # The defaults stand in the database too: while it is migrated, processes of the version before still write these rows.
        migrations.AddField(model_name="signin", name="browser", field=models.CharField(blank=True, db_default="", max_length=80)),
        migrations.AddField(model_name="signin", name="address", field=models.CharField(blank=True, db_default="", max_length=45)),
        migrations.AddField(
            model_name="signin",
            name="seen_at",
            field=models.DateTimeField(default=django.utils.timezone.now, db_default=django.db.models.functions.datetime.Now()),
        ),
        migrations.AlterField(
            model_name="signin",
            name="tenant",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.CASCADE, related_name="sign_ins", to="tenants.tenant"
            ),
        ),
        migrations.CreateModel(
            name="Invitation",
            fields=[
                ("id", models.UUIDField(default=saas.core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("email", models.EmailField(max_length=254)),
                ("role", models.CharField(choices=ROLES, max_length=8)),
                ("code_hash", models.BinaryField(max_length=32, unique=True)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("sent_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("sent_count", models.PositiveSmallIntegerField(default=1)),
                ("expires_at", models.DateTimeField()),
                ("accepted_at", models.DateTimeField(blank=True, null=True)),
                ("withdrawn_at", models.DateTimeField(blank=True, null=True)),
                (
                    "invited_by",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="invitations", to="tenants.tenant"),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("accepted_at__isnull", True), ("withdrawn_at__isnull", True)),
                        fields=("tenant", "email"),
                        name="one_open_invitation_per_address",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("role__in", ["owner", "admin", "agent", "viewer"])), name="known_role_of_invitation"
                    ),
                ],
            },
        ),
    ]
