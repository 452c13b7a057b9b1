"""With each code of the hand-over, when who asked for it proved last who they are."""

from typing import Any, ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar[list[Any]] = [("tenants", "0009_signed_out")]
    operations: ClassVar[list[Any]] = [
        migrations.AddField("signincode", "proven_at", models.DateTimeField(blank=True, null=True)),
    ]
