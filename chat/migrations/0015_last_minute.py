"""No index of a busy room moves with each of its lines."""

from typing import Any, ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar[list[Any]] = [("chat", "0014_hours_and_tags")]

    operations: ClassVar[list[Any]] = [
        migrations.RemoveIndex(model_name="room", name="room_newest_first"),
        migrations.AddField(
            model_name="room",
            name="last_minute",
            field=models.GeneratedField(
                expression=models.Func(
                    models.F("last_at"), template="date_trunc('minute', %(expressions)s AT TIME ZONE 'UTC') AT TIME ZONE 'UTC'"
                ),
                output_field=models.DateTimeField(),
                db_persist=True,
            ),
        ),
        migrations.AddIndex(model_name="room", index=models.Index(fields=["-last_minute"], name="room_newest_first")),
        migrations.RunSQL("ALTER TABLE chat_room SET (fillfactor = 80)", "ALTER TABLE chat_room RESET (fillfactor)"),
    ]
