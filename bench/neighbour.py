"""A tenant that floods, as its neighbour feels it."""

import contextlib
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from bench import cores, noisy
from bench.load import SOURCES, build
from bench.measure import Bench, Figures
from bench.report import Goal, Row, grid, text
from bench.services import Services, services

TITLE = "A noisy tenant"

MEMORY, ROOM = Path("/dev/shm"), 1 << 30  # where files are memory, and the bytes that must be free there
SECONDS = 3.0  # of each turn

HOW = f"""\
A tenant says {noisy.PACE:g} messages a second, in turn alone, beside a program that burns a core, beside a tenant that does
{noisy.TIMES} times what it may, and beside the same one while it does just that: it may send {noisy.MESSAGES} messages, read
{noisy.HISTORY} pages of history, open {noisy.HELLOS} sockets and make {noisy.REQUESTS} requests of the API in a second. All of it
goes to one installation with two server processes, as each deployment of ours has them: one for the sockets, one for HTTP; rows
apart say what the flood does where one process serves both. The latency is from a send to its delivery. A turn in which the
neighbour is refused anything gives no figure. What the process of the sockets does meanwhile is in the column CPU, in percent of
a core.

Two cores and a disk carry all of it, and what they do to a message must not be taken for what the server does. So

- there are {noisy.ROUNDS} rounds of five turns of {SECONDS:g} s each, and p99 is the median of the turns: a bad moment
  of the machine spoils one turn, and comes to all kinds alike. Before each turn {noisy.LEAD:g} s are not counted;
- the server, its PostgreSQL and its Redis, all their processes and threads, and the neighbour's client run at real-time
  priority (`SCHED_RR`): whatever else wants a core waits for them. The flood, and the program that burns, have one core and
  of it only what nobody else wants (`SCHED_IDLE`);
- the flood comes from a program on this same machine, as no flood does that anybody has: what its being busy takes from a
  neighbour is not the server's doing, and is what the program that burns takes, too;
- the database's files are in memory (`{MEMORY}`), in a cluster of this section's own: `synchronous_commit` is on as always,
  but how long a disk takes is not in it.

A tenant that does what it may is served by the process that serves its neighbour, and is felt there. The target is to the
neighbour alone, where sockets and HTTP have a process each; the other rows say how far each company is from another, and so how
much of it the machine does by itself.

Where there are no rights or no room for one of these it is measured without, and the page says so.
"""


def measure(bench: Bench) -> Figures:
    """One neighbour, alone and beside the flood."""
    seconds, rounds = (SECONDS, noisy.ROUNDS) if bench.plan.shrink == 1 else (SECONDS, 1)
    flood = build(bench.load.parent, SOURCES.with_name("flood"))
    with cores.first() as is_first, _services(bench) as running:
        if not is_first:
            bench.note(f"{TITLE}: no right to real-time priority here; the cores were shared with whatever else ran")
        found = noisy.measure(running, load=bench.load, flood=flood, seconds=seconds, rounds=rounds)
    p99 = {name: part.p99 for name, part in found.parts.items()}
    print("  p99 " + ", ".join(f"{text(ms)} ms {name}" for name, ms in p99.items()), flush=True)
    asked = [
        _row(p99, noisy.FLOOD, noisy.ALONE, goal=Goal("at_most", 1.1)),
        _row(p99, noisy.FLOOD, noisy.BUSY),
        _row(p99, noisy.FLOOD, noisy.MODEST),
        _row(p99, noisy.MODEST, noisy.BUSY),
        _row(p99, noisy.BUSY, noisy.ALONE),
        _row(p99, noisy.ONE_PROCESS, noisy.ALONE),
        _row(p99, noisy.ONE_PROCESS, noisy.MODEST),
    ]
    return Figures(asked, f"{_neighbour(found)}\n\n{_flood(found)}")


def _row(p99: Mapping[str, float], company: str, other: str, goal: Goal | None = None) -> Row:
    """How much worse the neighbour has it in one company than in another."""
    return Row(f"p99 {company}, as a multiple of p99 {other}", "times", p99[company] / p99[other], goal=goal)


@contextlib.contextmanager
def _services(bench: Bench) -> Iterator[Services]:
    """Some of this section's own, with their files in memory; where that has no room, those of all sections."""
    if not MEMORY.is_dir() or shutil.disk_usage(MEMORY).free < ROOM:
        bench.note(f"{TITLE}: {MEMORY} has no room for a database; its files were on the disk")
        yield bench.services
        return
    with tempfile.TemporaryDirectory(prefix="porchlight-bench-", dir=MEMORY) as folder:
        Path(folder).chmod(0o755)  # as root, PostgreSQL's account must enter it
        with services(Path(folder)) as own:
            yield own


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
