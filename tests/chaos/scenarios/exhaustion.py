"""A server that runs out of file descriptors."""

import asyncio
import resource
import socket
from contextlib import ExitStack
from pathlib import Path

from tests.chaos.scenarios.scenario import Scenario, until_over
from tests.chaos.setting import Setting
from tests.chaos.stage import Stage

DESCRIPTORS = 256
MORE = 60  # connections beyond that
SPARE = 8  # that come and go


async def descriptors_exhausted(run: Stage) -> None:
    """256 descriptors and more connections: old sockets are served, new ones wait or are refused, and then all is well."""
    worker = run.workers[0]
    _, most = resource.prlimit(worker.process.pid, resource.RLIMIT_NOFILE)
    held = 0
    async for _ in until_over(run):
        await run.pause(0.5, 1.0)
        began = run.clock()
        resource.prlimit(worker.process.pid, resource.RLIMIT_NOFILE, (DESCRIPTORS, most))
        with ExitStack() as stack:
            for _ in range(DESCRIPTORS + MORE):
                line = stack.enter_context(socket.socket())
                line.setblocking(False)
                line.connect_ex(("127.0.0.1", worker.port))
            run.kills += 1
            await run.recovered(began, [one for one in run.people if one.log.way == "socket"])  # those who were there are served
            await run.pause(1.0, 2.0)
            held = max(held, len(list(Path(f"/proc/{worker.process.pid}/fd").iterdir())))
        await run.recovered()
    run.figures["descriptors"] = held
    if held < DESCRIPTORS - SPARE:
        run.complaints.append(f"the server held only {held} descriptors: nothing was exhausted")
    if worker.process.poll() is not None:
        run.complaints.append("the server ended without descriptors")
    await asyncio.to_thread(worker.await_ready)


SCENARIOS = (Scenario("descriptors_exhausted", descriptors_exhausted, Setting(workers=1)),)
