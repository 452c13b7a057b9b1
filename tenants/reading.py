"""Reading at the door, many at once: what `run_in_tenant` does for one call, for all that came during the last hop.

A crowd that opens its sockets asks the same few things. Each hop to a thread takes a connection, becomes the tenant and gives the
connection back; here one hop does it for up to `MOST` calls of a tenant, one after the other. Each has its own result or error.
What is asked by `read_together` is even answered by one call for all of them.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, ParamSpec, TypeVar
from weakref import WeakKeyDictionary

from saas.core.errors import Busy
from saas.core.fairpool import MOST_WAITING
from saas.core.logs import apart
from tenants.context import TenantRef, evaluated, in_tenant, run_for_tenant

P = ParamSpec("P")
R = TypeVar("R")
Q = TypeVar("Q")

MOST: Final = 32  # calls in one hop
HOPS: Final = 2  # of one tenant at a time: a slow call holds up those beside it, not all that follow
ENOUGH: Final = 24  # calls that are worth a second hop; fewer wait for the first, since a hop costs as much as many calls
PATIENCE: Final = 0.01  # seconds that they wait for it

Result = tuple[Any, Exception | None]


@dataclass(frozen=True, slots=True)
class Question:
    """One of those that `fn` answers together."""

    fn: Callable[[list[Any]], Sequence[Any]]
    asked: Any


Call = Callable[[], Any] | Question


async def read_in_tenant(tenant: TenantRef, fn: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
    """Call `fn`, which reads and locks nothing, inside the tenant; its result, evaluated.

    Other calls may run before and after it in the same hop. Raises what `fn` raises, and `TypeError` if the result is lazy.
    """
    result: R = await _queue_of(tenant).add(partial(fn, *args, **kwargs))
    return result


async def read_together(tenant: TenantRef, fn: Callable[[list[Q]], Sequence[R]], asked: Q) -> R:
    """`fn([asked])[0]` inside the tenant; but `fn` is called once for all that wait to ask it, and answers them in their order.

    Raises like `read_in_tenant`: where it fails for all, each is asked alone.
    """
    result: R = await _queue_of(tenant).add(Question(fn, asked))
    return result


def _queue_of(tenant: TenantRef) -> "_Queue":
    waiting = _reads.setdefault(asyncio.get_running_loop(), {})
    queue = waiting.get(tenant)
    if queue is None:
        queue = waiting[tenant] = _Queue(tenant, waiting)
    return queue


@dataclass(slots=True)
class _Queue:
    """What waits to be read of one tenant."""

    tenant: TenantRef
    among: "dict[TenantRef, _Queue]"
    waiting: deque[tuple[Call, asyncio.Future[Any]]] = field(default_factory=deque)
    hops: set[asyncio.Task[None]] = field(default_factory=set)
    timer: asyncio.TimerHandle | None = None  # until those who wait are patient no more

    def add(self, call: Call) -> "asyncio.Future[Any]":
        if len(self.waiting) >= MOST_WAITING:
            raise Busy("Too much is waiting for the database.", retry_after=1.0)
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()
        self.waiting.append((call, future))
        self._serve(loop)
        return future

    def _serve(self, loop: asyncio.AbstractEventLoop) -> None:
        if not self.hops or (len(self.hops) < HOPS and len(self.waiting) >= ENOUGH):
            self._begin(loop)
        elif len(self.hops) < HOPS and self.timer is None:
            self.timer = loop.call_later(PATIENCE, self._lose_patience, loop)

    def _begin(self, loop: asyncio.AbstractEventLoop) -> None:
        hop = loop.create_task(self._hop(), name="read", context=apart())
        self.hops.add(hop)
        hop.add_done_callback(self._done)

    def _lose_patience(self, loop: asyncio.AbstractEventLoop) -> None:
        self.timer = None
        if self.waiting and len(self.hops) < HOPS:
            self._begin(loop)

    def _done(self, hop: asyncio.Task[None]) -> None:
        self.hops.discard(hop)
        if self.waiting:
            self._serve(hop.get_loop())
        elif not self.hops:
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
            if len(self.hops) > 1 and len(self.waiting) < ENOUGH:
                return  # the other one goes on


def _answer(future: "asyncio.Future[Any]", value: Any, failure: Exception | None) -> None:
    if future.done():
        return
    if failure is None:
        future.set_result(value)
    else:
        future.set_exception(failure)


def _read_all(tenant: TenantRef, calls: list[Call]) -> list[Result]:
    together: dict[Any, list[int]] = {}
    for place, call in enumerate(calls):
        if isinstance(call, Question):
            together.setdefault(call.fn, []).append(place)
    with in_tenant(tenant):
        found: dict[int, Result] = {}
        for fn, places in together.items():
            found |= zip(places, _answers(fn, [calls[place].asked for place in places]), strict=True)  # type: ignore[union-attr]
        return [found[place] if isinstance(call, Question) else _read(call) for place, call in enumerate(calls)]


def _answers(fn: Callable[[list[Any]], Sequence[Any]], asked: list[Any]) -> list[Result]:
    try:
        return [(answer, None) for answer in evaluated(list(fn(asked)))]
    except Exception as error:
        return [(None, error)] if len(asked) == 1 else [_answers(fn, [one])[0] for one in asked]


def _read(call: Callable[[], Any]) -> Result:
    try:
        return evaluated(call()), None
    except Exception as error:
        return None, error


_reads: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[TenantRef, _Queue]] = WeakKeyDictionary()
