"""The sender: takes leases, tells Stripe, and writes down what became of it. Any number of processes may send at once.

Each meter of a tenant has one call under way at most, as Stripe wants it; many meters are sent side by side. A sender may be
killed at any moment: what it had claimed waits for its lease to run out, and goes again under the same key.
"""

import asyncio
import logging
import random
import time
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from billing.clock import now
from billing.gateway import gateway
from billing.gateway.errors import Busy, Denied
from billing.gateway.shapes import UsageReport
from billing.reporting import answers
from billing.reporting.held import move_on
from billing.reporting.leases import FIRST, Answer, Chain, Claimed, Leases
from tenants.context import run_on_platform

CALLS: Final = 20  # under way at once: as many connections as the SDK's client keeps open
WRITE_EVERY: Final = 0.25  # seconds
BUSY_TRIES: Final = 4  # of one batch while its lease is held
BUSY_WAIT: Final = 0.2  # seconds before the second try; then twice as long each time
OUTAGE: Final = 8  # calls one after the other without an answer: then Stripe is away, and the rest can wait
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Drained:
    """What a run of the sender did. `stopped` says why it ended before all was sent; empty: nothing was left to send."""

    sent: int
    failed: int
    stopped: str = ""
    is_trouble: bool = False  # it stopped because Stripe denies us or does not answer


async def drain(limit_seconds: float, account_id: UUID | None = None) -> Drained:
    """Send what is due, of a tenant or of all, for at most so long (and until the calls under way are answered).

    Raises NotConfigured without a key for Stripe, and what the database raises when it goes: nothing is lost by that.
    """
    await run_on_platform(move_on)
    return await _Drain(limit_seconds, account_id).run()


class _Drain:
    """One run."""

    def __init__(self, limit_seconds: float, account_id: UUID | None) -> None:
        self._gateway = gateway()
        self._leases = Leases(account_id)
        self._end = time.monotonic() + limit_seconds
        self._chains: asyncio.Queue[Chain] = asyncio.Queue(CALLS)
        self._answers: list[Answer] = []
        self._done: list[UUID] = []  # positions whose lease is given up with the next write
        self._sent = self._failed = self._silent = 0
        self._stopped, self._is_trouble = "", False
        self._is_finished, self._writing = False, asyncio.Lock()

    async def run(self) -> Drained:
        """Workers and writer until nothing is due, or there is a reason to stop."""
        async with asyncio.TaskGroup() as group:
            workers = [group.create_task(self._work()) for _ in range(CALLS)]
            group.create_task(self._write_again_and_again())
            await self._claim_all()
            await self._chains.join()
            for worker in workers:
                worker.cancel()
            self._is_finished = True
        await self._write()
        return Drained(self._sent, self._failed, self._stopped, self._is_trouble)

    async def _claim_all(self) -> None:
        """In passes over all positions, until one finds nothing."""
        after, found = FIRST, False
        while not self._is_over():
            chains = await run_on_platform(self._leases.claim, CALLS, after=after)
            for chain in chains:
                await self._chains.put(chain)
            if chains:
                after, found = chains[-1].position, True
                continue
            if not found:
                return
            await self._chains.join()
            await self._write()
            after, found = FIRST, False

    def _is_over(self) -> bool:
        if not self._stopped and time.monotonic() > self._end:
            self._stopped = "The time was over."
        return bool(self._stopped)

    async def _work(self) -> None:
        while True:
            chain = await self._chains.get()
            await self._send(chain)
            self._chains.task_done()

    async def _send(self, chain: Chain) -> None:
        """Until one fails: then the rest of its meter waits for the next pass."""
        left = list(chain.batches)
        while left and not self._is_over() and time.monotonic() < chain.until:
            answer = await self._tell(chain, left.pop(0))
            self._answers.append(answer)
            if answer.status == answers.PENDING:
                break
        self._answers += [answers.untried(batch) for batch in left]
        self._done.append(chain.position)

    async def _tell(self, chain: Chain, batch: Claimed) -> Answer:
        """One batch, as often as Stripe is too busy for it."""
        report = UsageReport(chain.event_name, chain.customer, batch.quantity, batch.identifier, batch.event_time)
        tries = 0
        while True:
            tries += 1
            try:
                await self._gateway.a_send_usage(report)
            except Busy as error:
                if tries == BUSY_TRIES or time.monotonic() > chain.until:
                    return self._heard(batch, error)
                await asyncio.sleep(_busy_wait(tries, error.retry_after))
            except Exception as error:
                return self._heard(batch, error)
            else:
                return self._heard(batch, None)

    def _heard(self, batch: Claimed, error: Exception | None) -> Answer:
        """Count an answer. What no batch is to blame for stops the run: at once if we are denied, else after a few."""
        answer = answers.refused(batch, error, now()) if error else answers.counted(batch)
        self._silent = self._silent + 1 if error and answers.is_outage(error) else 0
        if isinstance(error, Denied):
            self._stopped, self._is_trouble = f"Stripe denies us: {error}", True
        elif self._silent >= OUTAGE and not self._is_trouble:
            self._stopped, self._is_trouble = f"Stripe does not answer: {answer.error}", True
        if answer.status == answers.SENT:
            self._sent += 1
        else:
            self._failed += 1
            log.warning("batch %s: %s", batch.identifier, answer.error)
        return answer

    async def _write_again_and_again(self) -> None:
        while not self._is_finished:
            await asyncio.sleep(WRITE_EVERY)
            await self._write()

    async def _write(self) -> None:
        """What is not written when we die is found out again: the same key, the same answer."""
        async with self._writing:
            heard, self._answers = self._answers, []
            done, self._done = self._done, []
            if heard or done:
                await run_on_platform(self._leases.settle, heard, done)


def _busy_wait(tries: int, retry_after: float | None) -> float:
    longest: float = max(retry_after or 0, BUSY_WAIT * 2**tries)
    return longest * (1 - random.random() / 2)  # noqa: S311  no secret
