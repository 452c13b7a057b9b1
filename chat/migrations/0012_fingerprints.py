"""A deleted message leaves no fingerprint of its words."""

from pathlib import Path
from typing import Any, ClassVar

from django.db import migrations, models

SQL = Path(__file__).parent / "sql"


def make(apps, schema_editor):
    run(schema_editor, (SQL / "0012_fingerprints.sql").read_text())


def drop(apps, schema_editor):
    run(schema_editor, "DROP TRIGGER forget_prints ON {schema}.chat_message; DROP FUNCTION {schema}.forget_prints")
    before = (SQL / "0006_messages.sql").read_text()
    amend = before[before.index("-- amend:") : before.index("-- reacted:")]
    run(schema_editor, amend.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION"))
    run(schema_editor, "UPDATE {schema}.chat_change SET content_hash = '' WHERE content_hash IS NULL")


def run(schema_editor, sql):
    schema = schema_editor.quote_name(schema_editor.connection.schema_name)
    schema_editor.execute(sql.replace("{schema}", schema), params=None)


class Migration(migrations.Migration):
    dependencies: ClassVar[list[Any]] = [("chat", "0011_append")]

    operations: ClassVar[list[Any]] = [
        migrations.AlterField(
            model_name="change",
            name="content_hash",
            field=models.BinaryField(max_length=32, null=True),
        ),
        migrations.RunPython(make, drop),
    ]
