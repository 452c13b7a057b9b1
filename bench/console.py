"""The console's pages, for a tenant as large as they must bear."""

import json
import time
from http.client import HTTPConnection
from statistics import median, quantiles

from bench import ours
from bench.load import CannotMeasure, Target
from bench.measure import Bench, Figures
from bench.report import Goal, Row, grid, text
from bench.services import run

TITLE = "Console"
ROOMS, PEOPLE, SITES, VISITORS, ACTS = 10_000, 200, 20, 5_000, 50_000
TIMES, FIRST = 30, 3  # measured requests of each page, after so many that warm the process up
OK = 200

HOW = f"""\
Every page of the console that can be looked at, in a tenant with {ROOMS:,} rooms, {PEOPLE} people,
{SITES} sites and {ACTS:,} acts in its audit log. Each page is asked for {TIMES} times over HTTP, by its
owner, one request after the other, from the first byte sent to the last one read. The goal is for the slowest page.
"""


def measure(bench: Bench) -> Figures:
    """Each page after the other."""
    shrink = bench.plan.shrink
    print(f"  making {ROOMS // shrink:,} rooms", flush=True)
    slug = "console"
    ours.collect_static(bench.services)
    made = json.loads(run(["-m", "bench.console_seed", slug, str(shrink)], bench.services.ours))
    with ours.serve(bench.services, host=slug) as side:
        asked = {name: path for name, path in made["pages"].items() if not path.endswith(".csv")}  # which are downloads
        times = {name: _timed(side.target, path, made["cookie"]) for name, path in asked.items()}
    pages = {name: taken for name, taken in times.items() if taken}
    if not pages:
        raise CannotMeasure("no page of the console answered")
    slowest = max(pages, key=lambda name: _p95(pages[name]))
    print(f"  {len(pages)} pages, the slowest is {slowest}: p95 {_p95(pages[slowest]):.0f} ms", flush=True)
    return Figures(_rows(pages), _runs(pages))


def _rows(pages: dict[str, list[float]]) -> list[Row]:
    high = [_p95(taken) for taken in pages.values()]
    return [
        Row("the console's slowest page, p95", "ms", max(high), goal=Goal("at_most", 300)),
        Row(f"the {len(pages)} pages of the console, median of their p95", "ms", median(high)),
    ]


def _runs(pages: dict[str, list[float]]) -> str:
    by_time = sorted(pages.items(), key=lambda item: -_p95(item[1]))
    cells = [[name, text(median(taken)), text(_p95(taken)), text(max(taken))] for name, taken in by_time]
    return grid(("page", "p50 ms", "p95 ms", "most ms"), cells, numbers=(1, 2, 3))


def _timed(target: Target, path: str, cookie: str) -> list[float]:
    """Milliseconds of each request; none for an address that is no page to look at, such as one that only takes forms."""
    connection = HTTPConnection("127.0.0.1", target.ports[0], timeout=30)
    taken = []
    try:
        for _ in range(FIRST + TIMES):
            began = time.perf_counter()
            connection.request("GET", path, headers={"Host": target.host, "Cookie": cookie})
            answer = connection.getresponse()
            answer.read()
            if answer.status >= 500:
                raise CannotMeasure(f"{path} answered {answer.status}")
            if answer.status != OK:
                return []
            taken.append((time.perf_counter() - began) * 1000)
    finally:
        connection.close()
    return taken[FIRST:]


def _p95(taken: list[float]) -> float:
    return quantiles(taken, n=20)[18]
