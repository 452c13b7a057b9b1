"""A bounded pool of threads that many share fairly.

Each call belongs to somebody, such as a tenant. Whoever has calls waiting is served in turn, one call each, and nobody holds more
than a share of the threads, so that a slow call of one never keeps all the others waiting. What waits is bounded, too.

Quick calls of one owner gain nothing by running side by side, since they share the interpreter, and each of them takes it from
the event loop: with `patience` an owner's next thread comes when the last call has run for so long.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Hashable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from functools import partial
from typing import Any, Final, ParamSpec, TypeVar
from weakref import WeakSet

from saas.core.errors import Busy

MOST_WAITING: Final = 10_000  # calls of one owner
SHARE: Final = 0.75  # of the threads that one owner may hold

P = ParamSpec("P")
T = TypeVar("T")

_NOBODY: Final = object()
_pools: WeakSet["FairPool"] = WeakSet()


def all_pools() -> list["FairPool"]:
    """Those of this process."""
    return list(_pools)


class FairPool:
    """`submit` from any thread or event loop. One owner holds at most `share` of the threads, and always one.

    With `patience` (seconds) whoever submits sees to it that `look_again` is called while calls wait.
    """

    def __init__(
        self, threads: int, name: str, *, share: float = SHARE, patience: float = 0.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.name = name
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._threads = self._free = threads
        self._share = max(1, int(threads * share))
        self._patience, self._clock = patience, clock
        self._began: dict[Hashable, float] = {}  # when the last call began of each owner who holds a thread
        self._lock = threading.Lock()
        self._waiting: dict[Hashable, deque[tuple[Future[Any], Callable[[], Any]]]] = {}  # the first is served next
        self._running: dict[Hashable, int] = {}
        _pools.add(self)

    def submit(self, owner: Hashable, call: Callable[[], Any]) -> Future[Any]:
        """Run the call on a thread, when it is the owner's turn. Raises `Busy` when too much of the owner's waits."""
        future: Future[Any] = Future()
        with self._lock:
            queue = self._waiting.get(owner)
            if queue is None:
                queue = self._waiting[owner] = deque()
            if len(queue) >= MOST_WAITING:
                raise Busy("Too much is waiting for the database.", retry_after=1.0)
            queue.append((future, call))
            self._serve()
        return future

    def waits(self, owner: Hashable) -> int:
        """How many calls of this owner wait for a thread."""
        with self._lock:
            return len(self._waiting.get(owner, ()))

    def load(self) -> tuple[int, int]:
        """How many threads work, and how many calls wait for one."""
        with self._lock:
            return self._threads - self._free, sum(map(len, self._waiting.values()))

    def look_again(self, owner: Hashable) -> bool:
        """Give threads to those whose last call has run for long. Whether something of this owner's still waits."""
        with self._lock:
            self._serve()
            return owner in self._waiting

    def of(self, owner: Hashable) -> Executor:
        """The pool as one owner's executor, for those who take an executor and know of no owners."""
        return _Owned(self, owner)

    def _serve(self) -> None:
        """Give free threads to those who wait, in turn. Under the lock."""
        while self._free:
            owner = next(filter(self._may_begin, self._waiting), _NOBODY)
            if owner is _NOBODY:
                return
            queue = self._waiting.pop(owner)
            future, call = queue.popleft()
            if queue:
                self._waiting[owner] = queue  # behind the others
            if future.set_running_or_notify_cancel():
                self._free -= 1
                self._running[owner] = self._running.get(owner, 0) + 1
                self._began[owner] = self._clock()
                self._executor.submit(self._run, owner, future, call)

    def _may_begin(self, owner: Hashable) -> bool:
        running = self._running.get(owner, 0)
        return not running or (running < self._share and self._clock() - self._began[owner] >= self._patience)

    def _run(self, owner: Hashable, future: Future[Any], call: Callable[[], Any]) -> None:
        try:
            result = call()
        except BaseException as error:
            self._done(owner)
            future.set_exception(error)
        else:
            self._done(owner)
            future.set_result(result)

    def _done(self, owner: Hashable) -> None:
        with self._lock:
            self._free += 1
            left = self._running[owner] - 1
            if left:
                self._running[owner] = left
            else:
                del self._running[owner], self._began[owner]
            self._serve()


class _Owned(Executor):
    """Nobody shuts it down: the pool is everybody's."""

    def __init__(self, pool: FairPool, owner: Hashable) -> None:
        self._pool, self._owner = pool, owner

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Raises `Busy`, see `FairPool.submit`."""
        return self._pool.submit(self._owner, partial(fn, *args, **kwargs))
