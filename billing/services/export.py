"""All that a tenant holds, as one zip: a line of JSON for each row, and the files as they are. Written while it is read."""

import asyncio
import json
import zipfile
from collections.abc import AsyncIterator, Generator, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from saas.core import files, registry
from tenants.context import run_on_platform
from tenants.models import Membership, Tenant
from tenants.resolve import ref

PIECE: Final = 64 * 1024  # bytes of a file at a time
MEMBERS: Final = ("user_id", "user__name", "user__email", "role", "created_at", "disabled_at")


class _Sink:
    """What the zip is written to: it cannot go back, and is emptied after each piece."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def write(self, piece: bytes) -> int:
        self._pieces.append(bytes(piece))
        return len(piece)

    def flush(self) -> None:
        """Nothing is held back."""

    def taken(self) -> bytes:
        found, self._pieces = b"".join(self._pieces), []
        return found


def export(tenant_id: UUID) -> Generator[bytes, None, None]:
    """The zip, piece by piece, for threads on the platform's role. What is said meanwhile may be in it or not.

    Raises Tenant.DoesNotExist. A tenant that was erased has nothing left to export.
    """
    tenant, sink = Tenant.objects.get(id=tenant_id), _Sink()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:  # type: ignore[call-overload]  # needs no more than write
        for name, pieces in _contents(tenant):
            with archive.open(zipfile.ZipInfo(name, _moment()), "w", force_zip64=True) as entry:
                for piece in pieces:
                    entry.write(piece)
                    if out := sink.taken():
                        yield out
    yield sink.taken()


async def a_export(tenant_id: UUID) -> AsyncIterator[bytes]:
    """The same for an answer that is streamed: no thread is held between two pieces."""
    pieces = export(tenant_id)
    try:
        while piece := await run_on_platform(next, pieces, b""):
            yield piece
    finally:
        await asyncio.shield(run_on_platform(pieces.close))


def _contents(tenant: Tenant) -> Iterator[tuple[str, Iterable[bytes]]]:
    yield "tenant.json", [_line({"name": tenant.name, "slug": tenant.slug, "created_at": tenant.created_at})]
    yield "members.ndjson", _members(tenant.id)
    for parts in registry.export_tenant(tenant=ref(tenant)):
        yield from parts
    for file_id in files.files_of(tenant.id):
        yield f"files/{file_id}", _file(tenant.id, file_id)


def _members(tenant_id: UUID) -> Iterator[bytes]:
    for row in Membership.objects.filter(tenant_id=tenant_id).order_by("created_at").values(*MEMBERS):
        yield _line(row)


def _file(tenant_id: UUID, file_id: UUID) -> Iterator[bytes]:
    with files.open_file(tenant_id, file_id) as stream:
        while piece := stream.read(PIECE):
            yield piece


def _line(row: dict[str, Any]) -> bytes:
    return json.dumps(row, default=str, ensure_ascii=False).encode() + b"\n"


def _moment() -> tuple[int, int, int, int, int, int]:
    at = datetime.now(UTC)
    return at.year, at.month, at.day, at.hour, at.minute, at.second
