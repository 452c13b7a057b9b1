"""How a check is written down."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.infra.apply.aws import Aws
from tests.infra.terraform import Terraform


@dataclass(frozen=True, slots=True)
class Stack:
    """What was applied, and where it can be asked."""

    aws: Aws
    outputs: dict[str, Any]
    terraform: Terraform


@dataclass(frozen=True, slots=True)
class Check:
    """A sentence, and the function that raises where it is not so."""

    words: str
    look: Callable[[Stack], None]


class Checks:
    """The checks of one subject: `@checks("The sentence.")` above each."""

    def __init__(self) -> None:
        self.found: list[Check] = []

    def __call__(self, words: str) -> Callable[[Callable[[Stack], None]], Callable[[Stack], None]]:
        def take(look: Callable[[Stack], None]) -> Callable[[Stack], None]:
            self.found.append(Check(words, look))
            return look

        return take
