"""An archive of a tenant, while its people go on writing."""

import io
import logging
import os
import tarfile
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

import msgspec
from psycopg import IsolationLevel

from saas.core import files
from saas.core.errors import NotFound
from tenants import one_at_a_time
from tenants.archive import people
from tenants.archive.manifest import DUMP, FILES, FORMAT, MANIFEST, ROWS, Manifest, digest
from tenants.archive.schema import connect, content_of, dump, migrations_of
from tenants.context import TenantRef

log = logging.getLogger(__name__)


def back_up(tenant: TenantRef, path: Path, *, is_alone: bool = False) -> Manifest:
    """Write the archive; what it holds. The file is the owner's alone, and there only once it is whole.

    While the database is read nobody migrates or restores: it waits for those who do, unless the caller is alone already
    (`replacing.alone`). Raises RuntimeError with what pg_dump says, NoProgram without one, psycopg.Error, and OSError where it
    cannot be written or files are not found.
    """
    files.check_place()
    unfinished = path.with_name(f"{path.name}.part")
    with tempfile.TemporaryDirectory(prefix=".archive-", dir=path.parent) as folder:
        try:
            with open(unfinished, "wb", opener=_private) as file, tarfile.open(fileobj=file, mode="w:") as archive:
                manifest = _write(archive, tenant, Path(folder), is_alone=is_alone)
            unfinished.replace(path)
        finally:
            unfinished.unlink(missing_ok=True)
    return manifest


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _write(archive: tarfile.TarFile, tenant: TenantRef, folder: Path, *, is_alone: bool) -> Manifest:
    rows = folder / ROWS
    rows.mkdir()
    with connect() as connection:
        # A table that is written anew after the snapshot looks empty in it, to pg_dump and to us alike.
        if not is_alone:
            one_at_a_time.read(connection, say=log.warning)
        connection.isolation_level = IsolationLevel.REPEATABLE_READ  # one moment for all that is read here, and for pg_dump
        connection.read_only = True
        (snapshot,) = connection.execute("SELECT pg_export_snapshot()").fetchone() or ("",)
        moment = datetime.now(UTC).isoformat(timespec="seconds")
        dump(tenant.schema, snapshot=snapshot, to=folder / DUMP)
        public = people.copy_out(connection, tenant.id, rows)
        tables = content_of(connection, tenant.schema)
        migrations = migrations_of(connection, tenant.schema)
    parts = {name: _add(archive, name, (folder / name).open("rb")) for name in (DUMP, *(f"{ROWS}/{name}" for name in public))}
    parts |= _add_files(archive, tenant)
    manifest = Manifest(FORMAT, moment, tenant.id, tenant.slug, tenant.name, tenant.schema, migrations, tables, public, parts)
    _add(archive, MANIFEST, io.BytesIO(msgspec.json.format(msgspec.json.encode(manifest))))
    return manifest


def _add_files(archive: tarfile.TarFile, tenant: TenantRef) -> dict[str, str]:
    found = {}
    for file_id in files.files_of(tenant.id):
        try:
            content = files.open_file(tenant.id, file_id)
        except NotFound:  # deleted since it was listed
            continue
        with tempfile.TemporaryFile() as copy:  # a tar file needs the size first, and not every storage's stream can be rewound
            while piece := content.read(1 << 20):
                copy.write(piece)
            content.close()
            copy.seek(0)
            found[f"{FILES}/{file_id}"] = _add(archive, f"{FILES}/{file_id}", copy)
    return found


def _add(archive: tarfile.TarFile, name: str, stream: IO[bytes]) -> str:
    """Add a part from a stream at its start; its checksum."""
    with stream:
        checksum = digest(stream)
        entry = tarfile.TarInfo(name)
        entry.size = stream.tell()
        entry.mode = 0o600
        stream.seek(0)
        archive.addfile(entry, stream)
    return checksum
