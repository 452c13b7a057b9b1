"""How long a tenant's messages are kept."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from billing.clock import now
from billing.models import PlanMove, Subscription
from billing.selectors.plans import plan_of
from billing.terms import terms

MERCY: Final = timedelta(days=30)  # after a plan that kept more


def kept_since(account_id: UUID) -> datetime | None:
    """What was said before then is deleted; None: nothing is.

    Whoever goes to a plan that keeps less has 30 days to think better of it, or to export.
    """
    since = now() - MERCY
    if PlanMove.for_tenant(account_id).filter(kind__in=(PlanMove.Kind.CONTRACTION, PlanMove.Kind.CHURN), at__gt=since).exists():
        return None
    ended = Subscription.for_tenant(account_id).filter(status="canceled", ended_at__gt=since).select_related("plan")
    kept = [plan_of(account_id).retention_days, *(terms(one.plan).retention_days for one in ended)]
    longest = [days for days in kept if days is not None]
    return None if len(longest) < len(kept) else now() - timedelta(days=max(longest))
