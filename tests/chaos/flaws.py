"""Defects of the functions in the tenants' schemas: some words of one are replaced, as an operator could."""

from collections.abc import Sequence
from dataclasses import dataclass

from psycopg import sql

from tests.chaos.ground import Ground


@dataclass(frozen=True)
class Flaw:
    """In the function of this name each of these words stands for others."""

    function: str
    words: tuple[tuple[str, str], ...]

    def make(self, ground: Ground, schemas: Sequence[str]) -> None:
        """Put it into these schemas. Raises ValueError where the function does not say such words."""
        with ground.connect() as operator:
            for schema in schemas:
                operator.execute(sql.SQL(self._flawed(self._source(operator, schema))))

    def _source(self, operator: object, schema: str) -> str:
        found = operator.execute(  # type: ignore[attr-defined]
            "SELECT pg_get_functiondef(p.oid) FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace"
            " WHERE n.nspname = %s AND p.proname = %s",
            [schema, self.function],
        ).fetchone()
        return str(found[0])

    def _flawed(self, source: str) -> str:
        for words, others in self.words:
            if words not in source:
                raise ValueError(f"{self.function} does not say {words!r}")
            source = source.replace(words, others)
        return source
