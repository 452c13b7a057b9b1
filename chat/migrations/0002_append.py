"""The `append` function of each tenant's schema."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent / "sql" / "0002_append.sql"


def make(apps, schema_editor):
    schema = schema_editor.quote_name(schema_editor.connection.schema_name)
    schema_editor.execute(SQL.read_text().replace("{schema}", schema))


def drop(apps, schema_editor):
    schema = schema_editor.quote_name(schema_editor.connection.schema_name)
    schema_editor.execute(f"DROP FUNCTION {schema}.append")


class Migration(migrations.Migration):
    dependencies = [("chat", "0001_initial")]
    operations = [migrations.RunPython(make, drop)]
