"""Reading at the door, many at once: what `run_in_tenant` does for one call, for all that came during the last hop.

A crowd that opens its sockets asks the same few things. Each hop to a thread takes a connection, becomes the tenant and gives the
connection back; here one hop does it for up to `MOST` calls of a tenant, one after the other. Each has its own result or error.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, ParamSpec, TypeVar
from weakref import WeakKeyDictionary

from saas.core.errors import Busy
from saas.core.fairpool import MOST_WAITING
from tenants.context import TenantRef, evaluated, in_tenant, run_for_tenant

P = ParamSpec("P")
R = TypeVar("R")

MOST: Final = 32  # calls in one hop
HOPS: Final = 2  # of one tenant at a time: a slow call holds up those beside it, not all that follow

Call = Callable[[], Any]
Result = tuple[Any, Exception | None]


async def read_in_tenant(tenant: TenantRef, fn: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
    """Call `fn`, which reads and locks nothing, inside the tenant; its result, evaluated.

    Other calls may run before and after it in the same hop. Raises what `fn` raises, and `TypeError` if the result is lazy.
    """
    waiting = _reads.setdefault(asyncio.get_running_loop(), {})
    queue = waiting.get(tenant)
    if queue is None:
        queue = waiting[tenant] = _Queue(tenant, waiting)
    result: R = await queue.add(partial(fn, *args, **kwargs))
    return result


@dataclass(slots=True)
class _Queue:
    """What waits to be read of one tenant."""

    tenant: TenantRef
    among: "dict[TenantRef, _Queue]"
    waiting: deque[tuple[Call, asyncio.Future[Any]]] = field(default_factory=deque)
    hops: set[asyncio.Task[None]] = field(default_factory=set)

    def add(self, call: Call) -> "asyncio.Future[Any]":
        if len(self.waiting) >= MOST_WAITING:
            raise Busy("Too much is waiting for the database.", retry_after=1.0)
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()
        self.waiting.append((call, future))
        if len(self.hops) < HOPS:
            hop = loop.create_task(self._hop(), name="read")
            self.hops.add(hop)
            hop.add_done_callback(self._done)
        return future

    def _done(self, hop: asyncio.Task[None]) -> None:
        self.hops.discard(hop)
        if not self.hops and not self.waiting:
            self.among.pop(self.tenant, None)

    async def _hop(self) -> None:
        while self.waiting:
            taken = [self.waiting.popleft() for _ in range(min(MOST, len(self.waiting)))]
            wanted = [(call, future) for call, future in taken if not future.done()]  # nobody waits for the others any more
            try:
                results = await run_for_tenant(self.tenant, _read_all, self.tenant, [call for call, _ in wanted])
            except Exception as error:
                results = [(None, error)] * len(wanted)
            for (_, future), (value, failure) in zip(wanted, results, strict=True):
                _answer(future, value, failure)


def _answer(future: "asyncio.Future[Any]", value: Any, failure: Exception | None) -> None:
    if future.done():
        return
    if failure is None:
        future.set_result(value)
    else:
        future.set_exception(failure)


def _read_all(tenant: TenantRef, calls: list[Call]) -> list[Result]:
    with in_tenant(tenant):
        return [_read(call) for call in calls]


def _read(call: Call) -> Result:
    try:
        return evaluated(call()), None
    except Exception as error:
        return None, error


_reads: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[TenantRef, _Queue]] = WeakKeyDictionary()
