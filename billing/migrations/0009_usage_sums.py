"""Usage is summed by its index alone, and periods begin with a whole second."""

from pathlib import Path
from typing import Any, ClassVar

from django.db import migrations

SQL = Path(__file__).parent / "sql" / "0009_usage_sums.sql"


def make(apps, schema_editor):
    schema_editor.execute(SQL.read_text(), params=None)


class Migration(migrations.Migration):
    dependencies: ClassVar[list[Any]] = [("billing", "0008_staff_groups")]
    operations: ClassVar[list[Any]] = [migrations.RunPython(make)]
