"""What the gateway answers: plain frozen records. Nothing of the SDK's leaves it. Money in minor units, moments in UTC."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any


@dataclass(frozen=True, slots=True)
class Meter:
    """A meter that is active. Usage is told to its `event_name`."""

    id: str
    event_name: str


@dataclass(frozen=True, slots=True)
class Price:
    """A price: of a seat, or, where there is a `meter` (its id), of each unit beyond `included`."""

    id: str
    lookup_key: str
    product: str
    currency: str
    interval: str
    unit_amount: Decimal
    included: int
    meter: str | None


@dataclass(frozen=True, slots=True)
class Coupon:
    """What is taken off each invoice: so many percent, or so much."""

    id: str
    name: str
    percent_off: Decimal
    amount_off: int
    currency: str
    is_valid: bool


@dataclass(frozen=True, slots=True)
class PromotionCode:
    """A coupon under a name that people type."""

    id: str
    code: str
    coupon: str


@dataclass(frozen=True, slots=True)
class Customer:
    """A tenant at Stripe. A positive `credit` is what it has with us. `tenant` is the id that we gave it."""

    id: str
    name: str
    email: str
    country: str
    tax_id_type: str
    tax_id: str
    credit: int
    tenant: str
    is_deleted: bool


@dataclass(frozen=True, slots=True)
class Checkout:
    """A page on which somebody subscribes. `status` is open, complete or expired; `url` is empty once it is not open."""

    id: str
    url: str
    status: str
    subscription: str


@dataclass(frozen=True, slots=True)
class Item:
    """A line of a subscription. A meter has no quantity."""

    id: str
    price: str
    quantity: int | None
    period_start: datetime
    period_end: datetime


@dataclass(frozen=True, slots=True)
class Subscription:
    """A subscription as it is now. `anchor` is the moment from which its periods are counted."""

    id: str
    customer: str
    tenant: str
    status: str
    currency: str
    items: tuple[Item, ...]
    anchor: datetime
    created: datetime
    trial_end: datetime | None
    cancel_at: datetime | None
    canceled_at: datetime | None
    ended_at: datetime | None
    schedule: str
    coupon: Coupon | None


@dataclass(frozen=True, slots=True)
class Wanted:
    """An item as it is to be: of a price, or, with an `id`, the one that there is. `is_gone` takes it away."""

    price: str = ""
    quantity: int | None = None
    id: str = ""
    is_gone: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """A line of an invoice. `price_id` is empty for what has no price."""

    id: str
    description: str
    price_id: str
    quantity: int | None
    amount: int
    is_proration: bool
    period_start: datetime
    period_end: datetime


@dataclass(frozen=True, slots=True)
class Preview:
    """An invoice that would be made. `amount_due` is what would be charged: `total` less what the customer has with us."""

    lines: tuple[Line, ...]
    subtotal: int
    discount: int
    tax: int
    total: int
    amount_due: int
    currency: str
    period_start: datetime
    period_end: datetime


@dataclass(frozen=True, slots=True)
class Invoice:
    """An invoice. `reason` is Stripe's billing_reason."""

    id: str
    number: str
    customer: str
    subscription: str
    status: str
    reason: str
    currency: str
    subtotal: int
    discount: int
    tax: int
    total: int
    amount_due: int
    amount_paid: int
    amount_remaining: int
    credited: int
    period_start: datetime
    period_end: datetime
    created: datetime
    finalized_at: datetime | None
    due_at: datetime | None
    paid_at: datetime | None
    hosted_url: str
    pdf_url: str
    attempt_count: int
    next_attempt: datetime | None
    decline_reason: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class UsageReport:
    """A batch: `value` more of a meter of a customer at `event_time`. `identifier` is also the idempotency key."""

    event_name: str
    customer: str
    value: int
    identifier: str
    event_time: datetime


@dataclass(frozen=True, slots=True)
class Summary:
    """What Stripe counted from `start` to `end`."""

    start: datetime
    end: datetime
    value: int


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened at Stripe to `object_id`. `payload` is the whole event."""

    id: str
    type: str
    object_id: str
    customer: str
    created: datetime
    livemode: bool
    api_version: str
    payload: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ThinEvent:
    """That something happened: what, is fetched. `related` is the id of what it is about, if it names anything."""

    id: str
    type: str
    related: str
    created: datetime
    livemode: bool
    payload: dict[str, Any]


@dataclass(frozen=True, slots=True)
class MeterError:
    """Usage that Stripe took and cannot use. `identifiers` are the idempotency keys of the requests, which are our batches'."""

    code: str
    message: str
    identifiers: tuple[str, ...]
