"""What an archive says of itself, and whether it is whole."""

import hashlib
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final
from uuid import UUID

import msgspec

FORMAT: Final = 1  # of the archive; another one is refused
MANIFEST: Final = "manifest.json"
DUMP: Final = "schema.dump"
ROWS: Final = "rows"  # folder of the rows of `public`
FILES: Final = "files"  # folder of stored files, by their ids
PIECE: Final = 1 << 20  # bytes


class BadArchive(Exception):
    """The file is no archive, not whole, or not for this installation; the sentence says what is wrong. Nothing was changed."""


class Content(msgspec.Struct, frozen=True):
    """What a table holds: how many rows, and the sum of their fingerprints, in whatever order they lie."""

    rows: int
    prints: str


class Rows(msgspec.Struct, frozen=True):
    """Rows of a table of `public`: their columns in the order in which they were copied, and how many there are."""

    columns: list[str]
    rows: int


class Manifest(msgspec.Struct, frozen=True):
    """All that is known of an archive without reading its parts."""

    format: int
    made_at: str
    tenant_id: UUID
    slug: str
    name: str
    schema: str
    migrations: list[str]  # app.name, of the schema
    tables: dict[str, Content]  # of the schema
    public: dict[str, Rows]
    parts: dict[str, str]  # name -> SHA-256

    @property
    def files(self) -> list[str]:
        """The parts that are stored files."""
        return [name for name in self.parts if name.startswith(f"{FILES}/")]


@contextmanager
def opened(path: Path) -> Iterator[tuple[tarfile.TarFile, Manifest]]:
    """An archive that is whole: every part was read and compared. Raises BadArchive."""
    try:
        with tarfile.open(path, "r:") as archive:
            manifest = _manifest(archive, path)
            _compare(archive, manifest, path)
            yield archive, manifest
    except (tarfile.TarError, FileNotFoundError, IsADirectoryError) as error:
        raise BadArchive(f"{path} is not an archive of a tenant: {error}") from None


def part(archive: tarfile.TarFile, name: str) -> IO[bytes]:
    """A part as a stream. Raises BadArchive if it is not there."""
    try:
        found = archive.extractfile(name)
    except KeyError:
        found = None
    if found is None:
        raise BadArchive(f"{archive.name!r} has no part {name}")
    return found


def digest(stream: IO[bytes]) -> str:
    """SHA-256 of the rest of a stream."""
    found = hashlib.sha256()
    while piece := stream.read(PIECE):
        found.update(piece)
    return found.hexdigest()


def _manifest(archive: tarfile.TarFile, path: Path) -> Manifest:
    try:
        found = msgspec.json.decode(part(archive, MANIFEST).read(), type=Manifest)
    except msgspec.MsgspecError as error:
        raise BadArchive(f"{path}: its manifest cannot be read: {error}") from None
    if found.format != FORMAT:
        raise BadArchive(f"{path} is of format {found.format}; this release reads format {FORMAT}")
    return found


def _compare(archive: tarfile.TarFile, manifest: Manifest, path: Path) -> None:
    for name, expected in manifest.parts.items():
        with part(archive, name) as stream:
            if digest(stream) != expected:
                raise BadArchive(f"{path} is damaged: {name} is not what was written")
