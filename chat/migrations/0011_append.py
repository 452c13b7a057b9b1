"""`append` looks first whether anything stands in the way of the messages, and takes a shorter way when nothing does."""

from pathlib import Path
from typing import Any, ClassVar

from django.db import migrations

SQL = Path(__file__).parent / "sql"


def make(apps, schema_editor):
    run(schema_editor, (SQL / "0011_append.sql").read_text())


def drop(apps, schema_editor):
    before = (SQL / "0006_messages.sql").read_text()
    append = before[before.index("-- append:") : before.index("-- amend:")]
    run(schema_editor, append.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION"))


def run(schema_editor, sql):
    schema = schema_editor.quote_name(schema_editor.connection.schema_name)
    schema_editor.execute(sql.replace("{schema}", schema), params=None)


class Migration(migrations.Migration):
    dependencies: ClassVar[list[Any]] = [("chat", "0010_told_of_lines")]

    operations: ClassVar[list[Any]] = [migrations.RunPython(make, drop)]
