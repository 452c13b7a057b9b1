"""Migrating tenants' schemas: which of them are behind is one question to the database, and only those are touched.

Runs as porch_owner. The migration graph is loaded once for all schemas, and the models before a migration once for all schemas
that stand at the same point.
"""

from dataclasses import dataclass

from django.apps import apps
from django.conf import settings
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.state import ProjectState
from psycopg.errors import LockNotAvailable

from tenants.postgresql.base import connection_of

TEMPLATE = "t_template"  # migrated before any tenant, and dumped as what a new tenant starts with
LOCK_TIMEOUT = "3s"  # a migration that waits for a lock makes everybody else wait behind it
TRIES = 5

Key = tuple[str, str]  # app, migration


@dataclass(frozen=True, slots=True)
class Schema:
    """A schema and the migrations that it has had."""

    name: str
    applied: frozenset[Key]


class Migrator:
    """Brings schemas to the newest migrations of the tenant apps, over the given alias."""

    def __init__(self, alias: str = "default") -> None:
        self.connection = connection_of(alias)
        self.connection.set_schema_to_public()
        self._executor = MigrationExecutor(self.connection)
        labels = {config.label for config in apps.get_app_configs() if config.name in settings.TENANT_APPS}
        self.targets = [key for key in self._executor.loader.graph.leaf_nodes() if key[0] in labels]
        self._expected = frozenset(key for key in self._executor.loader.graph.nodes if key[0] in labels)
        self._states: dict[frozenset[Key], ProjectState] = {}

    @property
    def known(self) -> frozenset[str]:
        """Every migration of the tenant apps, as app.name."""
        return frozenset(f"{app}.{name}" for app, name in self._expected)

    def behind(self, names: list[str]) -> list[Schema]:
        """Those of the schemas that lack a migration. One that does not exist lacks all of them."""
        return [schema for schema in self.standing(names) if self._expected - schema.applied]

    def standing(self, names: list[str]) -> list[Schema]:
        """The schemas with what each has had, in the order of their names here: one question for all."""
        with self.connection.cursor() as cursor:
            cursor.execute("SELECT schema, applied FROM public.migrations_of(%s)", [names])
            found: dict[str, list[str]] = dict(cursor.fetchall())
        return [Schema(name, frozenset(map(_key, found.get(name, ())))) for name in names]

    def newest(self, schema: Schema) -> str:
        """The last migration of each app that a schema has had, for people."""
        last: dict[str, str] = {}
        for app, name in sorted(schema.applied & self._expected):
            last[app] = name
        return ", ".join(f"{app} {name}" for app, name in last.items()) or "nothing"

    def migrate(self, schema: Schema) -> None:
        """Apply what the schema lacks, each migration in a transaction of its own. Raises what the migration raises."""
        for attempt in range(1, TRIES + 1):
            try:
                return self._migrate(schema)
            except Exception as error:
                if attempt == TRIES or not isinstance(error.__cause__, LockNotAvailable):
                    raise
                [schema] = self.behind([schema.name])
        return None

    def make_template(self) -> None:
        """Make and migrate the schema that new tenants are copied from."""
        with self.connection.cursor() as cursor:
            cursor.execute(f"CREATE SCHEMA IF NOT EXISTS {TEMPLATE}")
        for schema in self.behind([TEMPLATE]):
            self.migrate(schema)

    def _migrate(self, schema: Schema) -> None:
        self.connection.set_schema(schema.name, include_public=False)  # nothing may resolve to a table of the platform
        try:
            with self.connection.cursor() as cursor:
                cursor.execute(f"SET lock_timeout = '{LOCK_TIMEOUT}'")
            loader = self._executor.loader
            loader.applied_migrations = {key: loader.graph.nodes[key] for key in schema.applied if key in loader.graph.nodes}
            plan = self._executor.migration_plan(self.targets)
            self._executor.recorder.ensure_schema()
            self._executor.migrate(self.targets, plan=plan, state=self._state(schema.applied))
        finally:
            self.connection.set_schema_to_public()

    def _state(self, applied: frozenset[Key]) -> ProjectState:
        """The models as the schema has them; a copy, since the migrations change it."""
        if applied not in self._states:
            self._states[applied] = self._executor._create_project_state(with_applied_migrations=True)  # type: ignore[attr-defined]
        return self._states[applied].clone()


def _key(said: str) -> Key:
    app, _, name = said.partition(".")
    return app, name
