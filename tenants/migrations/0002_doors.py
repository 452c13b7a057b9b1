"""What a tenant's role may call in `public`."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent / "sql" / "0002_doors.sql"


def make(apps, schema_editor):
    schema_editor.execute(SQL.read_text(), params=None)


def drop(apps, schema_editor):
    schema_editor.execute("DROP FUNCTION public.defer_job, public.current_tenant", params=None)


class Migration(migrations.Migration):
    dependencies = [("tenants", "0001_initial"), ("procrastinate", "0041_post_retry_failed_job")]
    operations = [migrations.RunPython(make, drop)]
