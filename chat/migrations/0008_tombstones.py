"""The words of a deleted message leave the notifications that quote them, too."""

from pathlib import Path

from django.db import migrations, models

SQL = Path(__file__).parent / "sql" / "0008_tombstones.sql"


def make(apps, schema_editor):
    run(schema_editor, SQL.read_text())


def drop(apps, schema_editor):
    run(schema_editor, "DROP TRIGGER forget_words ON {schema}.chat_message; DROP FUNCTION {schema}.forget_words")


def run(schema_editor, sql):
    schema = schema_editor.quote_name(schema_editor.connection.schema_name)
    schema_editor.execute(sql.replace("{schema}", schema), params=None)


class Migration(migrations.Migration):
    dependencies = [("chat", "0007_search_by_cid")]

    operations = [
        migrations.AddIndex(
            model_name="notification",
            index=models.Index(condition=models.Q(("key__isnull", False)), fields=["key"], name="told_by_key"),
        ),
        migrations.RunPython(make, drop),
    ]
