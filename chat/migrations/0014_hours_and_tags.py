"""A site keeps hours in a time zone of its own, and remembers where its tag was seen."""

from typing import Any, ClassVar

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

import saas.core.ids


class Migration(migrations.Migration):
    dependencies: ClassVar[list[Any]] = [("chat", "0013_order_and_verdicts")]

    operations: ClassVar[list[Any]] = [
        migrations.AddField("site", "time_zone", models.CharField(blank=True, db_default="", default="", max_length=64)),
        migrations.AddField("site", "hours", models.JSONField(db_default=[], default=list)),
        migrations.AddField("site", "holidays", models.JSONField(db_default=[], default=list)),
        migrations.CreateModel(
            name="TagSeen",
            fields=[
                ("id", models.UUIDField(default=saas.core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("key", models.CharField(max_length=32)),
                ("origin", models.CharField(max_length=300)),
                ("page", models.CharField(max_length=500)),
                ("first_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("seen_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "site",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="seen", to="chat.site"
                    ),
                ),
            ],
        ),
        migrations.AddConstraint(
            "tagseen", models.UniqueConstraint(fields=("site", "key", "origin"), name="seen_once_per_origin")
        ),
    ]
