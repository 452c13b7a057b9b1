"""What was found in a run."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

CHECKS: Final = ("lost", "doubled", "disordered", "foreign")
MOST_FINDINGS: Final = 400  # words are kept of so many of each kind; all are counted


@dataclass
class Verdict:
    """What was found. `unanswered` is what was neither acknowledged nor refused for good when the run ended."""

    acked: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    findings: dict[str, list[str]] = field(default_factory=dict)

    def find(self, check: str, words: str, *, times: int = 1) -> None:
        """Note that something is wrong."""
        self.counts[check] += times
        known = self.findings.setdefault(check, [])
        if len(known) < MOST_FINDINGS:
            known.append(words)

    @property
    def is_clean(self) -> bool:
        return not self.counts

    def totals(self) -> dict[str, int]:
        """The figures that are published."""
        return {"acked": self.acked, **{check: self.counts[check] for check in CHECKS}}
