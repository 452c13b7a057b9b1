"""A tenant that floods, as its neighbour feels it."""

from bench import noisy
from bench.measure import Bench, Figures
from bench.report import Goal, Row, grid, text

TITLE = "A noisy tenant"

HOW = f"""\
A tenant says {noisy.PACE:g} messages a second, alone and then beside a tenant that sends {noisy.TIMES} times its quota of
{noisy.QUOTA} messages a second, reads history, and opens and closes sockets. Both are on one server process. The latency is
from a send to its `ack`. The flood is a program on the same machine: it is kept to one core and gives way there to everything
else. What the server does for it is in the column CPU, in percent of a core.
"""


def measure(bench: Bench) -> Figures:
    """One neighbour, alone and beside the flood."""
    found = noisy.measure(bench.services, seconds=noisy.SECONDS if bench.plan.shrink == 1 else 4.0)
    print(f"  p99 {text(found['alone_p99'])} ms alone, {text(found['beside_p99'])} ms beside the flood", flush=True)
    ratio = Row(
        "p99 beside a tenant that floods, as a multiple of p99 alone", "times", found["p99_ratio"], goal=Goal("at_most", 1.1)
    )
    errors = Row("messages refused to the neighbour", "messages", found["errors"], goal=Goal("at_most", 0))
    head = ("neighbour", "p50 ms", "p99 ms", "server's CPU %")
    lines = [[part, *(text(found[f"{part}_{what}"]) for what in ("p50", "p99", "cpu"))] for part in ("alone", "beside")]
    return Figures([ratio, errors], grid(head, lines, numbers=(1, 2, 3)))
