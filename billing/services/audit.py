"""Who did what with money or access: written in the transaction of the act, and never changed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from billing.clock import now
from billing.models import BillingAudit


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: a person by e-mail address, from a network address; nobody's is Stripe's or a job's."""

    email: str
    is_staff: bool = False
    address: str = ""


CLOCK: Final = Actor("")


def record(
    action: str,
    *,
    tenant_id: UUID | None,
    actor: Actor,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    reason: str = "",
) -> None:
    """Write an act down. `before` and `after` are JSON: what changed, by name."""
    BillingAudit.objects.create(
        tenant_id=tenant_id,
        actor=actor.email,
        is_staff=actor.is_staff,
        address=actor.address,
        action=action,
        reason=reason,
        before=dict(before or {}),
        after=dict(after or {}),
        at=now(),
    )
