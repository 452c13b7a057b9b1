"""The kinds of instruments, lean enough for every message: the library's own take a lock and cost three times as much.

`Counts` and `Times` are written to from one thread, the event loop's; what other threads count goes to the library's `Counter`
and `Histogram`. All are read by the thread of the private port, which sees each number as it is at that moment.
"""

from abc import ABC, abstractmethod
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final

from prometheus_client import CollectorRegistry, GCCollector, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

REGISTRY: Final = CollectorRegistry(auto_describe=False)
ProcessCollector(registry=REGISTRY)  # memory, descriptors, seconds of the processor
GCCollector(registry=REGISTRY)

# Seconds, from a millisecond to ten; 0.5 is where "in time" ends.
SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
SIZES: Final = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0)

Family = CounterMetricFamily | GaugeMetricFamily | HistogramMetricFamily


class _Instrument(ABC):
    """What all kinds share: a name that begins with `porchlight_`, a sentence, at most one label."""

    def __init__(self, name: str, words: str, label: str = "") -> None:
        self.name, self.words = name, words
        self.labels = (label,) if label else ()
        REGISTRY.register(self)

    def describe(self) -> Iterable[Metric]:
        yield self._family()

    @abstractmethod
    def collect(self) -> Iterable[Metric]:
        """What there is to tell now."""

    @abstractmethod
    def _family(self) -> Family:
        """The same without figures."""

    def _labels(self, value: str) -> tuple[str, ...]:
        return (value,) if self.labels else ()


class Counts(_Instrument):
    """How often something happened. `values` are those of the label that are told from the start."""

    def __init__(self, name: str, words: str, label: str = "", values: Iterable[str] = ()) -> None:
        self.of: dict[str, int] = dict.fromkeys(values if label else ("",), 0)
        super().__init__(name, words, label)

    def add(self, value: str = "", count: int = 1) -> None:
        """Count one, or so many."""
        self.of[value] = self.of.get(value, 0) + count

    def collect(self) -> Iterator[Metric]:
        family = self._family()
        for value, count in dict(self.of).items():
            family.add_metric(self._labels(value), count)
        yield family

    def _family(self) -> CounterMetricFamily:
        return CounterMetricFamily(self.name, self.words, labels=self.labels)


class Buckets:
    """The counts of one histogram: how often an amount was at most so much."""

    __slots__ = ("bounds", "counts", "sum")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.sum = 0.0

    def observe(self, amount: float, count: int = 1) -> None:
        """One amount, or the same so many times. Less than nothing, as after a clock was set back, is nothing."""
        if amount < 0.0:
            amount = 0.0
        self.counts[bisect_left(self.bounds, amount)] += count
        self.sum += amount * count

    def cumulative(self) -> list[tuple[str, float]]:
        """As Prometheus has them."""
        total, found = 0, []
        for bound, count in zip([*map(str, self.bounds), "+Inf"], list(self.counts), strict=True):
            total += count
            found.append((bound, float(total)))
        return found


class Times(_Instrument):
    """How long something took, or how large it was."""

    def __init__(
        self, name: str, words: str, label: str = "", values: Iterable[str] = ("",), *, bounds: Sequence[float] = SECONDS
    ) -> None:
        self._parts = {value: Buckets(bounds) for value in values}
        if not label:
            self.observe = self._parts[""].observe  # no call between
        super().__init__(name, words, label)

    def of(self, value: str) -> Buckets:
        """Those of one value of the label."""
        return self._parts[value]

    def by(self, edge: float) -> Mapping[str, float]:
        """How many were at most this edge of a bucket, and how many longer: for those who read no histograms (CloudWatch)."""
        parts, within = list(self._parts.values()), bisect_left(next(iter(self._parts.values())).bounds, edge) + 1
        in_time, late = (
            float(sum(sum(part.counts[places]) for part in parts)) for places in (slice(within), slice(within, None))
        )
        return {"in_time": in_time, "late": late}

    def collect(self) -> Iterator[Metric]:
        family = self._family()
        for value, part in self._parts.items():
            family.add_metric(self._labels(value), part.cumulative(), part.sum)
        yield family

    def _family(self) -> HistogramMetricFamily:
        return HistogramMetricFamily(self.name, self.words, labels=self.labels)


class Level(_Instrument):
    """How much of something there is, as it was last looked at. Before that, and after `clear`, it is not told."""

    def __init__(self, name: str, words: str, label: str = "") -> None:
        self._values: dict[str, float] = {}
        super().__init__(name, words, label)

    def set(self, value: float) -> None:
        self._values = {"": value}

    def set_all(self, values: Mapping[str, float]) -> None:
        """By the label's value: these, and no others."""
        self._values = dict(values)

    def clear(self) -> None:
        self._values = {}

    def collect(self) -> Iterator[Metric]:
        family = self._family()
        for value, amount in self._values.items():
            family.add_metric(self._labels(value), amount)
        yield family

    def _family(self) -> GaugeMetricFamily:
        return GaugeMetricFamily(self.name, self.words, labels=self.labels)


class Reading(_Instrument):
    """A number that the code keeps anyway, read when it is asked for, from the port's own thread. `is_count`: it only grows."""

    def __init__(
        self, name: str, words: str, read: Callable[[], Mapping[str, float]], label: str = "", *, is_count: bool = False
    ) -> None:
        self._read, self._is_count = read, is_count
        super().__init__(name, words, label)

    def collect(self) -> Iterator[Metric]:
        family = self._family()
        for value, amount in self._read().items():
            family.add_metric(self._labels(value), amount)
        yield family

    def _family(self) -> CounterMetricFamily | GaugeMetricFamily:
        kind = CounterMetricFamily if self._is_count else GaugeMetricFamily
        return kind(self.name, self.words, labels=self.labels)
