"""Batches of tenants without a subscription at Stripe: kept, and sent if one comes."""

from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from django.db import connection

from billing.clock import now
from billing.reporting.freeze import DRAFT
from billing.reporting.freezing_sql import MOVE, RELEASE

KEPT: Final = timedelta(days=35)  # that Stripe takes an event back in time
MARGIN: Final = timedelta(hours=2)


def release(account_id: UUID | None = None) -> int:
    """Let the held batches of a tenant, or of all, be sent that lie in the time of a subscription; how many.

    What was used before the subscription stays held: it is nobody's to pay. Neither is what Stripe takes no more, after 35 days.
    """
    asked: dict[str, Any] = {"account": account_id, "now": now(), "oldest": now() - KEPT + MARGIN}
    with connection.cursor() as cursor:
        cursor.execute(RELEASE, asked)
        return int(cursor.rowcount)


def move_on() -> int:
    """Let batches that were never tried count in the current period where their own was invoiced meanwhile; how many."""
    asked: dict[str, Any] = {"now": now(), "grace": DRAFT}
    with connection.cursor() as cursor:
        cursor.execute(MOVE, asked)
        return int(cursor.rowcount)
