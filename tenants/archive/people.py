"""A tenant's rows of `public`: its hosts and keys, who works there and how they sign in, and what they did."""

import tarfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple
from uuid import UUID

from psycopg import sql

from tenants.archive.manifest import ROWS, BadArchive, Manifest, Rows, part
from tenants.archive.schema import Connection

MEMBERS: Final = "SELECT user_id FROM tenants_membership WHERE tenant_id = {tenant}"


@dataclass(frozen=True, slots=True)
class Table:
    """Which rows of a table are the tenant's. Those that hang on a user come back only with the user."""

    name: str
    which: str
    user: str = ""  # the column that names the user
    back: str = ""  # the column by which it is told what came back


# In the order in which they are put back.
TABLES: Final = (
    Table("tenants_user", f"id IN ({MEMBERS})"),
    Table("account_emailaddress", f"user_id IN ({MEMBERS})", user="user_id"),
    Table("mfa_authenticator", f"user_id IN ({MEMBERS})", user="user_id"),
    Table("tenants_tenant", "id = {tenant}"),
    Table("tenants_domain", "tenant_id = {tenant}", back="domain"),
    Table("tenants_embedkey", "tenant_id = {tenant}"),
    Table("tenants_membership", "tenant_id = {tenant}", back="user_id"),
    Table("tenants_invitation", "tenant_id = {tenant}"),
    Table("tenants_firstrun", "tenant_id = {tenant}"),
    Table("tenants_auditentry", "tenant_id = {tenant}"),
)
# A number that the database gave is only good in the database that gave it.
COLUMNS: Final = """
    SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
        AND NOT (attname = 'id' AND atttypid IN ('int4'::regtype, 'int8'::regtype)) ORDER BY attnum
"""
# What stands in the way of a tenant or a person that comes from elsewhere: somebody else has its name, its host, or the address.
# Who is here already stays as they are now, and takes nothing from those who have what was theirs once.
TAKEN: Final = """
    SELECT 'the name ' || mine.slug FROM new_tenants_tenant mine JOIN tenants_tenant other USING (slug)
        WHERE mine.id NOT IN (SELECT id FROM tenants_tenant)
    UNION ALL SELECT 'the host ' || mine.domain FROM new_tenants_domain mine JOIN tenants_domain other USING (domain)
        WHERE mine.tenant_id NOT IN (SELECT id FROM tenants_tenant)
    UNION ALL SELECT 'the address ' || mine.email FROM new_tenants_user mine JOIN tenants_user other USING (email)
        WHERE mine.id NOT IN (SELECT id FROM tenants_user)
"""
# Whoever is no member any more may have been removed on purpose: an archive does not let them in again, an owner may. A tenant
# whose owners are all gone lost them by an accident, for the last one is never removed.
OWNERS: Final = "SELECT FROM tenants_membership WHERE tenant_id = %s AND role = 'owner' AND disabled_at IS NULL"
DISABLE: Final = "UPDATE new_tenants_membership SET disabled_at = coalesce(disabled_at, now())"
MEMBERS_BACK: Final = """
    SELECT user_id, name, email, role FROM tenants_membership JOIN tenants_user ON tenants_user.id = user_id
        WHERE tenant_id = %s AND user_id = ANY (%s) ORDER BY name, email
"""


class Member(NamedTuple):
    """Somebody who is a member again."""

    user_id: UUID
    name: str
    email: str
    role: str


@dataclass(frozen=True, slots=True)
class Back:
    """What was missing in `public` and is there again: how many rows, and of those the members and the hosts.

    `stood` is whether the tenant's own row was there, `disabled` whether the members came back so.
    """

    rows: int
    members: list[Member]
    hosts: list[str]
    stood: bool
    disabled: bool


def copy_out(connection: Connection, tenant_id: UUID, folder: Path) -> dict[str, Rows]:
    """Write the tenant's rows of each table into a file of the folder; what was written, by the table's name."""
    return {table.name: _copy_out(connection, table, tenant_id, folder / table.name) for table in TABLES}


def copy_in(connection: Connection, archive: tarfile.TarFile, manifest: Manifest) -> Back:
    """Put back what is not there, in the connection's transaction. What is there stays as it is.

    Where the tenant has an owner, members who are missing come back disabled. Raises BadArchive as `refuse_taken` does.
    """
    refuse_taken(connection, archive, manifest)
    newcomers = "SELECT mine.id FROM new_tenants_user mine WHERE mine.id NOT IN (SELECT id FROM tenants_user)"
    connection.execute(f"CREATE TEMP TABLE newcomers ON COMMIT DROP AS {newcomers}")
    stood = connection.execute("SELECT FROM tenants_tenant WHERE id = %s", [manifest.tenant_id]).fetchone() is not None
    if disabled := connection.execute(OWNERS, [manifest.tenant_id]).fetchone() is not None:
        connection.execute(DISABLE)  # all of them: those who are there are not put in again
    back = {table.name: _insert(connection, table, manifest.public[table.name].columns) for table in TABLES}
    told = {name: [value for (value,) in rows] for name, (_count, rows) in back.items()}
    members = connection.execute(MEMBERS_BACK, [manifest.tenant_id, told["tenants_membership"]]).fetchall()
    count = sum(count for count, _rows in back.values())
    return Back(count, [Member(*row) for row in members], told["tenants_domain"], stood, disabled)


def refuse_taken(connection: Connection, archive: tarfile.TarFile, manifest: Manifest) -> None:
    """Raise BadArchive if something that must be the tenant's own is somebody else's here, or a newer release wrote these rows.

    In the connection's transaction, in which the archive's rows stand beside the tables from now on.
    """
    for table in TABLES:
        _load(connection, archive, table, manifest.public)
    if taken := [what for (what,) in connection.execute(TAKEN).fetchall()]:
        raise BadArchive(f"somebody else here has {', '.join(taken)}")


def _copy_out(connection: Connection, table: Table, tenant_id: UUID, to: Path) -> Rows:
    columns = [name for (name,) in connection.execute(COLUMNS, [table.name]).fetchall()]
    which = sql.SQL(table.which).format(tenant=sql.Literal(tenant_id))
    chosen = sql.SQL("COPY (SELECT {} FROM {} WHERE {}) TO STDOUT").format(_listed(columns), sql.Identifier(table.name), which)
    rows = 0
    with connection.cursor() as cursor, cursor.copy(chosen) as copied, to.open("wb") as file:
        for line in copied:
            rows += 1
            file.write(line)
    return Rows(columns=columns, rows=rows)


def _load(connection: Connection, archive: tarfile.TarFile, table: Table, public: Mapping[str, Rows]) -> None:
    """The archive's rows beside the table, where they can be looked at before they are put in."""
    here = {name for (name,) in connection.execute(COLUMNS, [table.name]).fetchall()}
    columns = public[table.name].columns
    if unknown := set(columns) - here:
        raise BadArchive(f"a newer release made this archive: {table.name} has no {', '.join(sorted(unknown))} here")
    beside, original = sql.Identifier(f"new_{table.name}"), sql.Identifier(table.name)
    chosen = sql.SQL("SELECT {} FROM {} WITH NO DATA").format(_listed(columns), original)
    connection.execute(sql.SQL("CREATE TEMP TABLE {} ON COMMIT DROP AS {}").format(beside, chosen))
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(beside, _listed(columns))
    with connection.cursor() as cursor, cursor.copy(statement) as copied, part(archive, f"{ROWS}/{table.name}") as stream:
        while piece := stream.read(1 << 16):
            copied.write(piece)


def _insert(connection: Connection, table: Table, columns: list[str]) -> tuple[int, list[tuple[Any, ...]]]:
    """Put the missing rows in: how many, and what they are told by."""
    names = _listed(columns)
    which = sql.SQL("WHERE {} IN (SELECT id FROM newcomers)").format(sql.Identifier(table.user)) if table.user else sql.SQL("")
    told = sql.SQL("RETURNING {}").format(sql.Identifier(table.back)) if table.back else sql.SQL("")
    statement = sql.SQL("INSERT INTO {} ({}) SELECT {} FROM {} {} ON CONFLICT DO NOTHING {}").format(
        sql.Identifier(table.name), names, names, sql.Identifier(f"new_{table.name}"), which, told
    )
    done = connection.execute(statement)
    return done.rowcount, done.fetchall() if table.back else []


def _listed(columns: Iterable[str]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, columns))
