"""`manage.py restore_tenant`: a tenant back from its archive."""

import argparse
from pathlib import Path
from typing import Any

import psycopg
from django.core.management.base import BaseCommand, CommandError

from saas.core.database import NoProgram
from tenants.archive import BadArchive, restore
from tenants.archive.people import Back
from tenants.management.owner import need_owner
from tenants.postgresql.base import connection_of


class Command(BaseCommand):
    """Restores one tenant. The archive is read whole and compared before anything is changed, and what fails later is undone."""

    help = "Restores a tenant from an archive of backup_tenant. Needs DATABASE_AS_OWNER=1 and pg_restore."
    requires_system_checks = ()

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("archive", type=Path)
        parser.add_argument(
            "--replace", action="store_true", help="also where the tenant is there; that one is kept beside, as ARCHIVE.replaced"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        need_owner()
        connection_of("default").set_schema_to_public()
        try:
            done = restore(options["archive"], replace=options["replace"])
        except (BadArchive, NoProgram, RuntimeError, OSError, psycopg.Error) as error:
            raise CommandError(f"{error}") from None
        kept = f"; what was there is in {done.kept}" if done.kept else ""
        rest = f"{done.back.rows} missing rows of its people and hosts, {done.files} files"
        self.stdout.write(f"{done.tenant.slug}: {done.rows} rows, {rest}{kept}")
        if done.back.stood:
            self._name(done.back)

    def _name(self, back: Back) -> None:
        """Who and what may have been taken away on purpose since."""
        how = "disabled until an owner enables them" if back.disabled else "as they were, since it had no owner"
        if members := [f"{one.name} <{one.email}> ({one.role})" for one in back.members]:
            self.stdout.write(f"Back among its members, {how}: {', '.join(members)}")
        if back.hosts:
            self.stdout.write(f"Back among its hosts: {', '.join(back.hosts)}")
