"""`manage.py migrate_tenants`: public schema, template, then every tenant that is behind."""

import argparse
import os
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.core.management.commands import migrate
from django.db import connection

import tenants.postgresql
from tenants import one_at_a_time
from tenants.management.owner import need_owner
from tenants.migrating import Failed, late, migrate_all
from tenants.models import Tenant
from tenants.postgresql.base import connection_of
from tenants.schemas import TEMPLATE, Migrator

DATABASE_SQL = Path(tenants.postgresql.__file__).parent / "database.sql"


class Command(BaseCommand):
    """Migrates everything, several tenants at a time. One that fails is named at the end and does not stop the others.

    Tenants named by `--first` come before all others, and if one of them fails the others are left alone.
    """

    help = "Migrates the public schema, the template and the tenants that are behind. Needs DATABASE_AS_OWNER=1."
    requires_system_checks = ()

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        cores = os.cpu_count() or 1
        parser.add_argument("--jobs", type=_at_least_one, default=cores, metavar="N", help=f"processes at a time ({cores})")
        parser.add_argument("--first", nargs="*", default=settings.MIGRATE_FIRST, metavar="SLUG", help="tenants to try it on")
        parser.add_argument("--late", action="store_true", help="only tenants that an old process made since; the worker does it")
        parser.add_argument("--list", action="store_true", help="only say where the tenants stand")

    def handle(self, *args: Any, **options: Any) -> None:
        need_owner()
        connection_of("default").set_schema_to_public()
        if options["list"]:
            self._list(Migrator(), self._schemas())
            return
        if options["late"]:
            self._migrate_late(Migrator())
            return
        slugs = self._prepared()
        if unknown := set(options["first"]) - set(slugs.values()):
            raise CommandError(f"--first: there is no tenant {', '.join(sorted(unknown))}")
        self._migrate_tenants(Migrator(), slugs, set(options["first"]), options["jobs"])

    def _prepared(self) -> dict[str, str]:
        """The schemas of tenants with their slugs, once what comes before them is up to date."""
        one_at_a_time.be_alone(self._session(), say=self.stderr.write)
        with connection.cursor() as cursor:
            cursor.execute(DATABASE_SQL.read_text())
        call_command(migrate.Command(), verbosity=0, interactive=False, skip_checks=True)
        Migrator().make_template()
        return self._schemas()

    def _migrate_late(self, migrator: Migrator) -> None:
        """Those that were made during an upgrade, after it: neither before nor beside it, nor by the release that made them.

        Says nothing where there is none.
        """
        is_alone = one_at_a_time.be_alone_after_readers(self._session(), say=self.stderr.write)
        if not is_alone or migrator.behind([TEMPLATE]):
            return
        names = set(late(using="default"))
        if slugs := {name: slug for name, slug in self._schemas().items() if name in names}:
            self._migrate_tenants(migrator, slugs, set(), 1)

    def _session(self) -> one_at_a_time.Connection:
        """The connection of this command itself, which lives as long as it."""
        connection.ensure_connection()
        session: one_at_a_time.Connection = connection.connection
        return session

    def _schemas(self) -> dict[str, str]:
        there = Tenant.objects.exclude(status=Tenant.Status.CLOSED).order_by("created_at")
        return dict(there.values_list("schema_name", "slug"))

    def _migrate_tenants(self, migrator: Migrator, slugs: dict[str, str], first: set[str], jobs: int) -> None:
        behind = migrator.behind(list(slugs))
        rings = [[one for one in behind if (slugs[one.name] in first) is early] for early in (True, False)]
        failed: list[Failed] = []
        for ring, waiting in ((rings[0], len(rings[1])), (rings[1], 0)):
            failed += self._said(migrate_all(migrator, ring, jobs=jobs))
            if failed and waiting:
                names = ", ".join(one.schema for one in failed)
                raise CommandError(f"those to try it on failed: {names}; {waiting} others were left alone")
        self.stdout.write(f"{len(slugs)} tenants, {len(behind)} behind, {len(behind) - len(failed)} migrated")
        if failed:
            raise CommandError(f"{len(failed)} tenants were not migrated: {', '.join(one.schema for one in failed)}")

    def _said(self, failures: Iterable[Failed]) -> list[Failed]:
        found = []
        for failed in failures:
            found.append(failed)
            self.stderr.write(f"{failed.schema}: {failed.why}")
        return found

    def _list(self, migrator: Migrator, slugs: dict[str, str]) -> None:
        standing = migrator.standing(list(slugs))
        for newest, count in sorted(Counter(map(migrator.newest, standing)).items()):
            self.stdout.write(f"{count:>6} tenants at {newest}")
        for schema in migrator.behind(list(slugs)):
            self.stdout.write(f"behind: {slugs[schema.name]} ({schema.name}), at {migrator.newest(schema)}")


def _at_least_one(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of processes; 1 or more was expected")
    return int(text)
