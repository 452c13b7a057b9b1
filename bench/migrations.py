"""A migration of very many tenants, and how long a new one takes to make."""

import json
import time
from statistics import median, quantiles

import psycopg
from psycopg import sql

from bench.load import CannotMeasure
from bench.measure import Bench, Figures
from bench.processes import ROOT
from bench.report import Goal, Row, grid, text
from bench.services import Services, run

TITLE = "Many tenants"
TENANTS = 1_000
FROM = "0015_last_minute"  # the first of the migrations that are done again: it rewrites a table and makes an index
SCHEMAS = "SELECT schema_name FROM tenants_tenant WHERE status <> 'closed'"

HOW = f"""\
{TENANTS:,} tenants are made one after the other, as sign-up does it, each with its schema, its role and its first site. Then the
last migrations are taken out of every schema, and `manage.py migrate_tenants` puts them back: it asks once which are behind, and
migrates them with a process for each core. After it, `--list` must name none.
"""


def measure(bench: Bench) -> Figures:
    """Made, then migrated."""
    count = TENANTS // bench.plan.shrink
    print(f"  making {count:,} tenants", flush=True)
    made: list[float] = json.loads(run(["-m", "bench.found_tenants", str(count)], bench.services.ours))
    behind = _go_back(bench.services)
    start = time.perf_counter()
    said = _migrate(bench.services)
    seconds = time.perf_counter() - start
    if "behind:" in _migrate(bench.services, "--list"):
        raise CannotMeasure(f"not all were migrated: {said}")
    print(f"  {behind:,} migrated in {seconds:.1f} s; a new tenant takes {median(made):.0f} ms", flush=True)
    rows = [
        Row(f"{TENANTS:,} tenants migrated", "s", seconds / behind * TENANTS, goal=Goal("at_most", 60)),
        Row("a new tenant", "ms", median(made), goal=Goal("at_most", 150)),
    ]
    cells = [text(count), text(median(made)), text(quantiles(made, n=100)[98]), text(behind), text(seconds)]
    return Figures(rows, grid(("tenants made", "p50 ms", "p99 ms", "migrated", "in s"), [cells], numbers=range(5)))


def _go_back(services: Services) -> int:
    """Put each schema where it stood before its last migrations; how many there are."""
    with psycopg.connect(services.superuser_url, autocommit=True) as connection:
        schemas = [name for (name,) in connection.execute(SCHEMAS).fetchall()]
        for name in schemas:
            schema = sql.Identifier(name)
            connection.execute(sql.SQL("DELETE FROM {}.django_migrations WHERE app = 'chat' AND name >= {}").format(schema, FROM))
            connection.execute(sql.SQL("ALTER TABLE {}.chat_room DROP COLUMN last_minute").format(schema))
            connection.execute(sql.SQL("CREATE INDEX room_newest_first ON {}.chat_room (last_at)").format(schema))
    return len(schemas)


def _migrate(services: Services, *words: str) -> str:
    return run([str(ROOT / "manage.py"), "migrate_tenants", *words], services.ours | {"DATABASE_AS_OWNER": "1"})
