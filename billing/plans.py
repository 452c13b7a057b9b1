"""What is sold. A price that somebody pays never changes: edit a plan by giving it the next version; `manage.py sync_plans`
refuses anything else, and brings what is new to Stripe.

Money is in the currency's minor unit, as Decimal where a fraction of it counts. Allowances are of a month and the whole tenant.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final

from billing.models.usage import Meter

TRIAL: Final = timedelta(days=14)  # once for each tenant, of the plan Team or Business, without a card
DAYS_OF_STORAGE: Final = 30  # that an allowance of one MB lasts: storage is counted in MB-days


class Feature(StrEnum):
    """What a plan may hold beside numbers."""

    COMMUNITY = "community rooms"
    IDENTITY = "signed-in users"
    API = "HTTP API"
    OWN_DOMAIN = "own domain"
    AUDIT = "audit log"
    PRIORITY = "priority support"


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a meter costs: so much is included, a unit beyond it costs `over`; `hard` stops there instead."""

    included: int
    over: Decimal = Decimal(0)
    hard: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan at one of its versions. `seat` by the month, `seat_year` by the year; both 0 for one that costs nothing."""

    key: str
    version: int
    name: str
    words: str
    seats: int | None  # most; None: as many as are bought
    least_seats: int
    sites: int | None
    retention_days: int | None  # messages older than that are deleted; None: never
    seat: int
    seat_year: int
    rate: float  # times the common limits of chat/limits.py and tenants/limits.py
    meters: Mapping[Meter, Allowance]
    features: frozenset[Feature] = field(default_factory=frozenset)
    currency: str = "usd"

    @property
    def is_free(self) -> bool:
        """Whether nobody pays for it."""
        return self.seat == 0


FREE: Final = Plan(
    key="free",
    version=1,
    name="Free",
    words="For a site of your own.",
    seats=2,
    least_seats=2,
    sites=1,
    retention_days=90,
    seat=0,
    seat_year=0,
    rate=0.5,
    meters={
        Meter.MESSAGE: Allowance(1_000, hard=True),
        Meter.VISITOR: Allowance(200, hard=True),
        Meter.STORAGE: Allowance(100 * DAYS_OF_STORAGE, hard=True),
    },
    features=frozenset({Feature.COMMUNITY}),
)

TEAM: Final = Plan(
    key="team",
    version=1,
    name="Team",
    words="For a team that answers together.",
    seats=None,
    least_seats=1,
    sites=5,
    retention_days=730,
    seat=15_00,
    seat_year=150_00,
    rate=1.0,
    meters={
        Meter.MESSAGE: Allowance(1_000, Decimal("0.4")),
        Meter.VISITOR: Allowance(2_000, Decimal("1.0")),
        Meter.STORAGE: Allowance(5_000 * DAYS_OF_STORAGE, Decimal("0.002")),
    },
    features=frozenset({Feature.COMMUNITY, Feature.IDENTITY, Feature.API}),
)

BUSINESS: Final = Plan(
    key="business",
    version=1,
    name="Business",
    words="For many sites and much to say.",
    seats=None,
    least_seats=3,
    sites=None,
    retention_days=None,
    seat=39_00,
    seat_year=390_00,
    rate=4.0,
    meters={
        Meter.MESSAGE: Allowance(50_000, Decimal("0.2")),
        Meter.VISITOR: Allowance(25_000, Decimal("0.5")),
        Meter.STORAGE: Allowance(50_000 * DAYS_OF_STORAGE, Decimal("0.001")),
    },
    features=frozenset(Feature),
)

PLANS: Final = (FREE, TEAM, BUSINESS)
EVERYBODYS: Final = frozenset({Feature.AUDIT})  # named in terms that were sold, and given to every tenant since
BY_KEY: Final[Mapping[str, Plan]] = {plan.key: plan for plan in PLANS}
METER_NAMES: Final[Mapping[Meter, str]] = {
    Meter.MESSAGE: "messages",
    Meter.VISITOR: "monthly active visitors",
    Meter.STORAGE: "storage",
}
