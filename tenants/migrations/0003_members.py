"""The function through which a tenant's role asks who its members are."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent / "sql" / "0003_members.sql"


def make(apps, schema_editor):
    schema_editor.execute(SQL.read_text(), params=None)


def drop(apps, schema_editor):
    schema_editor.execute("DROP FUNCTION public.members_of_tenant", params=None)


class Migration(migrations.Migration):
    dependencies = [("tenants", "0002_doors")]
    operations = [migrations.RunPython(make, drop)]
