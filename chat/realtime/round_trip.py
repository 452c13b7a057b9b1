"""One round trip of prepared statements: all of them in one write, in one implicit transaction.

psycopg's cursors would write each statement by itself, and the database would wake up for each. This leans on the same parts of
psycopg (`pq`, `generators`), one level below its cursors.
"""

import re
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import psycopg
from psycopg import abc, errors, generators, pq
from psycopg.abc import PQGen
from psycopg.adapt import Buffer, Loader, Transformer
from psycopg.pq.abc import PGconn, PGresult

from chat.realtime.packing import Packed

MOST_PREPARED: Final = 1_000  # statements of one connection


class Command(NamedTuple):
    """A statement with `$1` for its first parameter, and the parameters."""

    statement: bytes
    parameters: Sequence[Packed]


class Failed(Exception):  # it carries what the caller decides about
    """The database refused one of the commands: nothing of the round trip is stored."""

    def __init__(self, place: int, error: psycopg.Error) -> None:
        super().__init__(str(error))
        self.place = place  # of the command; behind the last one, it was the commit that failed
        self.error = error


class JsonText(Loader):
    """A jsonb column as its text: most of what is read so is never looked at."""

    format = pq.Format.BINARY

    def load(self, data: Buffer) -> str:
        return bytes(data[1:]).decode()  # behind the version of the format


def numbered(statement: str) -> bytes:
    """The statement with `$1`, `$2` and so on in the place of each `%s`."""
    parts = re.split("%s", statement)
    return "".join(f"{part}${place}" for place, part in enumerate(parts[:-1], 1)).encode() + parts[-1].encode()


class RoundTrips:
    """Those of one connection, which has nothing else to do. After any error but `Failed` the connection is of no use."""

    def __init__(self, connection: psycopg.AsyncConnection[Any]) -> None:
        self._connection = connection
        self._names: dict[bytes, bytes] = {}  # of what is prepared, by the statement
        self._made = 0
        connection.adapters.register_loader("jsonb", JsonText)

    @property
    def is_worn(self) -> bool:
        """Whether the connection holds so many statements that a new one is better."""
        return self._made >= MOST_PREPARED

    async def run(self, commands: Sequence[Command]) -> list[list[tuple[Any, ...]]]:
        """What each command returned. Raises `Failed`, or what breaks the connection."""
        results = await self._connection.wait(self._run(commands))
        reader = Transformer.from_context(self._connection)
        return [_rows(reader, result) for result in results]

    def _run(self, commands: Sequence[Command]) -> PQGen[list[PGresult]]:
        pgconn = self._connection.pgconn
        pgconn.enter_pipeline_mode()
        new: dict[bytes, bytes] = {}
        places = [place for place, command in enumerate(commands) for _ in range(self._send(pgconn, command, new))]
        pgconn.pipeline_sync()
        yield from generators.send(pgconn)
        found: list[PGresult] = []
        while not found or found[-1].status != pq.ExecStatus.PIPELINE_SYNC:
            found += yield from generators.fetch_many(pgconn)
        pgconn.exit_pipeline_mode()
        for number, result in enumerate(found):
            if result.status == pq.ExecStatus.FATAL_ERROR:
                raise Failed(places[number] if number < len(places) else len(commands), errors.error_from_result(result))
        self._names |= new
        return [result for result in found if result.status == pq.ExecStatus.TUPLES_OK]

    def _send(self, pgconn: PGconn, command: Command, new: dict[bytes, bytes]) -> int:
        """How many results will come: one more when the statement must be prepared, which `new` keeps."""
        statement, parameters = command
        name = self._names.get(statement) or new.get(statement)
        is_new = name is None
        if name is None:
            self._made += 1
            name = new[statement] = f"round{self._made}".encode()
            pgconn.send_prepare(name, statement, [one.oid for one in parameters])
        formats = [pq.Format.BINARY] * len(parameters)
        pgconn.send_query_prepared(name, [one.data for one in parameters], formats, result_format=pq.Format.BINARY)
        return 1 + is_new


def _rows(reader: abc.Transformer, result: PGresult) -> list[tuple[Any, ...]]:
    reader.set_pgresult(result, format=pq.Format.BINARY)
    return reader.load_rows(0, result.ntuples, tuple)
