"""Reads a Dockerfile, as far as tests need it."""

import json
import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Line:
    """One instruction: `RUN`, its flags (`--from=x`), and the rest as it stands."""

    word: str
    flags: dict[str, str]
    rest: str

    @property
    def exec(self) -> list[str] | None:
        """The words of the exec form; None for the shell's."""
        try:
            said: Any = json.loads(self.rest[self.rest.index("[") :])
        except ValueError:
            return None
        return said if isinstance(said, list) else None


@dataclass
class Stage:
    """From one FROM to the next."""

    image: str
    name: str
    lines: list[Line] = field(default_factory=list)

    def all(self, word: str) -> list[Line]:
        """The instructions of this kind."""
        return [line for line in self.lines if line.word == word]

    def last(self, word: str) -> Line:
        """The one that counts."""
        return self.all(word)[-1]


def read(path: Path) -> list[Stage]:
    """The stages in their order."""
    said = [line for line in path.read_text().splitlines(keepends=True) if not line.startswith("#")]
    text = re.sub(r"\\\n\s*", "", "".join(said))
    stages: list[Stage] = []
    for line in filter(None, map(str.strip, text.splitlines())):
        word, _, rest = line.partition(" ")
        if word == "FROM":
            image, _, name = rest.partition(" AS ")
            stages.append(Stage(image, name))
        else:
            stages[-1].lines.append(_line(word, rest))
    return stages


def _line(word: str, rest: str) -> Line:
    flags = {}
    while found := re.match(r"--([a-z-]+)=(\S+)\s+", rest):
        flags[found[1]] = found[2]
        rest = rest[found.end() :]
    return Line(word, flags, rest)


def copies(stage: Stage) -> list[tuple[list[str], str]]:
    """What the stage takes from the checkout: sources, and where to."""
    taken = [shlex.split(line.rest) for line in stage.all("COPY") if "from" not in line.flags]
    return [(words[:-1], words[-1]) for words in taken]


def variables_of(stage: Stage) -> dict[str, str]:
    """What its ENV lines set."""
    return dict(word.split("=", 1) for line in stage.all("ENV") for word in shlex.split(line.rest))
