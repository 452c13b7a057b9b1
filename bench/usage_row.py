"""What the usage row costs a message: the schema's `append` as it is, beside a copy of it that counts nothing."""

import json
from statistics import median

import psycopg
from psycopg import sql

from bench import ours
from bench.measure import Bench
from bench.report import Goal, Row
from bench.services import run

FLUSH, TIMES = 128, 400  # messages of one flush, and how often each kind of flush
UNCOUNTED = {
    "PERFORM public.record_usage('message', ids, moment);": "",
    "SELECT public.record_usage('message', array_agg(n.new_id), moment)": "SELECT count(*)",
}
HOW = f"""\
One connection calls `append` in a transaction of its own, {TIMES} times with one message and {TIMES} times with {FLUSH} messages
of as many rooms, as the journal does; in turn with a copy of the function that writes no usage row. The figures are the medians
of what the one took longer than the other right beside it, for one message, commit included.
"""


def rows(bench: Bench) -> list[Row]:
    """What one message costs more than without its usage row, alone and in a flush of many."""
    (tenant,) = ours.Tenant.seeded(bench.services, [{"slug": "usage-row", "visitors": FLUSH, "support": FLUSH}])
    _copy_without_counting(bench.services.superuser_url, tenant.schema)
    words = ["-m", "bench.usage_row_times", tenant.schema, str(FLUSH), str(max(20, TIMES // bench.plan.shrink))]
    taken: dict[str, list[float]] = json.loads(run(words, bench.services.ours))
    alone, flushed = _more(taken, "alone"), _more(taken, "flush") / FLUSH
    whole, part = median(taken["alone"]), median(taken["flush"]) / FLUSH
    return [
        Row(f"usage row of a message alone, of {whole:.2f} ms", "ms", alone, goal=Goal("at_most", 0.3)),
        Row(f"usage row of a message in a flush of {FLUSH}, of {part:.3f} ms", "ms", flushed, goal=Goal("at_most", 0.02)),
    ]


def _more(taken: dict[str, list[float]], size: str) -> float:
    """How much longer it takes to count, pair by pair: what else the machine does meets both of a pair alike."""
    pairs = zip(taken[size], taken[f"{size}, not counted"], strict=True)
    return median(counted - uncounted for counted, uncounted in pairs)


def _copy_without_counting(url: str, schema: str) -> None:
    """`append_uncounted` of a schema: `append` without the calls that count."""
    with psycopg.connect(url, autocommit=True) as connection:
        found = connection.execute(
            "SELECT pg_get_functiondef(p.oid) FROM pg_proc p WHERE p.proname = 'append' AND p.pronamespace = %s::regnamespace",
            [schema],
        ).fetchone()
        assert found is not None
        body = found[0].replace(f"{schema}.append(", f"{schema}.append_uncounted(")
        for call, nothing in UNCOUNTED.items():
            assert call in body, f"append has no {call!r} any more"
            body = body.replace(call, nothing)
        connection.execute(sql.SQL(body))
        connection.execute(sql.SQL("GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA {} TO porch_tenant").format(sql.Identifier(schema)))
