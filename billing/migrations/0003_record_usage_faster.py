"""Usage is written with one draw of randomness for each call."""

from pathlib import Path
from typing import Any, ClassVar

from django.db import migrations

SQL = Path(__file__).parent / "sql"


def make(apps, schema_editor):
    schema_editor.execute((SQL / "0003_record_usage.sql").read_text(), params=None)


def drop(apps, schema_editor):
    before = (SQL / "0002_record_usage.sql").read_text()
    schema_editor.execute(before.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION"), params=None)


class Migration(migrations.Migration):
    dependencies: ClassVar[list[Any]] = [("billing", "0002_record_usage")]
    operations: ClassVar[list[Any]] = [migrations.RunPython(make, drop)]
