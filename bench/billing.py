"""How fast usage reaches Stripe, and what counting costs."""

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench import usage_row
from bench.load import CannotMeasure
from bench.measure import Bench, Figures
from bench.report import Goal, Row, grid, text
from bench.services import run
from saas.up.processes import free_port
from saas.up.stripe import Access, NoStandIn, StandIn

TITLE = "Billing"
TENANTS, HOURS, EACH = 1_000, 72, 3

HOW = f"""\
{TENANTS:,} tenants that pay, each with {EACH} messages in each of {HOURS} hours that nobody has reported yet. *Frozen* is the
time in which they become {TENANTS * HOURS:,} batches. *Drained* is the time in which one sender tells all of them to the stand-in
for Stripe, by the real SDK over HTTP, one call at a time for each tenant and meter, and writes down what became of each; the
stand-in checks every request and runs on the same machine. At the end its sums must be the number of messages of every tenant.

The usage row of a message: {usage_row.HOW}"""


def measure(bench: Bench) -> Figures:
    """Frozen, drained, compared; then single rows."""
    tenants = TENANTS // bench.plan.shrink
    print(f"  writing {tenants * HOURS * EACH:,} usage events of {tenants:,} tenants", flush=True)
    with _stand_in() as environment:
        words = ["-m", "bench.billing_work", str(tenants), str(HOURS), str(EACH)]
        found: dict[str, Any] = json.loads(run(words, bench.services.ours | environment))
    if found["wrong"]:
        raise CannotMeasure(f"Stripe's sums of {found['wrong']} tenants are wrong")
    batches, seconds = found["batches"], found["drain_seconds"]
    print(f"  {batches:,} batches frozen in {found['freeze_seconds']:.1f} s, drained in {seconds:.0f} s", flush=True)
    return Figures([*_rows(found, batches / seconds), *usage_row.rows(bench)], _runs(found))


def _rows(found: dict[str, Any], rate: float) -> list[Row]:
    whole = TENANTS * HOURS
    return [
        Row(f"{whole:,} batches drained", "s", whole / rate, goal=Goal("at_most", 300)),
        Row("batches drained", "1/s", rate),
        Row("staff overview, read", "ms", found["overview_ms"], goal=Goal("at_most", 300)),
    ]


def _runs(found: dict[str, Any]) -> str:
    names = {
        "batches": "batches",
        "freeze_seconds": "frozen, s",
        "idle_freeze_seconds": "frozen again with nothing new, s",
        "drain_seconds": "drained, s",
        "sender_cpu_seconds": "of it CPU time of the sender, s",
        "overview_ms": "staff overview, ms",
        "overview_queries": "staff overview, queries",
    }
    return grid(("what", "figure"), [[name, text(float(found[key]))] for key, name in names.items()], numbers=(1,))


@contextlib.contextmanager
def _stand_in() -> Iterator[dict[str, str]]:
    """The stand-in for Stripe until the block ends, and the settings that lead to it."""
    with TemporaryDirectory(prefix="porchlight-stripe-") as folder:
        access = Access(free_port(), "sk_test_bench", "whsec_bench", "whsec_bench_thin", Path(folder) / "clock")
        child = StandIn(access, Path(folder) / "log")
        child.start()
        try:
            child.wait()
            yield access.environment()
        except NoStandIn as error:
            raise CannotMeasure(str(error)) from None
        finally:
            child.stop()
