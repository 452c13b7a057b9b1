"""The backend of `porch_owner`, which makes and migrates schemas: it changes the search_path only, and fails closed too."""

from typing import Any

from django.db.backends.base.introspection import TableInfo
from django_tenants.postgresql_backend.introspection import DatabaseSchemaIntrospection

from tenants.postgresql import base

TABLES = """
    SELECT c.relname, CASE WHEN c.relkind IN ('m', 'v') THEN 'v' WHEN c.relispartition THEN 'p' ELSE 't' END
    FROM pg_namespace n
    JOIN pg_depend d ON d.refclassid = 'pg_namespace'::regclass AND d.refobjid = n.oid AND d.classid = 'pg_class'::regclass
    JOIN pg_class c ON c.oid = d.objid AND c.relkind IN ('f', 'm', 'p', 'r', 'v')
    WHERE n.nspname = %s
"""


class Introspection(DatabaseSchemaIntrospection):  # type: ignore[misc]
    """Lists the tables of one schema by its dependencies, which have an index.

    Django reads all of pg_class and asks of each row whether it is visible: the cost of a migration would grow with the tenants.
    """

    def get_table_list(self, cursor: Any) -> list[TableInfo]:
        cursor.execute(TABLES, [self.connection.schema_name])
        return [TableInfo(name, kind) for name, kind in cursor.fetchall()]


class DatabaseWrapper(base.DatabaseWrapper):
    """Works as its login role in every schema."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.introspection = Introspection(self)

    def _enter(self, path: str) -> str:
        return f"SET search_path = {path}"
