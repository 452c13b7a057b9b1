"""From the address of a socket to its tenant: `scope["tenant"]`, once, for the life of the socket.

Visitors come to `/ws/w/<embed key>/` on the widget host, agents to `/ws/agent/` on their tenant's host. What cannot be served is
accepted all the same and handed on with the close code in `scope["refused"]`: a browser learns nothing from a refused handshake.

Where sockets are blocked the same people come by HTTP: to `frames` and `events` under `/w/<embed key>/`, or under `/api/v1/`.
"""

import logging
import re
from collections.abc import Awaitable, Callable
from functools import lru_cache
from typing import Any, Final
from urllib.parse import urlsplit

import psycopg
from django.conf import settings
from django.db import DatabaseError

from saas.core.http import scope_ip
from tenants.context import TenantRef
from tenants.models import Tenant
from tenants.resolve import a_site_key, a_tenant_for_host
from tenants.source import Source, arrive, browser_of

Scope = dict[str, Any]
Application = Callable[[Scope, Any, Any], Awaitable[None]]

log = logging.getLogger(__name__)

BUSY: Final = 4013
NOT_YOURS: Final = 4403
NO_SUCH_SITE: Final = 4404
SUSPENDED: Final = 4410

_VISITOR: Final = re.compile(r"^/(?:ws/w/([A-Za-z0-9_-]{1,64})/|w/([A-Za-z0-9_-]{1,64})/(?:frames|events))$")
_AGENT: Final = re.compile(r"^/(?:ws/agent/|api/v1/(?:frames|events))$")
_BY_HTTP: Final = re.compile(r"^/(?:w/[^/]+|api/v1)/(frames|events)$")


class TenantRouter:
    """Wraps the socket application; adds `tenant`, `site_id` (None for agents) and `refused` (None, or a close code)."""

    def __init__(self, application: Application) -> None:
        self.application = application

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        arrive(_source(scope))
        try:
            tenant, site_id = await self._resolve(scope)
            refused = _refusal(scope, tenant)
        except (DatabaseError, psycopg.Error) as error:
            log.warning("the tenant of a socket could not be read: %s", error)
            tenant, site_id, refused = None, None, BUSY
        await self.application({**scope, "tenant": tenant, "site_id": site_id, "refused": refused}, receive, send)

    async def _resolve(self, scope: Scope) -> tuple[TenantRef | None, Any]:
        host, path = header(scope, b"host"), scope["path"]
        if found := _VISITOR.match(path):
            key = await a_site_key(found[1] or found[2]) if same_host(host, settings.WIDGET_HOST) else None
            return (key.tenant, key.site_id) if key else (None, None)
        if _AGENT.match(path) and host:
            return await a_tenant_for_host(host), None
        return None, None


class FramesByHttp:
    """Wraps the HTTP application: requests that carry frames go to `frames`, with their tenant as sockets have it, and `act`,
    which is `frames` or `events`. Everything else goes on to `otherwise`."""

    def __init__(self, frames: Application, *, otherwise: Application) -> None:
        self.frames = TenantRouter(frames)
        self.otherwise = otherwise

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        if found := _BY_HTTP.match(scope["path"]):
            await self.frames({**scope, "act": found[1]}, receive, send)
        else:
            await self.otherwise(scope, receive, send)


def _source(scope: Scope) -> Source:
    """Where a socket came from, for whoever writes down what is done over it."""
    return Source(scope_ip(scope), browser_of(header(scope, b"user-agent") or ""), "socket")


def _refusal(scope: Scope, tenant: TenantRef | None) -> int | None:
    if tenant is None:
        return NO_SUCH_SITE
    if not origin_is_own(header(scope, b"origin"), header(scope, b"host")):
        return NOT_YOURS
    if tenant.status != Tenant.Status.ACTIVE:
        return SUSPENDED
    return None


def origin_is_own(origin: str | None, host: str | None) -> bool:
    """Whether a socket comes from a page of the host that it is opened on. No Origin at all: a client that is no browser."""
    return origin is None or _is_of(origin, host or "", settings.SCHEME)


@lru_cache(1_024)
def _is_of(origin: str, host: str, scheme: str) -> bool:
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    plain = not (parts.path or parts.query or parts.fragment or "@" in parts.netloc)
    return plain and parts.scheme == scheme and bool(host) and parts.netloc.lower() == host.lower()


def key_in(scope: Scope) -> str:
    """The embed key in a visitor's address; empty for an agent."""
    found = _VISITOR.match(scope["path"])
    return (found[1] or found[2]) if found else ""


def header(scope: Scope, name: bytes) -> str | None:
    """A header of a request: None without it, and empty where it came more than once, which is nobody's honest word."""
    values = [value for key, value in scope["headers"] if key == name]
    return values[0].decode("latin-1") if len(values) == 1 else None if not values else ""


def same_host(host: str | None, wanted: str) -> bool:
    """Whether a host is the wanted one; ports do not matter."""
    return (host or "").lower().partition(":")[0] == wanted.lower().partition(":")[0]
