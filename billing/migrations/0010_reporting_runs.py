"""When each job of reporting ran last."""

from typing import Any, ClassVar

import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar[list[Any]] = [("billing", "0009_usage_sums")]
    operations: ClassVar[list[Any]] = [
        migrations.CreateModel(
            name="ReportingRun",
            fields=[
                ("name", models.CharField(max_length=20, primary_key=True, serialize=False)),
                ("began_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                ("did", models.BigIntegerField(default=0)),
                ("error", models.TextField(blank=True)),
            ],
        ),
    ]
