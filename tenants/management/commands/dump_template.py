"""`manage.py dump_template`: write the migrated template as the script that makes a tenant's schema."""

import re
import subprocess
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from saas.core.database import NoProgram, environment, program
from tenants.provisioning import PLACEHOLDER, TEMPLATE_SQL, at_schema
from tenants.schemas import TEMPLATE

# Outside of function bodies: the dump's own comments, psql's commands, and settings, which must end with the transaction.
NOISE = re.compile(r"^(--.*|\\(un)?restrict .*|SET \w+_timeout = .*)?\n", re.MULTILINE)
SETTING = re.compile(r"^SET (?=\w+ = )", re.MULTILINE)
BODY = re.compile(r"(\$\w*\$).*?\1", re.DOTALL)
HEADER = "-- The schema of a new tenant. Made from the migrations by `python -m saas.up.database template`; do not edit.\n"


class Command(BaseCommand):
    """Dumps the schema that `migrate_tenants` keeps for this."""

    help = "Writes tenants/postgresql/template.sql from the migrated template schema. Needs DATABASE_AS_OWNER=1 and pg_dump."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.AS_OWNER:
            raise CommandError("run it as the owner of the schemas: DATABASE_AS_OWNER=1")
        try:
            pg_dump = program("pg_dump")
        except NoProgram as error:
            raise CommandError(str(error)) from None
        words = [pg_dump, f"--schema={TEMPLATE}", "--schema-only", "--no-owner", "--no-privileges"]
        dumped = subprocess.run(words, env=environment("default"), capture_output=True, text=True, check=False)  # noqa: S603 (no shell, our own words)
        if dumped.returncode:
            raise CommandError(dumped.stderr)
        script = HEADER + _as_script(dumped.stdout) + _applied_migrations()
        try:
            at_schema(script)
        except ValueError as error:  # no tenant could be made from it
            raise CommandError(str(error)) from None
        TEMPLATE_SQL.write_text(script)


def _as_script(dump: str) -> str:
    """The dump as statements for one transaction, with the placeholder for the schema's name; function bodies as they are."""
    parts, end = [], 0
    for body in BODY.finditer(dump):
        parts += [_clean(dump[end : body.start()]), body.group()]
        end = body.end()
    script = "".join([*parts, _clean(dump[end:])])
    return re.sub(rf"\b{TEMPLATE}\b", PLACEHOLDER, script)


def _clean(statements: str) -> str:
    local = SETTING.sub("SET LOCAL ", NOISE.sub("", statements))
    return local.replace("set_config('search_path', '', false)", "set_config('search_path', '', true)")


def _applied_migrations() -> str:
    """A new tenant has had every migration that the template has had."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT app, name FROM {TEMPLATE}.django_migrations ORDER BY app, name")  # noqa: S608 (a constant)
        rows = ",\n".join(f"    ('{app}', '{name}', now())" for app, name in cursor.fetchall())
    return f"INSERT INTO {PLACEHOLDER}.django_migrations (app, name, applied) VALUES\n{rows};\n"
