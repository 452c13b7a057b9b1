"""`manage.py backup_tenant`: archives of tenants, while their people go on writing."""

import argparse
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from tenants.archive import back_up
from tenants.management.owner import need_owner
from tenants.models import Tenant
from tenants.postgresql.base import connection_of
from tenants.resolve import ref


class Command(BaseCommand):
    """Writes one archive for each tenant that is named. One that fails is named at the end and does not stop the others."""

    help = "Writes archives of tenants into a folder. Needs DATABASE_AS_OWNER=1 and pg_dump."
    requires_system_checks = ()

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("slugs", nargs="*", metavar="SLUG", help="tenants")
        parser.add_argument("--all", action="store_true", help="all tenants that are not closed")
        parser.add_argument("--to", type=Path, default=Path(), metavar="FOLDER", help="where the archives go (this folder)")

    def handle(self, *args: Any, **options: Any) -> None:
        need_owner()
        if not options["to"].is_dir():
            raise CommandError(f"{options['to']} is not a folder")
        connection_of("default").set_schema_to_public()
        failed = [tenant.slug for tenant in self._chosen(options) if not self._back_up(tenant, options["to"])]
        if failed:
            raise CommandError(f"no archive of {', '.join(failed)}")

    def _chosen(self, options: dict[str, Any]) -> list[Tenant]:
        there = Tenant.objects.exclude(status=Tenant.Status.CLOSED).order_by("slug")
        chosen = list(there if options["all"] else there.filter(slug__in=options["slugs"]))
        if missing := set(options["slugs"]) - {tenant.slug for tenant in chosen}:
            raise CommandError(f"there is no tenant {', '.join(sorted(missing))}")
        if not chosen:
            raise CommandError("name the tenants, or say --all")
        return chosen

    def _back_up(self, tenant: Tenant, folder: Path) -> bool:
        path = folder / f"{tenant.slug}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.tar"
        try:
            manifest = back_up(ref(tenant), path)
        except Exception as error:  # the others shall have their archives, whatever it is
            self.stderr.write(f"{tenant.slug}: {type(error).__name__}: {error}")
            return False
        rows = sum(table.rows for table in manifest.tables.values())
        held = f"{rows} rows, {len(manifest.files)} files, {path.stat().st_size} bytes"
        self.stdout.write(f"{path}: {held}, as of {manifest.made_at}")
        return True
