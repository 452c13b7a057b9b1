"""What an expression of Prometheus asks for, held against what the code measures. No parser: names, labels and brackets."""

import re
from collections.abc import Collection, Iterator
from typing import Any

import billing.metrics
import chat.metrics
from saas.core.metrics import REGISTRY

OF_PROMETHEUS = ("up", "probe_success", "probe_ssl_earliest_cert_expiry")  # of itself, and of its blackbox exporter
TARGET = {"job", "instance"}  # labels that Prometheus adds
WORDS = {
    *("sum", "min", "max", "count", "avg_over_time", "rate", "increase", "histogram_quantile", "absent", "label_values"),
    *("by", "and", "or", "le", "time"),
}
NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
STRING = re.compile(r'"[^"]*"')
GROUPING = re.compile(r"by \(([^)]*)\)")
OF_MONEY, OF_CHAT = vars(billing.metrics), vars(chat.metrics)  # imported: they stand in the registry


def measured() -> dict[str, set[str]]:
    """Every series of the code, with its labels."""
    found: dict[str, set[str]] = {}
    for collector, names in REGISTRY._collector_to_names.items():
        known: Any = getattr(collector, "_labelnames", None) or getattr(collector, "labels", ())
        labels = set(known) if isinstance(known, tuple) else set()
        found |= {name: labels | ({"le"} if name.endswith("_bucket") else set()) for name in names}
    for family in REGISTRY.collect():
        for one in family.samples:
            found.setdefault(one.name, set()).update(one.labels)
    return found


KNOWN = measured()


def faults_of(expression: str, *, recorded: Collection[str]) -> Iterator[str]:
    """What Prometheus would not understand, or never find. `recorded` are the names that rules make."""
    known = KNOWN | {name: set[str]() for name in (*recorded, *OF_PROMETHEUS)}
    if any(expression.count(left) != expression.count(right) for left, right in ("()", "{}", "[]")):
        yield f"unbalanced: {expression}"
    yield from _wrong_labels(expression, known)
    names = NAME.findall(_bare(expression))
    yield from (f"nothing is named {name}" for name in names if name not in known and name not in WORDS)
    yield from _wrong_groupings(expression, set().union(*(known[name] for name in names if name in known)))


def _bare(expression: str) -> str:
    """Without times, labels and groupings: names, numbers, operators."""
    return re.sub(r"\[[^\]]*\]|\{[^}]*\}|" + GROUPING.pattern, " ", STRING.sub('""', expression))


def _wrong_labels(expression: str, known: dict[str, set[str]]) -> Iterator[str]:
    for name, labels in re.findall(r"([a-zA-Z_:][a-zA-Z0-9_:]*)\s*\{([^}]*)\}", expression):
        for label in re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", STRING.sub('""', labels)):
            if label not in known.get(name, set()) | TARGET:
                yield f"{name} has no label {label}"


def _wrong_groupings(expression: str, labels: set[str]) -> Iterator[str]:
    for grouping in GROUPING.findall(expression):
        for label in map(str.strip, grouping.split(",")):
            if label not in labels | TARGET:
                yield f"nothing in {expression} has a label {label}"


def bounds(name: str) -> set[str]:
    """The edges of a histogram's buckets."""
    return {
        one.labels["le"] for family in REGISTRY.collect() for one in family.samples if one.name == name and "le" in one.labels
    }
