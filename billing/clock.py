"""What time it is for money: real time, or that of the stand-in for Stripe, whose clock people may move.

The stand-in writes by how many seconds it is ahead into STRIPE_CLOCK_FILE. With Stripe itself there is no such file.
"""

from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.utils import timezone


def now() -> datetime:
    """The moment, in UTC."""
    return timezone.now() + shift()


def shift() -> timedelta:
    """By how much the clock was moved."""
    if not settings.STRIPE_CLOCK_FILE:
        return timedelta(0)
    try:
        return timedelta(seconds=int(Path(settings.STRIPE_CLOCK_FILE).read_text() or 0))
    except FileNotFoundError:
        return timedelta(0)
