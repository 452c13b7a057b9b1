"""The sender, in an event loop of its own."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar
from uuid import UUID

from billing.clock import now
from billing.gateway import gateway
from billing.models import MeterReport
from billing.reporting.send import Drained, drain

R = TypeVar("R")


def send(seconds: float = 30, account_id: UUID | None = None) -> Drained:
    """Send what is due."""
    return in_loop(lambda: drain(seconds, account_id))


def in_loop(work: Callable[[], Awaitable[R]]) -> R:
    """Run it, and close what belongs to the loop."""

    async def run() -> R:
        try:
            return await work()
        finally:
            await gateway().a_close()

    return asyncio.run(run())


def at_once(account_id: UUID) -> None:
    """Let what waits for another try go now."""
    MeterReport.objects.filter(account_id=account_id, status="pending").update(next_attempt_at=now())
