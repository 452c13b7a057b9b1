"""The function through which a tenant's role writes usage."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent / "sql" / "0002_record_usage.sql"


def make(apps, schema_editor):
    schema_editor.execute(SQL.read_text(), params=None)


def drop(apps, schema_editor):
    schema_editor.execute("DROP FUNCTION public.record_usage", params=None)


class Migration(migrations.Migration):
    dependencies = [("billing", "0001_initial"), ("tenants", "0002_doors")]
    operations = [migrations.RunPython(make, drop)]
