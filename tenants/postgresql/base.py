"""Django's database backend with a role per tenant: SET ROLE and SET search_path travel together and fail closed.

On the `public` schema a connection is `porch_platform`; in a tenant's schema it is that tenant's role, which may read and write
there and nowhere else. A statement never runs under a role or path that this module did not see come into force.
"""

import re
import select
import time
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol, cast

from django.db import OperationalError, ProgrammingError, connections
from django.utils.asyncio import async_unsafe
from django_tenants.postgresql_backend import base
from psycopg import ClientCursor, Connection, Cursor
from psycopg.errors import InsufficientPrivilege
from psycopg.pq import TransactionStatus

from saas.core import slow
from saas.core.errors import Busy

PUBLIC = "public"
PLATFORM_ROLE = "porch_platform"
MOST_TOLD = 300  # characters of a slow statement in the log
MOST_PREPARED = 200  # statements that are kept planned by one connection
SCHEMA_NAME = re.compile(r"[a-z_][a-z0-9_]{0,60}")  # needs no quotes, and leaves room for the role's prefix
SHUT: Final = "This inbox is being restored. It is back in a while."
SHUT_SECONDS: Final = 5.0  # until it is worth trying again


class HasSchema(Protocol):
    """What `set_tenant` needs to know of a tenant."""

    @property
    def schema_name(self) -> str: ...


class Shut(Busy, OperationalError):
    """The web may not become this tenant for now: an archive is being put in its place. Nothing was stored.

    A refusal for whoever asks, and for those who keep what the database could not take a database that is away.
    """

    def __init__(self, message: str = SHUT, *, field: str | None = None, retry_after: float | None = SHUT_SECONDS) -> None:
        super().__init__(message, field=field, retry_after=retry_after)


def role_of(schema: str) -> str:
    """The role under which statements in a schema run."""
    return PLATFORM_ROLE if schema == PUBLIC else f"r_{schema}"


def connection_of(alias: str) -> "DatabaseWrapper":
    """This thread's connection, as what it is."""
    return cast("DatabaseWrapper", connections[alias])


class DatabaseWrapper(base.DatabaseWrapper):  # type: ignore[misc]
    """Enters a schema with the first statement after `set_tenant`, and again after everything that may have undone it."""

    schema_name: str
    search_path_set_schemas: str | None  # the path that was set since the schema was entered, unless something undid it
    _setting_search_path: bool

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.execute_wrappers.append(_timed)

    def set_tenant(self, tenant: HasSchema, include_public: bool = True) -> None:  # noqa: FBT001, FBT002 (the base's signature)
        """Let the next statement run in the tenant's schema, under its role. Sends nothing yet.

        The base class also empties the process's cache of content types; ours are the same for all tenants, so it stays.
        """
        if not SCHEMA_NAME.fullmatch(tenant.schema_name):
            raise ValueError(f"{tenant.schema_name!r} is not a schema of ours")
        self.tenant = tenant
        self.schema_name = tenant.schema_name
        self.include_public_schema = include_public
        self.search_path_set_schemas = None  # the base forgets it after close, rollback and rollback to a savepoint too

    def _handle_search_path(self, cursor: Any = None) -> None:
        """Make role and path those of `schema_name`. Raises if the server did not do both."""
        info = self.connection.info
        path = self._path()
        if self._setting_search_path or info.transaction_status == TransactionStatus.INERROR:
            return  # in a failed transaction every statement is refused but the rollback that is about to come
        if self.search_path_set_schemas == path and info.parameter_status("search_path") == path:
            return  # set since this schema was entered, and the server (18 or later) says that it is still in force
        self.search_path_set_schemas = None
        self._setting_search_path = True
        try:
            with self.wrap_database_errors, ClientCursor(self.connection) as setter:
                # Without parameters this is one message and one implicit transaction: the server does both or neither.
                setter.execute(self._enter(path).encode())
        except ProgrammingError as error:
            if self.schema_name != PUBLIC and isinstance(error.__cause__, InsufficientPrivilege):
                raise Shut from error
            raise
        finally:
            self._setting_search_path = False
        if info.parameter_status("search_path") not in {path, None}:
            raise OperationalError(f"search_path is not {path!r} although it was just set")
        self.search_path_set_schemas = path

    def read(self, statement: str, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """The rows of a statement that is planned once per schema and connection: for what is read often and planned long.

        A plan belongs to the search_path under which it was made, so the statement names its schema, and each has its own plan.
        """
        self.ensure_connection()
        self._handle_search_path()
        connection: Connection[Any] = self.connection
        connection.prepare_threshold, connection.prepared_max = 0, MOST_PREPARED
        with self.wrap_database_errors, Cursor(connection) as cursor:
            if self.queries_logged:
                self.queries_log.append({"sql": statement, "time": "0"})  # for those who count
            began = time.perf_counter()
            cursor.execute(f"/* {self.schema_name} */ {statement}".encode(), values, prepare=True)
            rows = cursor.fetchall()
            _note_if_slow(statement, self.schema_name, time.perf_counter() - began)
            return rows

    def _path(self) -> str:
        """The search_path as the server reports it."""
        if self.schema_name == PUBLIC or not self.include_public_schema:
            return self.schema_name
        return f"{self.schema_name}, {PUBLIC}"

    def _enter(self, path: str) -> str:
        return f"SET ROLE {role_of(self.schema_name)}; SET search_path = {path}"

    @async_unsafe
    def get_new_connection(self, conn_params: dict[str, Any]) -> Connection[Any]:
        """A connection from the pool that the server has not cut while it was idle, for example by its restart."""
        self.search_path_set_schemas = None
        connection: Connection[Any] = super().get_new_connection(conn_params)
        while self.pool and _was_cut(connection):
            connection.close()
            self.pool.putconn(connection)
            connection = super().get_new_connection(conn_params)
        return connection


def _timed(execute: Callable[..., Any], statement: str, values: Any, many: bool, context: dict[str, Any]) -> Any:  # noqa: FBT001
    """Around each statement of Django's cursors."""
    began = time.perf_counter()
    try:
        return execute(statement, values, many, context)
    finally:
        _note_if_slow(statement, context["connection"].schema_name, time.perf_counter() - began)


def _note_if_slow(statement: str, schema: str, seconds: float) -> None:
    """Without its values, which may be anything that anybody wrote."""
    if seconds > slow.QUERY.limit:
        slow.QUERY.note(seconds, schema=schema, statement=" ".join(str(statement).split())[:MOST_TOLD])


def _was_cut(connection: Connection[Any]) -> bool:
    """True if an idle connection has something to read: a farewell or the end. Costs no round trip."""
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return bool(poll.poll(0))
