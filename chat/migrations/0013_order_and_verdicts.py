"""Community rooms have an order, and a settled report says what was done about it."""

from typing import Any, ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar[list[Any]] = [("chat", "0012_fingerprints")]

    operations: ClassVar[list[Any]] = [
        migrations.AddField("room", "position", models.IntegerField(default=0, db_default=0)),
        migrations.AddIndex(
            "room",
            models.Index(condition=models.Q(("kind", "community")), fields=["site", "position", "id"], name="rooms_in_order"),
        ),
        migrations.AddField("report", "done", models.JSONField(default=list, db_default=[])),
    ]
