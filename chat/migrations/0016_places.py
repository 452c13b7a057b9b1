"""Nobody writes in a community room without a place in it."""

from pathlib import Path
from typing import Any, ClassVar

from django.db import migrations

SQL = Path(__file__).parent / "sql"


def make(apps, schema_editor):
    run(schema_editor, (SQL / "0016_places.sql").read_text())


def drop(apps, schema_editor):
    before = (SQL / "0006_messages.sql").read_text()
    may_write = before[before.index("-- may_write:") : before.index("-- append:")]
    run(schema_editor, may_write.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION"))
    run(schema_editor, (SQL / "0011_append.sql").read_text())


def run(schema_editor, sql):
    schema = schema_editor.quote_name(schema_editor.connection.schema_name)
    schema_editor.execute(sql.replace("{schema}", schema), params=None)


class Migration(migrations.Migration):
    dependencies: ClassVar[list[Any]] = [("chat", "0015_last_minute")]

    operations: ClassVar[list[Any]] = [migrations.RunPython(make, drop)]
