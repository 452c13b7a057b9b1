"""Who is here now, asked from outside of the sockets: as all processes tell it.

A process without a socket of the tenant listens to the others from the first question on; that one takes `ANSWER_SECONDS`.
Where no hub runs there is nobody to be asked: a process alone that has served no socket yet.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Final, TypeVar
from uuid import UUID

from chat.realtime.here import LocalTenant
from chat.realtime.hub import Hub, hub, running_hub
from chat.realtime.protocol.outgoing import LiveVisitor
from tenants.context import TenantRef

log = logging.getLogger(__name__)

R = TypeVar("R")

WAIT_SECONDS: Final = 2.0  # for an event loop that has much to do


def listen() -> None:
    """Begin to hear who is with the other processes, before the first socket comes. On the event loop that serves sockets."""
    hub()


def agents_here(tenant: TenantRef) -> int:
    """How many agents of the tenant are at their inbox, may answer, and are neither away nor busy. From a thread."""
    return _ask(tenant, lambda local: local.agents, nobody=0)


def is_here(tenant: TenantRef, person_id: UUID) -> bool:
    """Whether this agent or visitor has a socket open, on any process. From a thread."""
    return _ask(tenant, lambda local: person_id in local.roster, nobody=False)


def visitors_here(tenant: TenantRef) -> list[LiveVisitor]:
    """The visitors who are on the sites now, in the order of their ids. From a thread."""
    return _ask(tenant, LocalTenant.visitors, nobody=[])


def _ask(tenant: TenantRef, read: Callable[[LocalTenant], R], *, nobody: R) -> R:
    found = running_hub()
    if found is None or found.loop.is_closed() or not found.loop.is_running():
        return nobody
    try:
        return asyncio.run_coroutine_threadsafe(_watch(found, tenant, read), found.loop).result(WAIT_SECONDS)
    except TimeoutError:
        log.warning("the event loop did not say in %s s who of tenant %s is here", WAIT_SECONDS, tenant.id)
        return nobody


async def _watch(found: Hub, tenant: TenantRef, read: Callable[[LocalTenant], R]) -> R:
    return read(await found.watch(tenant))
