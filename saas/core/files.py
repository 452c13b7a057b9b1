"""The one door to stored files. Each lies under its tenant's prefix, by an id of ours: no typed name reaches storage.

The storage is Django's default one: a folder here, a bucket elsewhere. Names for people, types and sizes belong in the database
row that holds the id.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import IO, BinaryIO, cast
from uuid import UUID

from django.conf import settings
from django.core.files.base import ContentFile, File
from django.core.files.storage import default_storage

from saas.core.errors import NotFound
from saas.core.ids import uuid7


def check_place() -> None:
    """Raise FileNotFoundError where a command would find no file of anybody, and say nothing: its folder is not the servers'."""
    folder = Path(settings.MEDIA_ROOT)
    if not settings.FILES_BUCKET and not folder.is_dir():
        why = "set DATA_DIR as the servers have it, or make the folder if nobody has ever uploaded anything"
        raise FileNotFoundError(f"the folder of uploaded files, {folder}, is not there: {why}")


def put(tenant_id: UUID, content: bytes | BinaryIO) -> UUID:
    """Store content and return its id. A stream is read in pieces, never whole."""
    file_id = uuid7()
    name = _name(tenant_id, file_id)
    saved = default_storage.save(name, ContentFile(content) if isinstance(content, bytes) else File(content))
    if saved != name:  # storage found the name taken and chose another: it would be lost
        default_storage.delete(saved)
        raise FileExistsError(name)
    return file_id


def put_back(tenant_id: UUID, file_id: UUID, content: IO[bytes]) -> bool:
    """Store a file of an archive by the id that it had; whether it was missing. One that is there stays: a file never changes."""
    name = _name(tenant_id, file_id)
    if default_storage.exists(name):
        return False
    default_storage.save(name, File(content))
    return True


def open_file(tenant_id: UUID, file_id: UUID) -> BinaryIO:
    """A stream to read and close. Raises NotFound, for a file of another tenant too."""
    try:
        return cast(BinaryIO, default_storage.open(_name(tenant_id, file_id), "rb"))
    except FileNotFoundError:
        raise NotFound("This file is not there.") from None


def size(tenant_id: UUID, file_id: UUID) -> int:
    """Bytes. Raises NotFound."""
    try:
        return default_storage.size(_name(tenant_id, file_id))
    except FileNotFoundError:
        raise NotFound("This file is not there.") from None


def delete(tenant_id: UUID, file_id: UUID) -> None:
    """Remove it. Removing what is not there changes nothing."""
    default_storage.delete(_name(tenant_id, file_id))


def files_of(tenant_id: UUID) -> Iterator[UUID]:
    """The ids of all files of a tenant, in no order."""
    prefix = _prefix(tenant_id)
    for shelf in _listed(prefix)[0]:
        for name in _listed(f"{prefix}/{shelf}")[1]:
            yield UUID(name)


def total_size(tenant_id: UUID) -> int:
    """Bytes of all files of a tenant. One question to the storage per file: for nightly jobs."""
    return sum(size(tenant_id, file_id) for file_id in files_of(tenant_id))


def delete_all(tenant_id: UUID) -> int:
    """Remove all files of a tenant; how many there were."""
    found = list(files_of(tenant_id))
    for file_id in found:
        delete(tenant_id, file_id)
    return len(found)


def _listed(path: str) -> tuple[list[str], list[str]]:
    """Folders and files directly under a path; nothing for a path that is not there."""
    try:
        return default_storage.listdir(path)
    except FileNotFoundError:
        return [], []


def _prefix(tenant_id: UUID) -> str:
    return f"tenants/{_checked(tenant_id)}"


def _name(tenant_id: UUID, file_id: UUID) -> str:
    """256 shelves by the id's random end, so that no folder grows without bound."""
    return f"{_prefix(tenant_id)}/{_checked(file_id).hex[-2:]}/{file_id}"


def _checked(value: UUID) -> UUID:
    """A string in an id's place could hold a path."""
    if not isinstance(value, UUID):
        raise TypeError(f"an id is a UUID, not {type(value).__name__}")
    return value
