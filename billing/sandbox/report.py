"""What the stand-in noticed of its callers and of itself, for the suite to look at after each test."""

import traceback
from dataclasses import asdict, dataclass, field
from typing import Any, Final

MOST: Final = 200  # entries of each list: what fails all the time need not be told all the time


@dataclass(slots=True)
class Report:
    """`refused` has each request that the SDK's types do not allow, `unmodelled` each that nothing here answers, `ignored` each
    parameter that no handler looked at, `shape_faults` each answer that the SDK's classes do not allow, `crashes` each fault of
    a handler, `collisions` the calls for a customer and meter that came while another was under way."""

    requests: int = 0
    validated: int = 0
    collisions: int = 0
    refused: list[dict[str, Any]] = field(default_factory=list)
    unmodelled: list[str] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)
    shape_faults: list[str] = field(default_factory=list)
    crashes: list[str] = field(default_factory=list)

    def refuse(self, verb: str, path: str, params: Any, complaint: str) -> None:
        """A request that the SDK's types do not allow."""
        if len(self.refused) < MOST:
            self.refused.append({"verb": verb, "path": path, "params": params, "complaint": complaint})

    def note(self, name: str, text: str) -> None:
        """An entry of one of the other lists."""
        entries: list[str] = getattr(self, name)
        if len(entries) < MOST:
            entries.append(text)

    def crash(self, where: str) -> None:
        """The exception that is being handled."""
        self.note("crashes", f"{where}: {traceback.format_exc()}")

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    def clear(self) -> None:
        self.__init__()  # type: ignore[misc]
