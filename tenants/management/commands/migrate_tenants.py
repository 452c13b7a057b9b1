"""`manage.py migrate_tenants`: public schema, template, then every tenant that is behind."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.core.management.commands import migrate
from django.db import connection

import tenants.postgresql
from tenants.models import Tenant
from tenants.postgresql.base import connection_of
from tenants.schemas import Migrator

DATABASE_SQL = Path(tenants.postgresql.__file__).parent / "database.sql"
ONE_AT_A_TIME = 0x6D69677261  # advisory lock


class Command(BaseCommand):
    """Migrates everything. A tenant whose migration fails is named at the end and does not stop the others."""

    help = "Migrates the public schema, the template and the tenants that are behind. Needs DATABASE_AS_OWNER=1."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.AS_OWNER:
            raise CommandError("run it as the owner of the schemas: DATABASE_AS_OWNER=1")
        connection_of("default").set_schema_to_public()
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s)", [ONE_AT_A_TIME])
            cursor.execute(DATABASE_SQL.read_text())
        call_command(migrate.Command(), verbosity=0, interactive=False, skip_checks=True)
        migrator = Migrator()
        migrator.make_template()
        self._migrate_tenants(migrator)

    def _migrate_tenants(self, migrator: Migrator) -> None:
        there = Tenant.objects.exclude(status=Tenant.Status.CLOSED)
        names = list(there.order_by("created_at").values_list("schema_name", flat=True))
        behind, failed = migrator.behind(names), []
        for schema in behind:
            try:
                migrator.migrate(schema)
            except Exception as error:
                failed.append(schema.name)
                self.stderr.write(f"{schema.name}: {type(error).__name__}: {error}")
        self.stdout.write(f"{len(names)} tenants, {len(behind)} behind, {len(behind) - len(failed)} migrated")
        if failed:
            raise CommandError(f"{len(failed)} tenants were not migrated: {', '.join(failed)}")
