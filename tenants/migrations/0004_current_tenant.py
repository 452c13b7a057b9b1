"""A tenant is found by its role without a look at all others."""

from pathlib import Path
from typing import Any, ClassVar

from django.db import migrations

SQL = Path(__file__).parent / "sql"


def make(apps, schema_editor):
    schema_editor.execute((SQL / "0004_current_tenant.sql").read_text(), params=None)


def drop(apps, schema_editor):
    before = (SQL / "0002_doors.sql").read_text().partition("-- Defer a job")[0]
    schema_editor.execute(before.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION"), params=None)


class Migration(migrations.Migration):
    dependencies: ClassVar[list[Any]] = [("tenants", "0003_members")]
    operations: ClassVar[list[Any]] = [migrations.RunPython(make, drop)]
