"""What a tenant has: its subscription, its plan, its seats. Without a subscription it is the free plan."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from billing.models import SeatEntry, Subscription
from billing.plans import FREE, Plan
from billing.terms import terms
from tenants.models import Membership, Role

FREE_SEATS: Final = FREE.seats or FREE.least_seats
SEATED: Final = frozenset({Role.OWNER, Role.ADMIN, Role.AGENT})  # viewers read for nothing


@dataclass(frozen=True, slots=True)
class Seats:
    """Of a tenant: bought now, held now, bought from the next renewal on, and the most that can be bought (None: no end)."""

    bought: int
    used: int
    next: int
    most: int | None

    @property
    def free(self) -> int:
        """How many more members may have one. A seat that ends with the renewal is not given any more: it would stay held."""
        return max(0, min(self.bought, self.next) - self.used)


def live_subscription(account_id: UUID) -> Subscription | None:
    """The one that gives the tenant its plan; `incomplete` gives none. Its plan is read with it."""
    live: Subscription | None = (
        Subscription.for_tenant(account_id)
        .exclude(status__in=Subscription.ENDED)
        .select_related("plan", "next_plan", "account")
        .first()
    )
    return live


def plan_of(account_id: UUID) -> Plan:
    """The plan at the version that the tenant has."""
    live = live_subscription(account_id)
    return terms(live.plan) if live else FREE


def seats(account_id: UUID) -> Seats:
    """Three statements."""
    live, used = live_subscription(account_id), seats_used(account_id)
    if live is None:
        return Seats(bought=FREE_SEATS, used=used, next=FREE_SEATS, most=FREE.seats)
    return Seats(bought=live.seats, used=used, next=seats_next(live), most=terms(live.plan).seats)


def seats_next(live: Subscription) -> int:
    """What was said last of the next renewal; the same as now, if nothing was."""
    last = SeatEntry.for_tenant(live.account_id).order_by("-at", "-id").first()
    return last.seats_next if last is not None and last.seats == live.seats else live.seats


def seats_used(account_id: UUID) -> int:
    """How many members hold one."""
    return Membership.objects.filter(tenant_id=account_id, disabled_at=None, role__in=SEATED).count()
