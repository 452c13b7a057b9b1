"""What a run of `make up` may choose: DATA_DIR and PORT."""

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from saas.up.processes import refusal

DEFAULT_DATA_DIR = ".data"
DEFAULT_PORT = 8000
HTTP_PORT = 80  # browsers leave it out of an address


class Refused(SystemExit):
    """It cannot be done here, and the message is one line that says why and what to do."""


@dataclass(frozen=True, slots=True)
class Options:
    """Where the data is, absolute and writable, and the loopback port to serve on."""

    data_dir: Path
    port: int

    @property
    def base_host(self) -> str:
        """The platform's host, as browsers name it."""
        return "localhost" if self.port == HTTP_PORT else f"localhost:{self.port}"

    def check_port(self) -> None:
        """Raises `Refused` if the port cannot be served on."""
        if why := refusal(self.port):
            free = next((port for port in range(DEFAULT_PORT, DEFAULT_PORT + 100) if not refusal(port)), DEFAULT_PORT + 1)
            raise Refused(f"Cannot start: {why}. Choose another port: make up PORT={free}")


def read() -> Options:
    """The options of the environment. Raises `Refused`."""
    return Options(data_dir=_folder(os.environ.get("DATA_DIR") or DEFAULT_DATA_DIR), port=_port())


def _port() -> int:
    given = os.environ.get("PORT") or str(DEFAULT_PORT)
    if not (given.isascii() and given.isdigit() and 0 < int(given) < 65536):
        raise Refused(f"PORT={given} is not a port; use a number from 1024 to 65535.")
    return int(given)


def _folder(given: str) -> Path:
    """The folder, made if it is missing, and tried: permissions alone do not tell for root or on a read-only disk."""
    folder = Path(given).expanduser().absolute()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
        for kept in folder.iterdir():
            if kept.is_file():
                kept.open("rb").close()
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise Refused(f"Cannot use the data folder {folder}: {why}. Choose another: make up DATA_DIR=/some/folder") from None
    return folder
