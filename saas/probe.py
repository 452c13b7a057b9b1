"""`python -m saas.probe ready --port 8000`: ask a server of this machine for its health; the exit status is 0 if it is well.

For containers and services that have a Python and nothing else. `--wait 60` asks again until it is well, for so many seconds.
"""

import argparse
import http.client
import sys
import time

TIMEOUT = 4.0  # seconds for an answer
PAUSE = 0.2  # seconds between two questions


def is_well(port: int, probe: str) -> bool:
    """Whether `/healthz/<probe>` on this port answers with 200."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT)
    try:
        connection.request("GET", f"/healthz/{probe}")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("probe", choices=["live", "ready", "startup"], nargs="?", default="ready")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--wait", type=float, default=0.0)
    given = parser.parse_args()
    end = time.monotonic() + given.wait
    while not (well := is_well(given.port, given.probe)) and time.monotonic() < end:
        time.sleep(PAUSE)
    return not well


if __name__ == "__main__":
    sys.exit(main())
