"""A tenant that floods, as its neighbour feels it."""

from bench import noisy
from bench.load import SOURCES, build
from bench.measure import Bench, Figures
from bench.report import Goal, Row, grid, text

TITLE = "A noisy tenant"

HOW = f"""\
A tenant says {noisy.PACE:g} messages a second, in turn alone, beside a program that burns a core, and beside a tenant that does
{noisy.TIMES} times what it may: it may send {noisy.MESSAGES} messages, read {noisy.HISTORY} pages of history, open
{noisy.HELLOS} sockets and make {noisy.REQUESTS} requests of the API in a second. All of it goes to one server process. The
latency is from a send to its delivery; p99 is the median of the turns. A turn in which the neighbour is refused anything gives no
figure. The flood, and the program that burns, have one core and of it only what nobody else wants. What the server does meanwhile
is in the column CPU, in percent of a core.
"""


def measure(bench: Bench) -> Figures:
    """One neighbour, alone and beside the flood."""
    seconds, rounds = (6.0, noisy.ROUNDS) if bench.plan.shrink == 1 else (3.0, 1)
    flood = build(bench.load.parent, SOURCES.with_name("flood"))
    found = noisy.measure(bench.services, load=bench.load, flood=flood, seconds=seconds, rounds=rounds)
    p99 = {name: part.p99 for name, part in found.parts.items()}
    print("  p99 " + ", ".join(f"{text(ms)} ms {name}" for name, ms in p99.items()), flush=True)
    ratio = Row(
        "p99 beside a tenant that floods, as a multiple of p99 alone",
        "times",
        p99[noisy.FLOOD] / p99[noisy.ALONE],
        goal=Goal("at_most", 1.1),
    )
    machine = Row("p99 beside a busy core, as a multiple of p99 alone", "times", p99[noisy.BUSY] / p99[noisy.ALONE])
    return Figures([ratio, machine], f"{_neighbour(found)}\n\n{_flood(found)}")


def _neighbour(found: noisy.Noise) -> str:
    head = ("neighbour", "p50 ms", "p99 ms", "p99 ms, each turn", "server's CPU %")
    lines = [
        [name, text(part.p50), text(part.p99), ", ".join(text(run.p99_ms) for run in part.runs), _mean(part.cpu)]
        for name, part in found.parts.items()
    ]
    return grid(head, lines, numbers=(1, 2, 4))


def _flood(found: noisy.Noise) -> str:
    names = {
        "said": "frames said",
        "held": "not said, since the server did not read",
        "taken": "messages stored",
        "pages": "pages of history read",
        "refused": "frames refused",
        "visits": "sockets opened and closed",
        "asked": "requests made",
        "answered": "requests answered",
        "put_off": "requests refused",
    }
    lines = [
        [words, text(sum(one[name] for one in found.floods) / len(found.floods) / found.seconds)] for name, words in names.items()
    ]
    return grid(("the flood", "a second"), lines, numbers=(1,))


def _mean(figures: list[float]) -> str:
    return text(sum(figures) / len(figures))
