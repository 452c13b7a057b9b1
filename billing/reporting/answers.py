"""What an answer of Stripe's, or none, means for a batch. Pure, but for the dice of the back-off."""

import random
from datetime import datetime, timedelta
from typing import Final

from billing.gateway.errors import AlreadyReported, Away, Busy, Denied, NoSuch, Refused
from billing.models import MeterReport
from billing.reporting.leases import Answer, Claimed

FIRST_WAIT: Final = timedelta(seconds=5)
LONGEST_WAIT: Final = timedelta(minutes=10)
NOT_BEGUN: Final = (Busy, Denied)  # answers by which Stripe says that it did nothing

SENT, PENDING, REJECTED = MeterReport.Status.SENT, MeterReport.Status.PENDING, MeterReport.Status.REJECTED


def counted(batch: Claimed) -> Answer:
    """Stripe has it."""
    return Answer(batch.id, SENT)


def untried(batch: Claimed) -> Answer:
    """It was claimed and not sent after all: as if nothing had been."""
    return Answer(batch.id, PENDING, is_untouched=batch.is_first, is_untried=True)


def refused(batch: Claimed, error: Exception, moment: datetime) -> Answer:
    """After an error: delivered before, refused for good, or to be tried again later under the same key."""
    if isinstance(error, AlreadyReported):
        return counted(batch)
    if isinstance(error, Refused | NoSuch):
        return Answer(batch.id, REJECTED, error=str(error))
    text = str(error) or type(error).__name__
    is_untouched = batch.is_first and isinstance(error, NOT_BEGUN)
    return Answer(batch.id, PENDING, text, moment + wait(batch.attempts), is_untouched=is_untouched)


def wait(attempts: int) -> timedelta:
    """How long until the next try: twice as long each time, up to ten minutes, less up to a half by chance."""
    whole: timedelta = min(FIRST_WAIT * 2 ** min(attempts - 1, 10), LONGEST_WAIT)
    return whole * (1 - random.random() / 2)  # noqa: S311  no secret


def is_outage(error: Exception) -> bool:
    """Whether it says something of Stripe and not of the batch."""
    return isinstance(error, Away) or not isinstance(error, AlreadyReported | Refused | NoSuch | Busy)
