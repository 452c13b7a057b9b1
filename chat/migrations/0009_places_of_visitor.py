"""A visitor's rooms are found by their places, without a look at other rooms."""

from typing import Any, ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar[list[Any]] = [("chat", "0008_tombstones")]

    operations: ClassVar[list[Any]] = [
        migrations.AddIndex(
            model_name="participant",
            index=models.Index(condition=models.Q(("kind", "visitor")), fields=["person_id"], name="places_of_visitor"),
        ),
    ]
