"""When an admin signed a member out: whoever comes in again proves first who they are."""

from typing import Any, ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar[list[Any]] = [("tenants", "0008_first_run")]
    operations: ClassVar[list[Any]] = [
        migrations.AddField("membership", "signed_out_at", models.DateTimeField(blank=True, null=True)),
    ]
