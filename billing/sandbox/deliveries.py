"""Telling the platform of events: signed as Stripe signs, posted one after the other, again and again until they are taken.

A delivery that nobody has taken yet is a row of the kind `_delivery`. Without an address the rows wait until somebody takes them.
"""

import asyncio
import http.client
import json
from typing import Any, Final
from urllib.parse import urlsplit

import stripe

from billing.sandbox import shapes
from billing.sandbox.faults import EVENTS, Faults
from billing.sandbox.settings import SNAPSHOT, THIN
from billing.sandbox.state import Object, State

KIND: Final = "_delivery"
RETRIES: Final = (10, 60, 600, 3600, 6 * 3600, 12 * 3600, 86_400, 86_400)  # seconds of the clock until the next try; then none
TIMEOUT: Final = 10  # seconds
TOOK: Final = range(200, 300)


class Deliveries:
    """All that is still to be told, and the task that tells it."""

    def __init__(self, state: State, faults: Faults) -> None:
        self._state, self._faults = state, faults
        self._woken, self._posting = asyncio.Event(), asyncio.Lock()

    def wake(self) -> None:
        """There may be something to tell."""
        self._woken.set()

    async def run(self) -> None:
        """Tell what is to be told, whenever it is woken."""
        while True:
            await self._woken.wait()
            self._woken.clear()
            await self.settle()

    async def settle(self) -> list[Object]:
        """Try everything that is due once; what came of it: event, type, status (0 for no answer)."""
        tried: list[Object] = []
        async with self._posting:
            self._collect()
            while (row := self._next()) is not None:
                status = await self._tell(row)
                tried.append({"event": row["event"], "type": row["type"], "status": status})
        return tried

    def release(self) -> None:
        """Let go of what a fault holds, and try at once what waits for another time."""
        self._collect()
        for row in self._in_order():
            self._state.drop(KIND, row["id"])
            self._state.put(KIND, row | {"held": False, "reverse": False, "next": 0})

    def take(self) -> list[Object]:
        """Everything that is not told yet, signed, as if it was told now. What a fault holds is left."""
        self._collect()
        rows = [row for row in self._in_order() if not row["held"]]
        for row in rows:
            self._state.drop(KIND, row["id"])
        return [self.signed(row["event"]) for row in rows]

    def waiting(self) -> int:
        """How many deliveries nobody has taken."""
        return len(self._state.table(KIND)) + len(self._state.outbox)

    def signed(self, event_id: str, *, secret: str = "", at: int | None = None) -> Object:
        """The message of an event: kind, event, type, body, signature. `at` is the second of signing, now unless given."""
        event = self._state.table("event").get(event_id) or self._state.get("v2.core.event", event_id)
        kind = SNAPSHOT if event["object"] == "event" else THIN
        shown = shapes.shown(event)
        if kind == THIN:
            del shown["data"]
        body = json.dumps(shown, indent=2)
        secret = secret or self._state.settings.endpoint(kind).secret
        signature = stripe.WebhookSignature.generate_signature_header(body, secret, at)
        return {"kind": kind, "event": event_id, "type": event["type"], "body": body, "signature": signature}

    def _collect(self) -> None:
        """Make rows of what has happened, as the faults will have it."""
        while self._state.outbox:
            event = self._state.find(self._state.outbox.popleft())
            if event is None:
                continue
            fault = self._faults.of(event["type"], EVENTS)
            does = fault.do if fault else ""
            for _ in range({"drop": 0, "double": 2}.get(does, 1)):
                self._state.put(KIND, self._row(event, does))

    def _row(self, event: Object, does: str) -> Object:
        return {
            "id": self._state.new_id("dlv"),
            "event": event["id"],
            "type": event["type"],
            "kind": SNAPSHOT if event["object"] == "event" else THIN,
            "held": does == "hold",
            "reverse": does == "reverse",
            "attempts": 0,
            "next": 0,
        }

    def _in_order(self) -> list[Object]:
        """All rows as they would be told: those that a fault turns around at the end, the last of them first."""
        rows = list(self._state.table(KIND).values())
        return [row for row in rows if not row["reverse"]] + [row for row in reversed(rows) if row["reverse"]]

    def _next(self) -> Object | None:
        """The oldest row that may be tried now."""
        now, settings = self._state.now(), self._state.settings
        for row in self._state.table(KIND).values():
            if not (row["held"] or row["reverse"]) and row["next"] <= now and settings.endpoint(row["kind"]).url:
                return row
        return None

    async def _tell(self, row: Object) -> int:
        message, url = self.signed(row["event"]), self._state.settings.endpoint(row["kind"]).url
        status = await asyncio.to_thread(post, url, message["body"].encode(), message["signature"])
        if row["id"] not in self._state.table(KIND):
            return status  # taken, or the state was reset in the meantime
        if status in TOOK or row["attempts"] >= len(RETRIES):
            self._state.drop(KIND, row["id"])
        else:
            wait = RETRIES[row["attempts"]]
            self._state.put(KIND, row | {"attempts": row["attempts"] + 1, "next": self._state.now() + wait})
        return status


def post(url: str, body: bytes, signature: str) -> int:
    """Post a message; the status of the answer, 0 if there is none. *.localhost is this machine, whatever its resolver says."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    connection = http.client.HTTPConnection(
        "127.0.0.1" if host.endswith("localhost") else host, parts.port or 80, timeout=TIMEOUT
    )
    headers: dict[str, Any] = {
        "Host": parts.netloc,
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": "Stripe/1.0 (stand-in)",
        "Stripe-Signature": signature,
    }
    try:
        connection.request("POST", parts.path or "/", body, headers)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()
