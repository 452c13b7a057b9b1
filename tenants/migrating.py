"""Many schemas brought up to date at once, by several processes. One that fails stops none of the others."""

import multiprocessing
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import cache
from typing import Final

import django
from django.db import connections

from tenants.schemas import TEMPLATE, Migrator, Schema

FEW: Final = 8  # schemas that are not worth the start of other processes
# Those that a process of the release before has made since `migrate_tenants` listed them all: as its own release has them. What
# the template in the database has had is what they lack. An upgrade takes less than a day.
LATE: Final = """
    WITH found AS (
        SELECT schema, applied FROM public.migrations_of(%(template)s::text || ARRAY(
            SELECT schema_name::text FROM public.tenants_tenant WHERE status <> 'closed' AND created_at > now() - interval '1 day'
        ))
    )
    SELECT one.schema FROM found one, found template
    WHERE template.schema = %(template)s AND NOT one.applied @> template.applied ORDER BY 1
"""


@dataclass(frozen=True, slots=True)
class Failed:
    """A schema that stands where it stood, and why."""

    schema: str
    why: str


def late(*, using: str) -> list[str]:
    """Schemas of tenants of the last day that lack what the template has: one question, over an alias of the owner's."""
    with connections[using].cursor() as cursor:
        cursor.execute(LATE, {"template": TEMPLATE})
        return [schema for (schema,) in cursor.fetchall()]


def migrate_all(migrator: Migrator, schemas: Sequence[Schema], *, jobs: int) -> Iterator[Failed]:
    """Migrate each of them; yields those that fail, as they fail. Which of them come first is not promised."""
    if jobs == 1 or len(schemas) <= FEW:
        outcomes = (_outcome(migrator, schema) for schema in schemas)
        yield from (failed for failed in outcomes if failed)
        return
    # New processes, not copies of this one: a connection must not be shared. Each sets Django up before it sees anything of ours.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=context, initializer=django.setup) as processes:
        running = {processes.submit(_migrate, schema): schema for schema in schemas}
        for done in as_completed(running):
            if failed := _of_process(done, running[done]):
                yield failed


def _of_process(done: "Future[Failed | None]", schema: Schema) -> Failed | None:
    try:
        return done.result()
    except Exception as error:  # the process is gone, and with it what it had begun
        return Failed(schema.name, f"{type(error).__name__}: {error}")


def _migrate(schema: Schema) -> Failed | None:
    return _outcome(_own_migrator(), schema)


@cache
def _own_migrator() -> Migrator:
    """This process's, which is one of several."""
    return Migrator()


def _outcome(migrator: Migrator, schema: Schema) -> Failed | None:
    try:
        migrator.migrate(schema)
    except Exception as error:
        return Failed(schema.name, f"{type(error).__name__}: {error}")
    return None
