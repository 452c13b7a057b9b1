"""Second factors that staff were asked to take away: what waits for a second person, and what went stale meanwhile."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from allauth.mfa.models import Authenticator
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from billing.models import FactorRemoval
from billing.roles import may_help_in

PATIENCE: Final = timedelta(days=7)  # for which what was asked may be approved: who called then is known to be them for no longer


@dataclass(frozen=True, slots=True)
class Waiting:
    """What was asked for and is not settled."""

    removal: FactorRemoval
    stale: str  # why nobody may approve it any more; empty: it may be approved


def removals() -> QuerySet[FactorRemoval]:
    """All of them, newest first, with what `why_stale` looks at. Two queries, however many there are."""
    since = Q(created_at__gt=OuterRef("requested_at")) | Q(last_used_at__gt=OuterRef("requested_at"))
    proven = Authenticator.objects.filter(since, user=OuterRef("user_id"))
    found: QuerySet[FactorRemoval] = FactorRemoval.objects.select_related("user", "requested_by", "settled_by")
    found = found.annotate(has_proven_since=Exists(proven)).prefetch_related("requested_by__groups")
    return found.order_by("-requested_at")


def removals_waiting() -> list[Waiting]:
    """What waits for a second person, oldest first."""
    return [as_waiting(row) for row in removals().filter(status=FactorRemoval.Status.WAITING).order_by("requested_at")]


def as_waiting(removal: FactorRemoval) -> Waiting:
    """A row of `removals` that waits."""
    return Waiting(removal, why_stale(removal))


def why_stale(removal: Any) -> str:
    """Why a row of `removals` may not be approved any more, in a sentence; empty: it may."""
    if removal.has_proven_since:
        return f"{removal.user.email} has set up or used a second factor since this was asked for."
    if removal.requested_at < timezone.now() - PATIENCE:
        return f"This was asked for more than {PATIENCE.days} days ago."
    if not may_help_in(removal.requested_by, removal.user):
        return f"{removal.requested_by.email}, who asked for this, may not help here any more."
    return ""
