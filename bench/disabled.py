"""How soon somebody who is disabled is out, on another process than the one that was asked."""

import json
import re
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from statistics import median

import httpx
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

from bench import ours
from bench.load import CannotMeasure, Target
from bench.measure import Bench, Figures
from bench.report import Goal, Row, grid, text
from bench.services import run
from chat.realtime.protocol.codes import SUBPROTOCOL, VERSION, Close

TITLE = "Out at once"
SLUG = "disabled"
AGENTS, TABS, FIRST = 40, 5, 3  # FIRST of them are not counted: they warm the processes up
PATIENCE = 30.0  # seconds
HIDDEN = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)"')

HOW = f"""\
Two server processes. Each of {AGENTS} agents has the inbox open in {TABS} tabs on one of them, and the owner disables one after
the other in the console of the other process. The time is from the first byte of the form that is sent there until the last of
the tabs has been closed with {Close.REVOKED}.
"""


def measure(bench: Bench) -> Figures:
    """One agent after the other."""
    count = FIRST + AGENTS // bench.plan.shrink
    ours.collect_static(bench.services)
    made = json.loads(run(["-m", "bench.disabled_seed", SLUG, str(count)], bench.services.ours))
    with ours.serve(bench.services, processes=2, host=SLUG) as side, _console(side.target, made["cookie"]) as console:
        taken = [_taken(side.target, console, **agent) for agent in made["agents"]][FIRST:]
    print(f"  {len(taken)} agents out, the slowest in {max(taken):.0f} ms", flush=True)
    row = Row(
        "a disabled agent's last tab closed, on another process, the slowest", "ms", max(taken), goal=Goal("at_most", 1_000)
    )
    cells = [str(len(taken)), text(median(taken)), text(max(taken))]
    return Figures([row], grid(("agents", "p50 ms", "most ms"), [cells], numbers=(0, 1, 2)))


@contextmanager
def _console(target: Target, cookie: str) -> Iterator[httpx.Client]:
    """The owner's browser, at the first process."""
    name, _, value = cookie.partition("=")
    address, host = f"http://127.0.0.1:{target.ports[0]}", {"Host": target.host}
    with httpx.Client(base_url=address, headers=host, cookies={name: value}, timeout=PATIENCE) as client:
        yield client


def _taken(target: Target, console: httpx.Client, *, member: str, ticket: str) -> float:
    """Milliseconds until the last tab of one agent is closed."""
    path = f"/people/{member}/disable/"
    with ExitStack() as tabs, ThreadPoolExecutor(TABS) as waiting:
        opened = [tabs.enter_context(_tab(target, ticket)) for _ in range(TABS)]
        form = dict(HIDDEN.findall(console.get(path).text))
        ends = [waiting.submit(_end, tab) for tab in opened]
        began = time.perf_counter()
        answer = console.post(path, data=form)
        if answer.status_code != httpx.codes.FOUND:
            raise CannotMeasure(f"{path} answered {answer.status_code}")
        return (max(end.result() for end in ends) - began) * 1000


@contextmanager
def _tab(target: Target, ticket: str) -> Iterator[ClientConnection]:
    """An inbox at the second process, welcomed."""
    way = socket.create_connection(("127.0.0.1", target.ports[1]), timeout=PATIENCE)
    address, origin, protocols = f"ws://{target.host}/ws/agent/", Origin(f"http://{target.host}"), [Subprotocol(SUBPROTOCOL)]
    with connect(address, sock=way, origin=origin, subprotocols=protocols, open_timeout=PATIENCE) as tab:
        tab.send(json.dumps({"t": "hello", "v": VERSION, "token": ticket}))
        while ours.WELCOME not in str(tab.recv(timeout=PATIENCE)):
            pass
        yield tab


def _end(tab: ClientConnection) -> float:
    """The moment at which the server closed it."""
    try:
        while True:
            tab.recv(timeout=PATIENCE)
    except ConnectionClosed as closed:
        ended = time.perf_counter()
        if closed.rcvd is None or closed.rcvd.code != Close.REVOKED:
            raise CannotMeasure(f"a tab ended otherwise: {closed}") from None
        return ended
    except TimeoutError:
        raise CannotMeasure(f"a tab is still open after {PATIENCE:g} s") from None
