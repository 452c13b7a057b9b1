"""One unseen notification stands for all new lines of a room; lines that are deleted leave those that quote them."""

from pathlib import Path
from typing import Any, ClassVar

from django.db import migrations, models

SQL = Path(__file__).parent / "sql"
ONE_EACH = """
    UPDATE {schema}.chat_notification older SET seen_at = now()
    WHERE older.category = 'messages' AND older.seen_at IS NULL AND EXISTS (
        SELECT FROM {schema}.chat_notification newer
        WHERE newer.recipient_id = older.recipient_id AND newer.room_id = older.room_id
          AND newer.category = 'messages' AND newer.seen_at IS NULL AND newer.id > older.id
    )
"""


def make(apps, schema_editor):
    run(schema_editor, ONE_EACH)
    run(schema_editor, (SQL / "0010_told_of_lines.sql").read_text())


def drop(apps, schema_editor):
    before = (SQL / "0008_tombstones.sql").read_text().partition("CREATE TRIGGER")[0]
    run(schema_editor, before.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION"))


def run(schema_editor, sql):
    schema = schema_editor.quote_name(schema_editor.connection.schema_name)
    schema_editor.execute(sql.replace("{schema}", schema), params=None)


class Migration(migrations.Migration):
    dependencies: ClassVar[list[Any]] = [("chat", "0009_places_of_visitor")]

    operations: ClassVar[list[Any]] = [
        migrations.RunPython(make, drop),
        migrations.AddConstraint(
            model_name="notification",
            constraint=models.UniqueConstraint(
                condition=models.Q(("category", "messages"), ("seen_at__isnull", True)),
                fields=("recipient_id", "room_id"),
                name="one_unseen_for_messages",
            ),
        ),
    ]
