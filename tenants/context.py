"""The door to a tenant's data. Nothing else enters a schema.

Sync code: `with in_tenant(tenant):`. Async code: `await run_in_tenant(tenant, fn, ...)`, which enters and leaves in one hop to a
thread, since a schema belongs to the connection and a connection to its thread. Nothing lazy comes out.
"""

import asyncio
import contextvars
import dataclasses
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from types import GeneratorType
from typing import Any, ParamSpec, TypeVar
from uuid import UUID

from django.conf import settings
from django.db import connections
from django.db.models import Manager, QuerySet
from django.db.models.query import RawQuerySet

from saas.core.fairpool import FairPool
from tenants.postgresql.base import PUBLIC, connection_of, role_of

P = ParamSpec("P")
R = TypeVar("R")

OPEN_SECONDS = 1.0  # that the start of a server waits for its connections


@dataclasses.dataclass(frozen=True, slots=True)
class TenantRef:
    """Who a tenant is, as a value that may be kept and passed between threads and sockets."""

    id: UUID
    slug: str
    name: str
    schema: str
    status: str

    @property
    def role(self) -> str:
        """The database role that owns nothing but may use the tenant's schema."""
        return role_of(self.schema)

    @property
    def schema_name(self) -> str:
        """What django-tenants calls the schema."""
        return self.schema


# Where a tenant's data is reached. Another alias only while a tenant is being made, whose schema nobody else sees yet.
_alias: contextvars.ContextVar[str] = contextvars.ContextVar("database of the current tenant", default="default")


@contextmanager
def in_tenant(tenant: TenantRef) -> Iterator[None]:
    """Everything inside reads and writes the tenant's schema, under the tenant's role, on this thread's connection.

    Evaluate what leaves the block. Raises `RuntimeError` inside another tenant.
    """
    connection = connection_of(_alias.get())
    if connection.schema_name != PUBLIC:
        raise RuntimeError(f"still in {connection.schema_name}: leave one tenant before entering another")
    connection.set_tenant(tenant)
    try:
        yield
    finally:
        connection.set_schema_to_public()


async def run_in_tenant(tenant: TenantRef, fn: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
    """Call `fn` inside the tenant, on a thread of a bounded pool; its result, evaluated.

    Raises what `fn` raises, and `TypeError` if the result is lazy. Cancelling the caller does not stop an `fn` that has begun.
    """
    return await _hop(tenant.id, partial(_inside, tenant, fn, *args, **kwargs))


async def run_on_platform(fn: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
    """Call `fn` on the same threads outside of every tenant, for reads and writes of the `public` schema."""
    return await _hop(None, partial(fn, *args, **kwargs))


async def run_for_tenant(tenant: TenantRef, fn: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
    """Call `fn`, which enters the tenant by itself, on the same threads and on the tenant's account."""
    return await _hop(tenant.id, partial(fn, *args, **kwargs))


async def open_connections() -> None:
    """Open most of the connections that tenants share, before many people ask at once. A database that is away costs nothing."""
    opened = [run_on_platform(lambda: connections["default"].ensure_connection()) for _ in range(_pool_size())]
    with suppress(TimeoutError):
        async with asyncio.timeout(OPEN_SECONDS):
            await asyncio.gather(*opened, return_exceptions=True)


class Router:
    """While `through` is in force, models are read and written over that alias unless a query names one."""

    def db_for_read(self, model: Any, **hints: Any) -> str | None:
        alias = _alias.get()
        return None if alias == "default" else alias

    db_for_write = db_for_read


@contextmanager
def through(alias: str) -> Iterator[None]:
    """Use another database alias for everything inside: models, and `in_tenant`. For provisioning only."""
    token = _alias.set(alias)
    try:
        yield
    finally:
        _alias.reset(token)


def evaluated(value: R) -> R:
    """The value, if it holds nothing that would ask the database later; `TypeError` otherwise. Looks one level deep."""
    for part in (value, *_parts(value)):
        if isinstance(part, QuerySet | RawQuerySet) and getattr(part, "_result_cache", None) is None:
            raise TypeError("a lazy queryset must not leave the tenant: make it a list inside")
        if isinstance(part, GeneratorType | Manager):
            raise TypeError(f"a {type(part).__name__} must not leave the tenant: make it a list inside")
    return value


def _parts(value: object) -> tuple[object, ...]:
    if isinstance(value, tuple | list | set | frozenset):
        return tuple(value)
    if isinstance(value, dict):
        return tuple(value.values())
    if dataclasses.is_dataclass(value):
        return tuple(getattr(value, field.name) for field in dataclasses.fields(value))
    return ()


def _inside(tenant: TenantRef, fn: Callable[..., R], *args: Any, **kwargs: Any) -> R:
    with in_tenant(tenant):
        return fn(*args, **kwargs)


async def _hop(owner: UUID | None, call: Callable[[], R]) -> R:
    """On a thread, when it is the owner's turn: no tenant holds all threads, or makes another wait for all that it asks."""
    context = contextvars.copy_context()
    return await asyncio.wrap_future(_threads.submit(owner, partial(context.run, _call, call)))


def _call(call: Callable[[], R]) -> R:
    try:
        return evaluated(call())
    finally:
        connections.close_all()  # hands the connection back to Django's pool


def _pool_size() -> int:
    """Fewer threads than connections: requests on other threads need some too."""
    pool = settings.DATABASES["default"]["OPTIONS"].get("pool", {})
    return max(1, int(pool.get("max_size", 4)) - 2)


_threads = FairPool(_pool_size(), "tenant")
