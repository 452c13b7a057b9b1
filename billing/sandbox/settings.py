"""Where the stand-in is, who may speak to it, and whom it tells."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

KEY: Final = "sk_test_porchlight"  # taken unless another is given; it opens nothing but the stand-in
SNAPSHOT: Final = "snapshot"
THIN: Final = "thin"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A receiver of events, and the secret that they are signed with. Without a `url` they wait to be taken."""

    url: str
    secret: str


@dataclass(frozen=True, slots=True)
class Settings:
    """`public` is the address for browsers, without a slash at the end. `clock_file` is told by how many seconds the clock is
    ahead of real time."""

    public: str = "http://127.0.0.1:12111"
    key: str = KEY
    snapshot: Endpoint = Endpoint("", "whsec_porchlight")
    thin: Endpoint = Endpoint("", "whsec_porchlight_thin")
    clock_file: Path | None = None

    def endpoint(self, kind: str) -> Endpoint:
        """Who is told of events of a kind, "snapshot" or "thin"."""
        return self.thin if kind == THIN else self.snapshot
