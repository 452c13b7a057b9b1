"""Usage in partitions, and the doors through which tenants count."""

from pathlib import Path
from typing import Any, ClassVar

from django.db import migrations

SQL = Path(__file__).parent / "sql" / "0005_usage.sql"


def make(apps, schema_editor):
    schema_editor.execute(SQL.read_text(), params=None)


class Migration(migrations.Migration):
    dependencies: ClassVar[list[Any]] = [("billing", "0004_money"), ("tenants", "0004_current_tenant")]
    operations: ClassVar[list[Any]] = [migrations.RunPython(make)]
