"""A tenant back from its archive."""

import shutil
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from psycopg import sql

from saas.core import files, registry
from tenants.archive import people
from tenants.archive.making import back_up
from tenants.archive.manifest import DUMP, FILES, BadArchive, Manifest, opened, part
from tenants.archive.schema import connect, content_of, is_there, load, refuse_other_content
from tenants.context import TenantRef
from tenants.models import Tenant
from tenants.provisioning import drop_schema
from tenants.resolve import ref
from tenants.schemas import Migrator, Schema


@dataclass(frozen=True, slots=True)
class Restored:
    """What came back. `kept` is the archive of what stood there before, if something did."""

    tenant: TenantRef
    rows: int  # of its schema
    people: int  # rows of `public` that were missing
    files: int
    kept: Path | None


def restore(path: Path, *, replace: bool = False) -> Restored:
    """Load an archive. Every room gets another epoch, so that nobody's client takes the old history for the new one.

    Where the tenant's schema stands, `replace` is needed: what stands there is written to an archive beside this one, and goes.
    Raises BadArchive, before anything is changed; RuntimeError with what pg_restore says: then nothing of the archive is here.
    """
    with opened(path) as (archive, manifest):
        there = _checked(manifest, replace=replace)
        kept = _set_aside(there, path) if there else None
        try:
            _load_schema(archive, manifest)
            rows = _put_back_rows(archive, manifest)
        except (BadArchive, RuntimeError) as error:
            raise type(error)(f"{error}; what was there is in {kept}" if kept else str(error)) from error
        _migrate(manifest)
        names = [name for name in manifest.parts if name.startswith(f"{FILES}/")]
        for name in names:
            _put_back_file(archive, manifest.tenant_id, name)
        tenant = ref(Tenant.objects.get(id=manifest.tenant_id))
    registry.tenant_restored(tenant=tenant)
    registry.tenant_changed(tenant_id=tenant.id)
    return Restored(tenant, sum(table.rows for table in manifest.tables.values()), rows, len(names), kept)


def _checked(manifest: Manifest, *, replace: bool) -> TenantRef | None:
    """The tenant whose schema stands in the way, if one does and may go. Raises BadArchive."""
    tenant = Tenant.objects.filter(id=manifest.tenant_id).first()
    if tenant is not None and tenant.status == Tenant.Status.CLOSED:
        raise BadArchive(f"{tenant.slug} was closed and its data deleted: what was deleted on purpose does not come back")
    known = Migrator().known
    if unknown := set(manifest.migrations) - known:
        raise BadArchive(f"a newer release made this archive: {', '.join(sorted(unknown))} is not known here")
    with connect() as connection:
        if not is_there(connection, manifest.schema):
            return None
    if not replace or tenant is None:
        raise BadArchive(f"{manifest.slug} is there ({manifest.schema}); say --replace to put the archive in its place")
    return ref(tenant)


def _set_aside(tenant: TenantRef, path: Path) -> Path:
    kept = path.with_name(f"{path.name}.replaced")
    if kept.exists():
        raise BadArchive(f"{kept} is there already, from an earlier replacement; move it away first")
    back_up(tenant, kept)
    drop_schema(tenant.schema)
    return kept


def _load_schema(archive: tarfile.TarFile, manifest: Manifest) -> None:
    with tempfile.NamedTemporaryFile(prefix="schema-") as dumped:
        with part(archive, DUMP) as stream:
            shutil.copyfileobj(stream, dumped)
        dumped.flush()
        load(manifest.schema, dumped=Path(dumped.name))
    try:
        with connect() as connection:
            refuse_other_content(content_of(connection, manifest.schema), manifest.tables)
    except BadArchive:
        drop_schema(manifest.schema)
        raise


def _put_back_rows(archive: tarfile.TarFile, manifest: Manifest) -> int:
    try:
        with connect() as connection:
            rooms = sql.Identifier(manifest.schema, "chat_room")
            connection.execute(sql.SQL("UPDATE {} SET epoch = uuidv7()").format(rooms))
            return people.copy_in(connection, archive, manifest)
    except BaseException:
        drop_schema(manifest.schema)
        raise


def _migrate(manifest: Manifest) -> None:
    """An archive of an earlier release comes up to this one."""
    migrator = Migrator()
    applied = frozenset((app, name) for app, _, name in (said.partition(".") for said in manifest.migrations))
    if migrator.behind([manifest.schema]):
        migrator.migrate(Schema(manifest.schema, applied))


def _put_back_file(archive: tarfile.TarFile, tenant_id: UUID, name: str) -> None:
    with part(archive, name) as stream:
        files.put_back(tenant_id, UUID(name.rpartition("/")[2]), stream)
