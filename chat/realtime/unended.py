"""What must not stop half way, whoever asked for it: their socket may end, and it goes on without them."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any, TypeVar

from saas.core.errors import AppError

log = logging.getLogger(__name__)

T = TypeVar("T")


class Unended:
    """What was begun on an event loop in this way, and has not ended."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._tasks: set[asyncio.Task[Any]] = set()

    def __len__(self) -> int:
        return len(self._tasks)

    async def to_the_end(self, work: Coroutine[Any, Any, T]) -> T:
        """Await it. Where the caller is cancelled, it goes on alone, and an error of ours is logged."""
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            task.add_done_callback(_went_on_alone)
            raise

    async def wait(self, seconds: float) -> None:
        """For what there is now, at most so long."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)


def _went_on_alone(task: asyncio.Task[Any]) -> None:
    """A refusal of ours is nobody's business then; an error is ours."""
    error = None if task.cancelled() else task.exception()
    if error is not None and not isinstance(error, AppError):
        log.error("what nobody waited for any more ended in an error of ours", exc_info=error)
