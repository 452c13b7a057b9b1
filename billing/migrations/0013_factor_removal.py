"""Second factors that staff take away for people who lost them: asked by one person, done by another."""

from typing import Any, ClassVar

import django.db.models.deletion
import django.utils.timezone
import saas.core.ids
from django.conf import settings
from django.db import migrations, models

STATES = [("waiting", "Waiting"), ("done", "Done"), ("declined", "Declined")]
SOMEBODY = {"on_delete": django.db.models.deletion.PROTECT, "related_name": "+", "to": settings.AUTH_USER_MODEL}
BY_ANOTHER = models.CheckConstraint(
    condition=~models.Q(status="done")
    | (models.Q(settled_by__isnull=False) & ~models.Q(settled_by=models.F("requested_by"))),
    name="removed_by_somebody_else",
)
NOT_MY_OWN = models.CheckConstraint(
    condition=~models.Q(user=models.F("requested_by"))
    & (models.Q(settled_by__isnull=True) | ~models.Q(settled_by=models.F("user")) | models.Q(status="declined")),
    name="not_by_oneself",
)
ONE_WAITS = models.UniqueConstraint(
    fields=["user"], condition=models.Q(status="waiting"), name="one_removal_waits_for_each_person"
)


class Migration(migrations.Migration):
    dependencies: ClassVar[list[Any]] = [
        ("billing", "0012_one_order"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    operations: ClassVar[list[Any]] = [
        migrations.CreateModel(
            name="FactorRemoval",
            fields=[
                ("id", models.UUIDField(default=saas.core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("status", models.CharField(choices=STATES, default="waiting", max_length=8)),
                ("form_key", models.UUIDField(unique=True)),
                ("reason", models.TextField()),
                ("requested_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("settled_at", models.DateTimeField(blank=True, null=True)),
                ("removed", models.JSONField(default=list)),
                ("answer", models.TextField(blank=True)),
                ("requested_by", models.ForeignKey(**SOMEBODY)),
                ("settled_by", models.ForeignKey(blank=True, null=True, **SOMEBODY)),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={"constraints": [BY_ANOTHER, NOT_MY_OWN, ONE_WAITS]},
        ),
    ]
