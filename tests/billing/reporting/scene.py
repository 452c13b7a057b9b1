"""Tenants that pay, and what they used, for tests of reporting."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from billing.clock import now
from billing.gateway import gateway
from billing.models import BillingAccount, Meter, MeterReport, PlanPrice, StripeMeter, Subscription, UsageEvent
from billing.periods import period_from
from billing.services.plans import version_of, write_plans
from billing.services.price_list import sync_plans
from billing.services.stripe import mirror
from tests.support.stripe import Sandbox
from tests.support.usage import id_at

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


def at(*moment: int) -> datetime:
    """A moment in UTC."""
    return datetime(*moment, tzinfo=UTC)  # type: ignore[misc, arg-type]


def this_hour() -> datetime:
    """When the running hour began, by the clock of billing."""
    return now().replace(minute=0, second=0, microsecond=0)


def say(account_id: UUID, moment: datetime, count: int = 1, *, meter: Meter = Meter.MESSAGE) -> list[UUID]:
    """So many usage events of a moment and the seconds after it."""
    moments = (moment + timedelta(milliseconds=place) for place in range(count))
    rows = [
        UsageEvent(tenant_id=account_id, meter=meter, source_id=id_at(when), occurred_at=when, recorded_at=when)
        for when in moments
    ]
    UsageEvent.objects.bulk_create(rows)
    return [row.source_id for row in rows]


def subscribe(account_id: UUID, since: datetime, **values: Any) -> Subscription:
    """A subscription as Stripe's mirror would have it, of five seats of Team, and a customer."""
    write_plans()
    BillingAccount.objects.filter(pk=account_id, stripe_customer_id=None).update(stripe_customer_id=f"cus_{uuid4().hex}")
    current = period_from(since, now())
    given: dict[str, Any] = {
        "stripe_id": f"sub_{uuid4().hex}",
        "status": "active",
        "plan": version_of("team"),
        "interval": "month",
        "seats": 5,
        "anchor": since,
        "period_start": current.start,
        "period_end": current.end,
        "seat_period_start": current.start,
        "seat_period_end": current.end,
        "created_at": since,
        "fetched_at": now(),
    }
    made: Subscription = Subscription.objects.create(account_id=account_id, **given | values)
    return made


def batches(account_id: UUID, meter: Meter = Meter.MESSAGE) -> list[MeterReport]:
    """In the order of their windows."""
    return list(MeterReport.objects.filter(account_id=account_id, meter=meter).order_by("window_start", "seq"))


def told(rows: Iterable[MeterReport]) -> list[tuple[datetime, datetime, int, int]]:
    """What a batch says: window, part, quantity."""
    return [(row.window_start, row.window_end, row.seq, row.quantity) for row in rows]


class Stripe:
    """The stand-in with the meters of ours, and words for what it counted."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox, self.client = sandbox, sandbox.client()
        self.meters: dict[Meter, str] = {}
        StripeMeter.objects.all().delete()
        for meter in Meter:
            name = f"porchlight_{meter.value}"
            made = self.client.v1.billing.meters.create(
                {"display_name": meter.label, "event_name": name, "default_aggregation": {"formula": "sum"}}
            )
            StripeMeter.objects.create(meter=meter, event_name=name, stripe_meter_id=made.id)
            self.meters[meter] = made.id

    def customer(self, account_id: UUID) -> str:
        """A customer of the tenant's."""
        made = self.client.v1.customers.create({"name": str(account_id), "metadata": {"tenant": str(account_id)}})
        BillingAccount.objects.filter(pk=account_id).update(stripe_customer_id=made.id)
        return made.id

    def events(self, customer: str) -> list[dict[str, Any]]:
        """What it took for a customer."""
        return [event for event in self.sandbox.state("_meter_event") if event["customer"] == customer]

    def total(self, customer: str) -> int:
        """What counts."""
        return sum(int(event["value"]) for event in self.events(customer) if not event.get("rejected"))

    def take_back(self, identifier: str) -> None:
        """Somebody there cancels what it took under this identifier, of messages."""
        self.client.v1.billing.meter_event_adjustments.create(
            {"event_name": "porchlight_message", "type": "cancel", "cancel": {"identifier": identifier}}
        )

    def repeats(self) -> int:
        """How many events came with an identifier that was there already."""
        identifiers = [event["identifier"] for event in self.sandbox.state("_meter_event")]
        return len(identifiers) - len(set(identifiers))

    def sync(self) -> None:
        """Our plans, as it has them."""
        sync_plans(gateway())

    def subscribe(self, account_id: UUID, customer: str, *, seats: int = 5) -> str:
        """A subscription to Team with a card that works, mirrored with its first invoice; its id."""
        card = self.client.v1.payment_methods.attach("pm_card_visa", {"customer": customer})
        self.client.v1.customers.update(customer, {"invoice_settings": {"default_payment_method": card.id}})
        prices = PlanPrice.objects.filter(plan__key="team", plan__is_current=True).exclude(interval="year")
        items: Any = [{"price": price.stripe_price_id, **({} if price.meter else {"quantity": seats})} for price in prices]
        made = self.client.v1.subscriptions.create(
            {"customer": customer, "items": items, "metadata": {"tenant": str(account_id)}}
        )
        mirror.fetch_subscription(made.id)
        for invoice in self.client.v1.invoices.list({"customer": customer}).data:
            mirror.fetch_invoice(invoice.id)
        return made.id
