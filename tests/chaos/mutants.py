"""The shipped server with one defect: `python -m tests.chaos.mutants <name> --port 8000`.

The product has no switch for any of this: the defect is patched into this one process, and then the product's own `main` runs.
Each shows that the checker would find such a defect.
"""
# mypy: disable-error-code="method-assign,assignment,attr-defined,arg-type,misc"

import asyncio
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any
from uuid import uuid4

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "saas.settings")

from saas import serve  # isort: skip  # loads the apps

from chat.realtime import beats, flusher
from chat.realtime.append import APPEND, Row
from chat.realtime.journal import Journal
from chat.realtime.local import Local
from chat.selectors import messages
from saas.core import fastsocket
from tenants.postgresql.base import PUBLIC, DatabaseWrapper


def ack_before_commit() -> None:
    """Senders are answered while the transaction is still open."""

    async def flush(self: Journal, pipeline: flusher.Flusher, groups: flusher.Groups) -> None:
        async with (await pipeline._connect()).transaction():
            await self._settle(pipeline, await pipeline._send(groups))
            await asyncio.sleep(0.2)

    Journal._flush_main = flush


def no_dedupe() -> None:
    """A message that is sent again is another message."""

    def columns(rows: Sequence[Row]) -> tuple[list[Any], ...]:
        return APPEND.columns([replace(row, cid=uuid4()) for row in rows])

    flusher.CALLS[Row] = replace(APPEND, columns=columns)


def resume_by_id() -> None:
    """Who comes back gets the messages with a greater id than the last one they know, not those with a greater seq."""
    known = "(SELECT id FROM chat_message known WHERE known.room_id = %(room)s AND known.seq = %(after)s::bigint)"
    messages.SNAPSHOT = messages.SNAPSHOT.replace("change.changed > %(after)s::bigint", f"change.id > {known}")
    assert known in messages.SNAPSHOT


def no_tenant_reset() -> None:
    """A connection that was in a tenant stays there."""
    honest = DatabaseWrapper.set_tenant

    def set_tenant(self: DatabaseWrapper, tenant: Any, include_public: bool = True) -> None:
        if getattr(self, "first_tenant", None) is None and tenant.schema_name != PUBLIC:
            self.first_tenant = tenant
        honest(self, self.first_tenant if tenant.schema_name != PUBLIC else tenant, include_public)

    DatabaseWrapper.set_tenant = set_tenant


def no_gap_repair() -> None:
    """What a doorbell did not bring is never read from the database, and no ping tells how far a room has come."""
    beats.heads = lambda room_ids: {}
    Local.mend = lambda self, place, *, force=False: None


def no_send_bound() -> None:
    """A socket's buffer grows for ever."""
    fastsocket.MAX_BUFFER = 1 << 40


DEFECTS: dict[str, Callable[[], None]] = {
    one.__name__: one for one in (ack_before_commit, no_dedupe, resume_by_id, no_tenant_reset, no_gap_repair, no_send_bound)
}


def main(words: Sequence[str]) -> None:
    """Break, then serve."""
    DEFECTS[words[0]]()
    sys.argv = [serve.__file__ or "serve", *words[1:]]
    serve.main()


if __name__ == "__main__":
    main(sys.argv[1:])
