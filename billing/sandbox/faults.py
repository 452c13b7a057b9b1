"""What goes wrong on purpose: answers that fail, connections that are cut, events that come twice, late, shuffled or never."""

import fnmatch
import random
from dataclasses import dataclass
from typing import Any, Final

from billing.sandbox.errors import invalid

BEFORE: Final = ("error", "cut")  # instead of the handler
AFTER: Final = ("error_after", "cut_after")  # the handler did its work, and its caller does not learn of it
DELAY: Final = "delay"
EVENTS: Final = ("hold", "double", "reverse", "drop")
KINDS: Final = (*BEFORE, *AFTER, DELAY, *EVENTS)


@dataclass(slots=True)
class Fault:
    """`on` is a verb and a path, or for events a type; * stands for anything. `times` None is for ever.

    "hold" keeps an event back until `deliver`; "reverse" does too, and then tells the last first. `skip` leaves that many alone
    at first, `chance` is the share that it meets. `status`, `code` and `should_retry` (Stripe's advice to the SDK, True or False)
    are of an error; `seconds` of a delay.
    """

    do: str
    on: str = "*"
    times: int | None = 1
    skip: int = 0
    chance: float = 1.0
    status: int = 500
    code: str | None = None
    should_retry: bool | None = None
    seconds: float = 0.0

    def meets(self, what: str) -> bool:
        return self.times != 0 and fnmatch.fnmatchcase(what, self.on)


class Faults:
    """The faults that are set, in the order in which they were."""

    def __init__(self) -> None:
        self.set: list[Fault] = []
        self._dice = random.Random(1)  # noqa: S311  the same run of faults each time

    def add(self, given: dict[str, Any]) -> Fault:
        """Set one, in the words of `Fault`. Raises `Refusal` for a word that is not there."""
        if given.get("do") not in KINDS:
            raise invalid(f"Unknown fault: {given.get('do')!r}. There are {', '.join(KINDS)}.", "do")
        try:
            fault = Fault(**given)
        except TypeError as error:
            raise invalid(f"A fault has no such field: {error}") from error
        self.set.append(fault)
        return fault

    def clear(self) -> None:
        self.set.clear()
        self._dice.seed(1)

    def of(self, what: str, kinds: tuple[str, ...]) -> Fault | None:
        """The first fault of these kinds that happens to a request ("POST /v1/customers") or an event's type; it is used up."""
        for fault in self.set:
            if fault.do in kinds and fault.meets(what) and self._happens(fault):
                return fault
        return None

    def _happens(self, fault: Fault) -> bool:
        if fault.skip > 0:
            fault.skip -= 1
            return False
        if fault.chance < 1 and self._dice.random() >= fault.chance:
            return False
        if fault.times is not None:
            fault.times -= 1
        return True
