"""Where a site's tag was seen: told by the pages that ask for its config or a session, and kept at most once a minute each.

Anybody may send any Origin, so what is kept is bounded: so many origins of a site, the oldest forgotten first.
"""

import threading
import time
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import UUID

from django.db import connection

from chat.origins import is_origin
from chat.services.lines import UNSTORABLE
from saas.core.ids import uuid7
from tenants.context import TenantRef, in_tenant

SECONDS: Final = 60.0  # between two writes about the same origin of the same site
MOST: Final = 30  # origins of one site
NEW_A_MINUTE: Final = 10  # that this process takes of one site
KNOWN: Final = 10_000  # origins that this process remembers
LONGEST_PAGE: Final = 500
KEEP_SQL: Final = """
INSERT INTO chat_tagseen AS known (id, site_id, key, origin, page, first_at, seen_at)
SELECT %(id)s, id, %(key)s, %(origin)s, %(page)s, now(), now() FROM chat_site WHERE id = %(site)s
ON CONFLICT (site_id, key, origin) DO UPDATE SET page = excluded.page, seen_at = excluded.seen_at
WHERE known.seen_at < now() - make_interval(secs => %(seconds)s)
"""
FORGET_SQL: Final = """
DELETE FROM chat_tagseen WHERE id IN (
    SELECT id FROM chat_tagseen WHERE site_id = %(site)s ORDER BY seen_at DESC OFFSET %(most)s
)
"""


class Lately:
    """What this process has written down in the last minute. Safe from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._until: dict[tuple[str, str], float] = {}  # by embed key and origin
        self._of_key: dict[str, int] = {}  # written down since the minute began
        self._minute = 0.0

    def take(self, key: str, origin: str) -> bool:
        """Whether it is to be written down now. The next one of the same kind is not, for a minute."""
        now = time.monotonic()
        with self._lock:
            if now - self._minute > SECONDS or len(self._until) >= KNOWN:
                self._minute = now
                self._of_key.clear()
                self._until = {pair: until for pair, until in self._until.items() if until > now}
            if self._until.get((key, origin), 0.0) > now or self._of_key.get(key, 0) >= NEW_A_MINUTE:
                return False
            self._until[(key, origin)] = now + SECONDS
            self._of_key[key] = self._of_key.get(key, 0) + 1
        return True

    def would_take(self, key: str, origin: str) -> bool:
        """What `take` would say, without taking it."""
        return self._until.get((key, origin), 0.0) <= time.monotonic()

    def forget(self) -> None:
        """Take everything again."""
        with self._lock:
            self._until.clear()
            self._of_key.clear()


lately: Final = Lately()


def saw_tag(tenant: TenantRef, site_id: UUID, *, key: str, origin: str, page: str) -> None:
    """Keep that a page of this origin came with this key. Call it outside of the tenant, after `lately` let it through.

    Of the page's address only the path is kept, and only if it is of that origin.
    """
    if not is_origin(origin):
        return
    values: dict[str, Any] = {
        "id": uuid7(),
        "site": site_id,
        "key": key,
        "origin": origin,
        "page": page_of(origin, page),
        "seconds": SECONDS - 1,
    }
    with in_tenant(tenant), connection.cursor() as cursor:
        cursor.execute(KEEP_SQL, values)
        cursor.execute(FORGET_SQL, {"site": site_id, "most": MOST})


def page_of(origin: str, address: str) -> str:
    """The page's address without query and fragment; the origin alone for an address that is none of its."""
    try:
        parts = urlsplit(UNSTORABLE.sub("", address))
    except ValueError:
        return origin
    if f"{parts.scheme}://{parts.netloc}".lower() != origin:
        return origin
    return f"{origin}{parts.path}"[:LONGEST_PAGE]
