"""A tenant back from its archive: all of it, or everything as it was."""

import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import UUID

import psycopg
from psycopg import sql

from saas.core import files, registry
from tenants.archive import people, replacing
from tenants.archive.making import back_up
from tenants.archive.manifest import DUMP, BadArchive, Manifest, opened, part
from tenants.archive.schema import Connection, content_of, is_there, load, refuse_other_content
from tenants.archive.writing_down import write_down
from tenants.context import TenantRef
from tenants.models import Tenant
from tenants.provisioning import drop_schema
from tenants.resolve import ref
from tenants.schemas import Migrator, Schema

# Milliseconds: no room changes as often, so it is above all revisions that were told since the archive was made.
ROOMS_ANEW: Final = sql.SQL("""
    UPDATE {} SET epoch = uuidv7(), rev = greatest(rev + 1, (extract(epoch FROM clock_timestamp()) * 1000)::bigint)
""")
CUT_OFF: Final = "and what was there could not be put back, which the same command, run again, does first"


@dataclass(frozen=True, slots=True)
class Restored:
    """What came back. `kept` is the archive of what stood there before, if something did."""

    tenant: TenantRef
    rows: int  # of its schema
    back: people.Back  # what of `public` was missing
    files: int
    kept: Path | None


def restore(path: Path, *, replace: bool = False) -> Restored:
    """Load an archive. Every room gets another epoch, so that nobody's client takes the old history for the new one, and a
    revision above all that were told, so that nobody's takes the old state for the newer.

    Where the tenant's schema stands, `replace` is needed: nobody comes in from then on, what stands there is written to an
    archive beside this one, and goes once the new one is whole. Whatever was acknowledged is in one of the two.
    Raises BadArchive, RuntimeError with what PostgreSQL's programs say, psycopg.Error and OSError: then everything is as it was.
    """
    with opened(path) as (archive, manifest), replacing.alone() as owner:
        replacing.put_back(owner, manifest.schema)  # an earlier run was cut off
        there = _checked(owner, archive, manifest, replace=replace)
        kept = _place_for(path) if there else None
        stored: list[UUID] = []
        with _all_or_nothing(owner, manifest, kept, stored):
            replacing.begin(owner, manifest.schema)
            if there and kept:
                with replacing.setting_aside(owner, manifest.schema):
                    back_up(there, kept, is_alone=True)
            _load_schema(owner, archive, manifest)
            _migrate(manifest)
            for name in manifest.files:
                _put_back_file(archive, manifest.tenant_id, name, stored)
            back = _open(owner, archive, manifest)
        tenant = ref(Tenant.objects.get(id=manifest.tenant_id))
    registry.tenant_restored(tenant=tenant)
    registry.tenant_changed(tenant_id=tenant.id)
    return Restored(tenant, sum(table.rows for table in manifest.tables.values()), back, len(manifest.files), kept)


def _checked(owner: Connection, archive: tarfile.TarFile, manifest: Manifest, *, replace: bool) -> TenantRef | None:
    """The tenant whose schema stands in the way, if one does and may go. Raises BadArchive."""
    tenant = Tenant.objects.filter(id=manifest.tenant_id).first()
    if tenant is not None and tenant.status == Tenant.Status.CLOSED:
        raise BadArchive(f"{tenant.slug} was closed and its data deleted: what was deleted on purpose does not come back")
    known = Migrator().known
    if unknown := set(manifest.migrations) - known:
        raise BadArchive(f"a newer release made this archive: {', '.join(sorted(unknown))} is not known here")
    stands = is_there(owner, manifest.schema)
    if stands and (not replace or tenant is None):
        raise BadArchive(f"{manifest.slug} is there ({manifest.schema}); say --replace to put the archive in its place")
    if stands or manifest.files:
        files.check_place()
    with owner.transaction(force_rollback=True):
        people.refuse_taken(owner, archive, manifest)
    return ref(tenant) if stands and tenant else None


def _place_for(path: Path) -> Path:
    kept = path.with_name(f"{path.name}.replaced")
    if kept.exists():
        raise BadArchive(f"{kept} is there already, from an earlier replacement; move it away first")
    return kept


@contextmanager
def _all_or_nothing(owner: Connection, manifest: Manifest, kept: Path | None, stored: list[UUID]) -> Iterator[None]:
    """What fails inside leaves nothing behind: the schema as it was, no archive of it, none of the files that were missing."""
    try:
        yield
    except BaseException as error:
        try:
            replacing.put_back(owner, manifest.schema)
        except psycopg.Error as other:
            raise RuntimeError(f"{error}; {CUT_OFF}: {other}") from error
        if kept:
            kept.unlink(missing_ok=True)
        for file_id in stored:
            files.delete(manifest.tenant_id, file_id)
        if Tenant.objects.filter(id=manifest.tenant_id, status=Tenant.Status.CLOSED).exists():
            drop_schema(manifest.schema)  # it was closed meanwhile, and what stood aside was not erased
        raise


def _load_schema(owner: Connection, archive: tarfile.TarFile, manifest: Manifest) -> None:
    with tempfile.NamedTemporaryFile(prefix="schema-") as dumped:
        with part(archive, DUMP) as stream:
            shutil.copyfileobj(stream, dumped)
        dumped.flush()
        load(dumped=Path(dumped.name))
    refuse_other_content(content_of(owner, manifest.schema), manifest.tables)


def _open(owner: Connection, archive: tarfile.TarFile, manifest: Manifest) -> people.Back:
    """The last step, in one transaction; what of `public` was missing."""
    with owner.transaction():
        owner.execute(ROOMS_ANEW.format(sql.Identifier(manifest.schema, "chat_room")))
        back = people.copy_in(owner, archive, manifest)
        write_down(owner, manifest, back)
        status = owner.execute("SELECT status FROM tenants_tenant WHERE id = %s FOR SHARE", [manifest.tenant_id]).fetchone()
        if status == (Tenant.Status.CLOSED,):
            raise BadArchive(f"{manifest.slug} was closed meanwhile")
        replacing.finish(owner, manifest.schema)
    return back


def _migrate(manifest: Manifest) -> None:
    """An archive of an earlier release comes up to this one."""
    migrator = Migrator()
    applied = frozenset((app, name) for app, _, name in (said.partition(".") for said in manifest.migrations))
    if migrator.behind([manifest.schema]):
        migrator.migrate(Schema(manifest.schema, applied))


def _put_back_file(archive: tarfile.TarFile, tenant_id: UUID, name: str, stored: list[UUID]) -> None:
    file_id = UUID(name.rpartition("/")[2])
    with part(archive, name) as stream:
        if files.put_back(tenant_id, file_id, stream):
            stored.append(file_id)
