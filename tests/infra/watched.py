"""A server that says in its log what went the fast way: `python -m tests.infra.watched <module> <its words>`.

`lean <id>`: a socket whose handshake was decided where it was read. `fast <id>`: a socket that was written a line with `MARK`.
"""

import runpy
import sys
from typing import Any

from saas.core.fastsocket import FastWebSocketProtocol

MARK = "by the fast way"


def watch(name: str, said: str, *, at: str = "") -> None:
    """Say so whenever this method of the protocol is called, or only where its first argument holds `at`."""
    original = getattr(FastWebSocketProtocol, name)

    def watched(self: FastWebSocketProtocol, *args: Any) -> Any:
        if not at or at.encode() in args[0]:
            print(said, id(self), flush=True)  # noqa: T201 - to the log
        return original(self, *args)

    setattr(FastWebSocketProtocol, name, watched)


if __name__ == "__main__":
    watch("begin", "lean")
    watch("write", "fast", at=MARK)
    watch("write_soon", "fast", at=MARK)
    sys.argv = sys.argv[1:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
