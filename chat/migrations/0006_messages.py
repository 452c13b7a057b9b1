"""`append` and `amend` of each tenant's schema, and a room for the notes of each support room."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent / "sql"


def make(apps, schema_editor):
    run(schema_editor, "DROP FUNCTION {schema}.append")
    run(schema_editor, (SQL / "0006_messages.sql").read_text())


def drop(apps, schema_editor):
    for name in ("may_write", "append", "amend", "reacted"):
        run(schema_editor, f"DROP FUNCTION {{schema}}.{name}")
    run(schema_editor, (SQL / "0002_append.sql").read_text())


def run(schema_editor, sql):
    schema = schema_editor.quote_name(schema_editor.connection.schema_name)
    schema_editor.execute(sql.replace("{schema}", schema), params=None)


class Migration(migrations.Migration):
    dependencies = [("chat", "0005_identities_and_reports")]
    operations = [migrations.RunPython(make, drop)]
