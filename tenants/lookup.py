"""A bounded cache of answers to "who is this?", per process."""

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from threading import Lock
from time import monotonic
from typing import Final, Generic, TypeVar
from weakref import WeakKeyDictionary

from tenants.context import run_on_platform

K = TypeVar("K")
V = TypeVar("V")

KEEP = (30.0, 60.0)  # seconds: a random moment between, so that entries made together do not expire together
KEEP_ABSENT = (5.0, 10.0)  # seconds that "there is none" is believed
SIZE = 10_000  # of each kind; absent keys may be a stranger's guesses and must not push out real ones
TOGETHER: Final = 100  # keys in one load
LOADS: Final = 2  # of one kind at a time that coroutines wait for, where keys are loaded together


@dataclass(frozen=True, slots=True)
class _Entry(Generic[V]):
    value: V
    until: float


class Lookup(Generic[K, V]):
    """Answers of `load(key)`, kept for a while. Many who ask for the same missing key at once cause one load.

    Threads and coroutines may share it. What `load` raises goes to all who wait and is not kept. With `load_many`, which leaves
    out what there is not, coroutines that ask for different keys at once cause one load, too.
    """

    def __init__(self, load: Callable[[K], V | None], load_many: Callable[[Sequence[K]], Mapping[K, V]] | None = None) -> None:
        self._load = load
        self._load_many = load_many
        self._ways: WeakKeyDictionary[asyncio.AbstractEventLoop, _Way[K, V]] = WeakKeyDictionary()
        self._lock = Lock()
        self._present: dict[K, _Entry[V]] = {}
        self._absent: dict[K, float] = {}
        self._flights: dict[K, Future[V | None]] = {}

    def get(self, key: K) -> V | None:
        """The answer, from the cache or the database."""
        hit, value = self._cached(key)
        if hit:
            return value
        flight, mine = self._board(key)
        if mine:
            self._fly(key, flight)
        return flight.result()

    async def aget(self, key: K) -> V | None:
        """The same for coroutines; a hit costs no hop."""
        hit, value = self._cached(key)
        if hit:
            return value
        flight, mine = self._board(key)
        landed = asyncio.wrap_future(flight)
        if mine:
            self._take_off(key, flight)
        return await asyncio.shield(landed)

    def _take_off(self, key: K, flight: "Future[V | None]") -> None:
        """Load in a task of its own: the one who asked first may be cancelled, the others still wait."""
        loop = asyncio.get_running_loop()
        way = self._ways.get(loop)
        if way is None:
            way = self._ways[loop] = _Way()
        way.waiting.append((key, flight))
        if self._load_many is None or way.loads < LOADS:
            task = loop.create_task(self._fly_on(way))
            _loading.add(task)  # the loop itself keeps only a weak reference
            task.add_done_callback(_loading.discard)
            way.loads += 1

    async def _fly_on(self, way: "_Way[K, V]") -> None:
        most = 1 if self._load_many is None else TOGETHER
        try:
            while way.waiting:
                taken, way.waiting = way.waiting[:most], way.waiting[most:]
                try:
                    await run_on_platform(self._fly_many, taken)
                except Exception as error:  # no thread was free for it
                    self._crash(taken, error)
        finally:
            way.loads -= 1

    def known(self, key: K) -> V | None:
        """The answer if it is in the cache; never loads."""
        return self._cached(key)[1]

    def forget(self, matches: Callable[[K, V], bool]) -> None:
        """Drop the answers that match, all absent ones, and what is being loaded just now."""
        with self._lock:
            self._absent.clear()
            self._flights.clear()
            for key in [key for key, entry in self._present.items() if matches(key, entry.value)]:
                del self._present[key]

    def _cached(self, key: K) -> tuple[bool, V | None]:
        now = monotonic()
        entry = self._present.get(key)
        if entry and entry.until > now:
            return True, entry.value
        return self._absent.get(key, 0.0) > now, None

    def _board(self, key: K) -> tuple[Future[V | None], bool]:
        with self._lock:
            if flight := self._flights.get(key):
                return flight, False
            flight = self._flights[key] = Future()
            return flight, True

    def _fly(self, key: K, flight: Future[V | None]) -> None:
        try:
            value = self._load(key)
        except BaseException as error:
            self._crash([(key, flight)], error)
        else:
            if self._land(key, flight):
                self._keep(key, value)
            flight.set_result(value)

    def _fly_many(self, taken: "Sequence[tuple[K, Future[V | None]]]") -> None:
        if self._load_many is None or len(taken) == 1:
            return self._fly(*taken[0])
        try:
            found = self._load_many([key for key, _ in taken])
        except BaseException as error:
            return self._crash(taken, error)
        for key, flight in taken:
            if self._land(key, flight):
                self._keep(key, found.get(key))
            flight.set_result(found.get(key))
        return None

    def _crash(self, taken: "Sequence[tuple[K, Future[V | None]]]", error: BaseException) -> None:
        for key, flight in taken:
            self._land(key, flight)
            flight.set_exception(error)

    def _land(self, key: K, flight: Future[V | None]) -> bool:
        """False if `forget` came while the answer was under way: it may be old already."""
        with self._lock:
            if self._flights.get(key) is not flight:
                return False
            del self._flights[key]
            return True

    def _keep(self, key: K, value: V | None) -> None:
        now = monotonic()
        with self._lock:
            self._present.pop(key, None)
            self._absent.pop(key, None)
            if value is None:
                _make_room(self._absent)
                self._absent[key] = now + random.uniform(*KEEP_ABSENT)  # noqa: S311 (no secret)
            else:
                _make_room(self._present)
                self._present[key] = _Entry(value, now + random.uniform(*KEEP))  # noqa: S311 (no secret)


class _Way(Generic[K, V]):
    """What waits to be loaded for one event loop."""

    __slots__ = ("__weakref__", "loads", "waiting")

    def __init__(self) -> None:
        self.waiting: list[tuple[K, Future[V | None]]] = []
        self.loads = 0


_loading: set[asyncio.Task[None]] = set()


def _make_room(entries: dict[K, V]) -> None:
    while len(entries) >= SIZE:
        del entries[next(iter(entries))]  # the oldest
