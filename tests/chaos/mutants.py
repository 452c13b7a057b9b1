"""The shipped server with defects: `python -m tests.chaos.mutants <names> --port 8000`; no name, none.

The product has no switch for any of this: a defect is patched into this one process, and then the product's own `main` runs.
Each shows that the checker would find such a defect.
"""
# mypy: disable-error-code="method-assign,assignment,attr-defined,arg-type,misc"

import asyncio
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "saas.settings")

from tests.chaos import clock  # noqa: F401  # isort: skip  # takes the time over, before anybody asks for it
from saas import serve  # isort: skip  # loads the apps

from chat.consumers import polling
from chat.realtime import append, beats, flusher
from chat.realtime.append import APPEND, Row
from chat.realtime.here import LocalTenant
from chat.realtime.hub import Hub
from chat.realtime.journal import Journal
from chat.realtime.local import Local
from chat.realtime.protocol.moments import stamp as honest_stamp
from chat.selectors import messages
from chat.services import members
from saas.core import fastsocket
from saas.core.errors import Unauthenticated
from saas.core.ratelimit import local as local_limits
from saas.core.ratelimit import permits_on_credit
from tenants import tokens
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
    Local.mend = lambda self, place: None


def no_send_bound() -> None:
    """A socket's buffer grows for ever."""
    fastsocket.MAX_BUFFER = 1 << 40


def bans_unsaid() -> None:
    """Who is banned stays where they are: no socket is put out of its room."""
    members.put_out = lambda *told: None


def no_second_look() -> None:
    """Nobody looks again whether somebody may still be where they are: an order that is lost is lost."""
    beats.put_out_lost = lambda seats, lost, leave: None


def notes_for_visitors() -> None:
    """A visitor may join the room of the notes about them, if they know its id."""
    own = "room.kind = 'support' AND room.visitor_id = %(me)s"
    notes = "room.notes_of_id IN (SELECT theirs.id FROM chat_room theirs WHERE theirs.visitor_id = %(me)s)"
    assert own in messages.SNAPSHOT
    messages.SNAPSHOT = messages.SNAPSHOT.replace(own, f"({own} OR {notes})")


def notices_unsaid() -> None:
    """A notification is stored, and no open socket hears of it."""
    Hub.notify = lambda self, tenant, notice, to: None


def nobody_leaves() -> None:
    """A visitor whose socket has ended is here for ever."""
    honest = LocalTenant.went

    def went(self: LocalTenant, session: Any, then: Callable[[], None]) -> None:
        if session.principal.kind == "agent":
            honest(self, session, then)

    LocalTenant.went = went


def http_turned_round() -> None:
    """The frames of one request are taken from the last to the first."""
    honest = polling._handle

    async def handle(session: Any, outbox: Any, said: list[bytes]) -> bytes:
        return await honest(session, outbox, said[::-1])

    polling._handle = handle


def limits_by_wall_clock() -> None:
    """Limits count by the clock on the wall, which may be set back."""
    wall = SimpleNamespace(monotonic=lambda: time.time())
    permits_on_credit.time = local_limits.time = wall


def future_refused() -> None:
    """Who brings a token that was made by a clock ahead of this one is told that it is worth nothing, now and for ever."""

    def of_our_time(claims: dict[str, Any]) -> dict[str, Any]:
        if claims["iat"] > time.time():
            raise Unauthenticated("The token is not valid.")
        return claims

    tokens._of_our_time = of_our_time


def stamped_here() -> None:
    """An `ack` says when this process thinks that it was, not when the database stored it."""
    append.stamp = lambda moment: honest_stamp(datetime.now(UTC))


DEFECTS: dict[str, Callable[[], None]] = {
    one.__name__: one
    for one in (
        *(ack_before_commit, no_dedupe, resume_by_id, no_tenant_reset, no_gap_repair, no_send_bound),
        *(bans_unsaid, no_second_look, notes_for_visitors, notices_unsaid, nobody_leaves, http_turned_round),
        *(limits_by_wall_clock, future_refused, stamped_here),
    )
}


def main(words: Sequence[str]) -> None:
    """Break what is named, with commas, then serve."""
    for name in filter(None, words[0].split(",")):
        DEFECTS[name]()
    sys.argv = [serve.__file__ or "serve", *words[1:]]
    serve.main()


if __name__ == "__main__":
    main(sys.argv[1:])
