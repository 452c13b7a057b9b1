"""HTTP by turns: however much one tenant asks of Django, the others are answered, and the sockets go on.

A request counts against its address and its tenant before anything is done for it; who asks too often is answered late, and so
asks less. Django works on threads of its own, few of them, of which a tenant holds at most its share: what else it asks waits for
its turn. A thread counts until it is done, also where the client went away meanwhile. What is quick of one tenant goes on one
thread, call by call: two at once would be no quicker, and the sockets would wait for the interpreter twice as often.
"""

import asyncio
import logging
import random
import re
from collections.abc import Callable, Hashable
from concurrent.futures import Executor, Future
from functools import partial
from typing import Any, Final, ParamSpec, TypeVar

import psycopg
from asgiref.sync import ThreadSensitiveContext
from django.conf import settings
from django.db import DatabaseError, connections
from structlog.contextvars import bind_contextvars

from saas.core.errors import AppError, Busy, RateLimited
from saas.core.fairpool import FairPool
from saas.core.http import scope_ip, send_error
from saas.core.interpreter import handing_over_soon
from saas.core.ratelimit import PLATFORM, Places, permits
from saas.core.ratelimit.limit import network_of
from tenants.context import TenantRef
from tenants.limits import (
    HTTP_PATIENCE,
    HTTP_PER_IP,
    HTTP_PER_TENANT,
    HTTP_SHARE,
    HTTP_THREADS,
    HTTP_WAITING,
    REFUSED_IN_ALL,
    REFUSED_PER_TENANT,
)
from tenants.plans import a_plan_of
from tenants.resolve import a_site_key, a_tenant_for_host
from tenants.routing import Application, Scope, header, same_host

log = logging.getLogger(__name__)

NOBODY: Final = "nobody"  # asked under a host or a key that is no tenant's
LINGER_SECONDS: Final = 1.0  # so much later comes an answer that refuses: who asks again at once asks no faster
BACK_SECONDS: Final = (1.0, 4.0)  # who was refused because too much waits comes back between

P = ParamSpec("P")
T = TypeVar("T")
Asker = tuple[Hashable, TenantRef | None]  # whose share it is, and the tenant if it is one's

_KEY: Final = re.compile(r"^/w/([A-Za-z0-9_-]{1,64})/")


class FairHttp:
    """Wraps the HTTP application, which is Django."""

    def __init__(self, application: Application) -> None:
        self.application = application
        self._threads = FairPool(HTTP_THREADS, "http", share=HTTP_SHARE, patience=HTTP_PATIENCE)
        self._impatient: set[Hashable] = set()  # whose calls wait, and are looked at again
        self._refused = Places()  # requests whose answer is held back

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        whose, tenant = await _asker_of(scope)
        if tenant:
            bind_contextvars(tenant=tenant.id)
        try:
            await _count(tenant, whose, scope_ip(scope))
            self._check_room(whose)
        except AppError as error:
            await self._refused.linger({REFUSED_PER_TENANT: whose, REFUSED_IN_ALL: None}, LINGER_SECONDS)
            return await send_error(send, error)
        async with ThreadSensitiveContext(executor=_OneOff(self, whose)):
            return await self.application(scope, receive, send)

    def submit(self, whose: Hashable, call: Callable[[], T]) -> Future[T]:
        """On a thread of theirs; a second one is given when the first takes long. From the event loop."""
        future = self._threads.submit(whose, call)
        if whose not in self._impatient and self._threads.waits(whose):
            self._impatient.add(whose)
            asyncio.get_running_loop().call_later(HTTP_PATIENCE, self._look_again, whose)
        return future

    def _look_again(self, whose: Hashable) -> None:
        if self._threads.look_again(whose):
            asyncio.get_running_loop().call_later(HTTP_PATIENCE, self._look_again, whose)
        else:
            self._impatient.discard(whose)

    def _check_room(self, whose: Hashable) -> None:
        if self._threads.waits(whose) >= HTTP_WAITING:
            raise Busy("Too many requests are waiting.", retry_after=random.uniform(*BACK_SECONDS))  # noqa: S311  # no secret


class _OneOff(Executor):
    """Each call on whatever thread is free, which keeps no connection to the database."""

    def __init__(self, http: FairHttp, whose: Hashable) -> None:
        self._http, self._whose = http, whose

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        return self._http.submit(self._whose, partial(_call, partial(fn, *args, **kwargs)))


def _call(call: Callable[[], T]) -> T:
    with handing_over_soon:
        try:
            return call()
        finally:
            connections.close_all()  # hands the connection back to Django's pool


async def _asker_of(scope: Scope) -> Asker:
    """By the host, or on the widget host by the key in the path."""
    host = header(scope, b"host") or ""
    try:
        if same_host(host, settings.WIDGET_HOST):
            found = _KEY.match(scope["path"])
            key = await a_site_key(found[1]) if found else None
            tenant = key.tenant if key else None
            return _asker(tenant, NOBODY if found else PLATFORM)
        if same_host(host, settings.BASE_HOST) or same_host(host, settings.DEMO_HOST):
            return PLATFORM, None
        return _asker(await a_tenant_for_host(host), NOBODY)
    except (DatabaseError, psycopg.Error) as error:
        log.warning("the tenant of a request could not be read: %s", error)
        return NOBODY, None


def _asker(tenant: TenantRef | None, otherwise: str) -> Asker:
    return (tenant.id, tenant) if tenant else (otherwise, None)


async def _count(tenant: TenantRef | None, whose: Hashable, address: str) -> None:
    """Count one. Raises RateLimited."""
    known, network = permits(), network_of(address)
    if tenant is None:
        counters = [known.counter(HTTP_PER_IP, str(whose), network)]
    else:
        plan = await a_plan_of(tenant)
        pairs = ((HTTP_PER_IP, network), (HTTP_PER_TENANT, "all"))
        counters = [known.counter(plan.of(limit), tenant.id, key) for limit, key in pairs]
    if wait := await known.a_take(counters):
        raise RateLimited("That was too often; wait a moment.", retry_after=wait)
