"""Working off what Stripe told us. An event's words are not believed: they name an object, which is fetched."""

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Final
from uuid import UUID

from django.db.models import F

from billing.clock import now
from billing.gateway import gateway
from billing.gateway.errors import NoSuch, Refused
from billing.metrics import EVENT_TIME, EVENTS
from billing.models import StripeEvent, Subscription
from billing.reporting.closing import close_period
from billing.reporting.reject import reject
from billing.services.stripe import mirror
from saas.core.errors import Conflict, NotFound
from saas.core.jobs import defer, task

log = logging.getLogger(__name__)

Status = StripeEvent.Status
NEW: Final = timedelta(days=3)
METER_ERRORS: Final = ("v1.billing.meter.error_report_triggered", "v1.billing.meter.no_meter_found")


@task(retries=8)
def handle_event(*, event_id: str) -> None:
    """Work an event off, later and as often as it takes."""
    handle(event_id)


def handle(event_id: str) -> None:
    """Work an event off. One that is done stays done; one that fails is kept with its complaint, and raises it again."""
    event = StripeEvent.objects.get(id=event_id)
    if event.status in {Status.DONE, Status.IGNORED}:
        return
    StripeEvent.objects.filter(id=event_id).update(attempts=F("attempts") + 1)
    work = _work_for(event.type)
    try:
        if work is not None:
            work(event)
    except (NotFound, NoSuch) as error:
        _settle(event_id, Status.UNKNOWN, str(error))
    except Exception as error:
        _settle(event_id, Status.FAILED, f"{type(error).__name__}: {error}")
        raise
    else:
        _settle(event_id, Status.DONE if work else Status.IGNORED)
        EVENT_TIME.observe(max(0.0, (now() - event.received_at).total_seconds()))


def _settle(event_id: str, status: str, error: str = "") -> None:
    EVENTS.labels(status).inc()
    StripeEvent.objects.filter(id=event_id).update(status=status, error=error[:2000], done_at=now())


def _work_for(type_: str) -> Callable[[StripeEvent], None] | None:
    """The longest name that the type begins with."""
    names = [name for name in WORK if type_ == name or type_.startswith(f"{name}.")]
    return WORK[max(names, key=len)] if names else None


def _subscription(event: StripeEvent) -> None:
    mirror.fetch_subscription(event.object_id)


def _schedule(event: StripeEvent) -> None:
    subscription = _inner(event).get("subscription")
    if isinstance(subscription, str):
        mirror.fetch_subscription(subscription)


def _invoice(event: StripeEvent) -> None:
    if event.type == "invoice.deleted":  # a draft that is gone cannot be fetched
        return
    row = mirror.fetch_invoice(event.object_id)
    if event.type == "invoice.created" and row.reason == "subscription_cycle":
        mirror.fetch_all_of(row.account_id)
        defer(close_period, account_id=str(row.account_id), until=row.period_end.isoformat())


def _checkout(event: StripeEvent) -> None:
    subscription = _inner(event).get("subscription")
    if isinstance(subscription, str):
        mirror.fetch_subscription(subscription)


def _customer(event: StripeEvent) -> None:
    if event.type != "customer.deleted":
        mirror.fetch_customer(event.customer_id or event.object_id)


def _credit_note(event: StripeEvent) -> None:
    invoice = _inner(event).get("invoice")
    if isinstance(invoice, str):
        mirror.fetch_invoice(invoice)


def _meter_error(event: StripeEvent) -> None:
    """Each sample names a request by its key, which is our batch's identifier."""
    for error in gateway().meter_errors(event.id):
        for identifier in error.identifiers:
            reject(identifier, error.message)


def _inner(event: StripeEvent) -> dict[str, object]:
    found = event.payload.get("data", {}).get("object", {})
    return found if isinstance(found, dict) else {}


WORK: Final[dict[str, Callable[[StripeEvent], None]]] = {
    "customer.subscription": _subscription,
    "subscription_schedule": _schedule,
    "invoice": _invoice,
    "checkout.session.completed": _checkout,
    "customer.created": _customer,
    "customer.updated": _customer,
    "customer.tax_id": _customer,
    "credit_note": _credit_note,
    **dict.fromkeys(METER_ERRORS, _meter_error),
}


def refresh() -> int:
    """Fetch every subscription that is not over: whatever was missed shows within a day. How many could be fetched.

    One that cannot stops no other; Stripe being away stops all, until the next time.
    """
    live = Subscription.objects.exclude(status__in=Subscription.ENDED).exclude(stripe_id=None)
    return sum(_refreshed(account_id) for account_id in list(live.values_list("account_id", flat=True)))


def _refreshed(account_id: UUID) -> bool:
    try:
        mirror.fetch_all_of(account_id)
    except (NotFound, Refused):
        log.exception("what Stripe has of the tenant %s cannot be fetched", account_id)
        return False
    return True


def find_new() -> int:
    """Fetch the subscriptions of the last days that we do not know: their events never came. How many there were.

    One of a customer that is none of ours is left alone, and so is a tenant's second one: the nightly comparison shows it.
    """
    made = {found.id for found in gateway().subscriptions(since=now() - NEW)}
    unknown = made.difference(Subscription.objects.filter(stripe_id__in=made).values_list("stripe_id", flat=True))
    return sum(_is_ours(stripe_id) for stripe_id in sorted(unknown))


def _is_ours(stripe_id: str) -> bool:
    try:
        mirror.fetch_subscription(stripe_id)
    except (NotFound, Conflict) as error:
        log.warning("the subscription %s is not taken over: %s", stripe_id, error)
        return False
    return True
