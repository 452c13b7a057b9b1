"""Everything that the stand-in knows: tables of objects as Stripe shows them, the clock, and the events that it has caused.

    customer = state.get("customer", customer_id)          # 404 in Stripe's words if it is not there
    customer["balance"] -= 500
    state.put("customer", customer)                         # without `put` a change is not kept on disk
    state.emit("customer.updated", customer, {"balance": 0})
    return state.list("invoice", params, lambda invoice: invoice["customer"] == customer_id)

A kind is Stripe's word for the object, as in its field `object`: "customer", "billing.meter", "subscription". A kind of the
stand-in's own begins with "_": it is kept and reset like the others, and never shown. Objects are stored with ids, not with the
objects that they point to (`customer: "cus_1"`); `expand` is followed when an answer is shown. Times are seconds of `now()`.

One thread uses a state, and a handler runs to its end before the next begins, all at one second.
"""

import contextlib
import copy
import random
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from billing.sandbox import shapes
from billing.sandbox.errors import invalid, missing
from billing.sandbox.settings import Settings

Object = dict[str, Any]
LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
LENGTHS: Final = {"cus": 14, "prod": 14}  # of what follows the prefix; others have 24
PAGE: Final = 10  # objects of a list without `limit`
LARGEST_PAGE: Final = 100
NEWER_THAN: Final = {"gt": int.__gt__, "gte": int.__ge__, "lt": int.__lt__, "lte": int.__le__}
CLOCK: Final = "_clock"


class State:
    """See above. `settings` says where the stand-in is to be found; `request` is the request under way, (id, idempotency key)."""

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings = settings or Settings()
        self.request: tuple[str | None, str | None] = (None, None)
        self.outbox: deque[str] = deque()  # ids of events that nobody has been told of yet
        self.dirty: dict[tuple[str, str], None] = {}  # what differs from the disk, in the order of the first change
        self.memory: dict[str, Any] = {}  # what a module derives from the tables and keeps for speed; emptied by `reset`
        self._tables: dict[str, dict[str, Object]] = {}
        self._random = random.Random()  # noqa: S311  ids must differ, not be secret
        self._standing: int | None = None  # the second at which the clock stands while one thing is done
        self._offset = 0

    # --- the clock

    def now(self) -> int:
        """The second of the movable clock: real time and what it was moved by."""
        return self._standing if self._standing is not None else int(time.time()) + self._offset

    def move_to(self, second: int) -> None:
        """Set the clock; it runs on from there. `clock.move` also does what falls due on the way."""
        self._set_offset(second - int(time.time()))
        self.put(CLOCK, {"id": CLOCK, "offset": self._offset})

    @contextlib.contextmanager
    def standing(self, second: int | None = None) -> Iterator[None]:
        """Hold the clock for as long as the block, which may lie in another: at a second, as while something is done that fell
        due then, or where it is."""
        before, self._standing = self._standing, self.now() if second is None else second
        try:
            yield
        finally:
            self._standing = before

    def _set_offset(self, seconds: int) -> None:
        self._offset = seconds
        if file := self.settings.clock_file:
            partial = file.with_name(file.name + ".part")
            partial.write_text(str(seconds))
            partial.replace(file)

    # --- objects

    def new_id(self, prefix: str) -> str:
        """An id that was never used, as `cus_NffrFeUfNV2Hib`."""
        return f"{prefix}_{''.join(self._random.choices(LETTERS, k=LENGTHS.get(prefix, 24)))}"

    def table(self, kind: str) -> dict[str, Object]:
        """All objects of a kind by id, oldest first. For reading; `put` and `drop` change it."""
        return self._tables.setdefault(kind, {})

    def get(self, kind: str, id: str, param: str = "id") -> Object:
        """The stored object itself. Raises `Refusal` 404 that names `param`."""
        found = self.table(kind).get(id)
        if found is None:
            raise missing(kind, id, param)
        return found

    def put(self, kind: str, obj: Object) -> Object:
        """Keep a new or a changed object under its `id`; returns it."""
        self.table(kind)[obj["id"]] = obj
        self.dirty[kind, obj["id"]] = None
        return obj

    def drop(self, kind: str, id: str) -> Object:
        """Delete an object; returns Stripe's answer to that. Raises `Refusal` 404."""
        self.get(kind, id)
        del self.table(kind)[id]
        self.dirty[kind, id] = None
        return {"id": id, "object": kind, "deleted": True}

    def find(self, id: str) -> Object | None:
        """The object with an id, whatever its kind."""
        for kind, table in self._tables.items():
            if id in table and not kind.startswith("_"):
                return table[id]
        return None

    def list(self, kind: str, params: Object, where: Callable[[Object], bool] | None = None) -> Object:
        """Stripe's list, newest first: the page that `limit`, `starting_after`, `ending_before` and `created` ask for.

        Raises `Refusal` for a limit out of 1 to 100 and for an unknown cursor.
        """
        rows = [row for row in reversed(self.table(kind).values()) if (where is None or where(row)) and _is_of(row, params)]
        return paged(rows, params)

    # --- events

    def emit(self, type: str, obj: Object, previous: Object | None = None) -> Object:
        """Record a snapshot event and send it. `previous` has the old values of what an update changed."""
        data: Object = {"object": copy.deepcopy(shapes.shown(obj))}
        if previous is not None:
            data["previous_attributes"] = copy.deepcopy(previous)
        request_id, key = self.request
        event = {
            "id": self.new_id("evt"),
            "object": "event",
            "api_version": shapes.API_VERSION,
            "created": self.now(),
            "data": data,
            "livemode": False,
            "pending_webhooks": 0,
            "request": {"id": request_id, "idempotency_key": key},
            "type": type,
        }
        return self._send(self.put("event", event))

    def emit_thin(self, type: str, related: Object | None, data: Object) -> Object:
        """Record a thin event and send its notification. `related` is {"id", "type", "url"}; `data` shows when fetched."""
        event = {
            "id": self.new_id("evt_test"),
            "object": "v2.core.event",
            "type": type,
            "created": shapes.instant(self.now()),
            "livemode": False,
            "context": None,
            "reason": None,
            "data": data,
            **({"related_object": related} if related else {}),
        }
        return self._send(self.put("v2.core.event", event))

    def _send(self, event: Object) -> Object:
        self.outbox.append(event["id"])
        return event

    # --- the whole

    def load(self, objects: Iterable[tuple[str, Object]]) -> None:
        """Take what was kept: (kind, object), oldest first."""
        for kind, obj in objects:
            self.table(kind)[obj["id"]] = obj
        self._set_offset(self.table(CLOCK).get(CLOCK, {"offset": 0})["offset"])

    def reset(self) -> None:
        """Forget everything, and let the clock show real time."""
        for kind, table in self._tables.items():
            self.dirty.update(dict.fromkeys((kind, id) for id in table))
        self._tables.clear()
        self.memory.clear()
        self.outbox.clear()
        self._standing = None
        self._set_offset(0)


def paged(rows: list[Object], params: Object) -> Object:
    """A page of rows that are newest first, in Stripe's list form; the server puts in the `url`."""
    limit = params.get("limit", PAGE)
    if not 1 <= limit <= LARGEST_PAGE:
        raise invalid(f"Invalid limit: {limit}. It must be from 1 to {LARGEST_PAGE}.", "limit")
    ids = [row["id"] for row in rows]
    if (before := params.get("ending_before")) is not None:
        end = _position(ids, before, "ending_before")
        page, more = rows[max(0, end - limit) : end], end > limit
    else:
        start = _position(ids, params["starting_after"], "starting_after") + 1 if "starting_after" in params else 0
        page, more = rows[start : start + limit], len(rows) > start + limit
    return {"object": "list", "data": page, "has_more": more}


def _position(ids: list[str], cursor: str, param: str) -> int:
    if cursor not in ids:
        raise missing("object", cursor, param)
    return ids.index(cursor)


def _is_of(row: Object, params: Object) -> bool:
    """Whether a row was made when `created` asks for: a second, or bounds."""
    created = params.get("created")
    if created is None:
        return True
    if isinstance(created, int):
        return bool(row["created"] == created)
    return all(NEWER_THAN[bound](row["created"], at) for bound, at in created.items())
