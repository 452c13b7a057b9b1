"""`/healthz/live`, `/healthz/ready`, `/healthz/startup`: answered before any host, session or tenant is looked at.

*live*: the event loop turns. *ready*: the database and every Redis answer, and the server is not draining. *startup*: the public
schema has all its migrations.
"""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

import redis.asyncio
from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import connection, connections
from django.db.migrations.executor import MigrationExecutor

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

PREFIX: Final = "/healthz/"
TIMEOUT: Final = 1.0  # seconds for each dependency
KEEP: Final = 2.0  # seconds that an answer of `ready` is repeated, so that probes cost nothing

draining = False  # set by `drain`, for good: this process takes no new work


def drain() -> None:
    """From now on not ready: this process takes no new work."""
    global draining
    draining = True


class Health:
    """Wraps the whole application and answers the three probes itself."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self._kept: tuple[float, dict[str, str]] = (0.0, {})
        self._asking: asyncio.Task[dict[str, str]] | None = None
        self._migrated = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith(PREFIX):
            await _answer(send, await self._said(scope["path"].removeprefix(PREFIX).rstrip("/")))
        else:
            await self._application(scope, receive, send)

    async def _said(self, probe: str) -> tuple[int, dict[str, str]]:
        if probe == "live":
            return 200, {"status": "live"}
        if probe == "ready":
            return await self._ready()
        if probe == "startup":
            return await self._startup()
        return 404, {"status": "no such probe"}

    async def _ready(self) -> tuple[int, dict[str, str]]:
        if draining:
            return 503, {"status": "draining"}
        asked, found = self._kept
        if time.monotonic() - asked > KEEP or not found:
            found = await self._ask()
        well = all(state == "ok" for state in found.values())
        return 200 if well else 503, {"status": "ready" if well else "not ready", **found}

    async def _ask(self) -> dict[str, str]:
        """Once for all who want to know meanwhile."""
        asking = self._asking
        if asking is None or asking.done():
            asking = self._asking = asyncio.create_task(_dependencies())
        found = await asyncio.shield(asking)
        self._kept = (time.monotonic(), found)
        return found

    async def _startup(self) -> tuple[int, dict[str, str]]:
        self._migrated = self._migrated or await _state(_on_a_thread(_is_migrated)) == "ok"
        return (200, {"status": "started"}) if self._migrated else (503, {"status": "migrations are missing"})


async def _dependencies() -> dict[str, str]:
    checks: dict[str, Awaitable[None]] = {"database": _on_a_thread(_select_one)}
    for number, url in enumerate(settings.REDIS_HOSTS, 1):
        checks["redis" if number == 1 else f"redis{number}"] = _ping(url)
    states = await asyncio.gather(*(_state(check) for check in checks.values()))
    return dict(zip(checks, states, strict=True))


async def _state(check: Awaitable[None]) -> str:
    try:
        await asyncio.wait_for(check, TIMEOUT)
    except Exception as error:  # whatever it was, the dependency is not there
        return type(error).__name__
    return "ok"


async def _ping(url: str) -> None:
    client = redis.asyncio.Redis.from_url(url, socket_timeout=TIMEOUT, socket_connect_timeout=TIMEOUT)
    async with client:
        await client.ping()


def _on_a_thread(check: Callable[[], None]) -> Awaitable[None]:
    """On a thread of its own: the shared one may be waiting for the very database that is asked about."""

    def checked() -> None:
        try:
            check()
        finally:
            connections.close_all()

    return sync_to_async(checked, thread_sensitive=False)()


def _select_one() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def _is_migrated() -> None:
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        raise LookupError("migrations are missing")


async def _answer(send: Send, said: tuple[int, dict[str, str]]) -> None:
    status, body = said
    headers = [(b"content-type", b"application/json"), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(body).encode()})
