"""Where the stand-in is, who may speak to it, and whom it tells."""

from dataclasses import dataclass
from typing import Final

KEY: Final = "sk_test_porchlight"  # taken unless another is given; it opens nothing but the stand-in


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A receiver of events, and the secret that its events are signed with."""

    url: str
    secret: str


@dataclass(frozen=True, slots=True)
class Settings:
    """`public` is the address for browsers, without a slash at the end."""

    public: str = "http://127.0.0.1:12111"
    key: str = KEY
    snapshot: Endpoint | None = None
    thin: Endpoint | None = None
