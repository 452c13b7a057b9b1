"""What Stripe tells us: each event is stored once, as it came, and worked off by a job."""

from datetime import timedelta
from typing import Final

from django.conf import settings
from django.db import transaction

from billing.clock import now
from billing.gateway import gateway, shapes
from billing.models import StripeEvent
from billing.services.stripe.working import handle_event
from saas.core.errors import BadFrame
from saas.core.jobs import defer

SWEEP: Final = timedelta(hours=6)  # that are looked back for events which never came
KEPT: Final = timedelta(days=400)  # that an event is kept
PATIENCE: Final = timedelta(minutes=10)  # after which an event is worked off again whose job was lost


def take(event: shapes.Event | shapes.ThinEvent, *, kind: str) -> bool:
    """Store an event, and have it worked off; whether it is new. Raises BadFrame for one of the other mode: live or test."""
    if event.livemode != settings.STRIPE_LIVE:
        ours, theirs = ("live", "test") if settings.STRIPE_LIVE else ("test", "live")
        raise BadFrame(f"{event.id} is of Stripe's {theirs} mode, and this is {ours} mode.")
    with transaction.atomic():
        _, is_new = StripeEvent.objects.get_or_create(id=event.id, defaults=_values(event, kind))
        if is_new:
            defer(handle_event, event_id=event.id)
    return is_new


def _values(event: shapes.Event | shapes.ThinEvent, kind: str) -> dict[str, object]:
    if isinstance(event, shapes.ThinEvent):
        said = {"object_id": event.related}
    else:
        said = {"object_id": event.object_id, "customer_id": event.customer, "api_version": event.api_version}
    return {
        "kind": kind,
        "type": event.type,
        "livemode": event.livemode,
        "payload": event.payload,
        "created_at": event.created,
        "received_at": now(),
        **said,
    }


def sweep() -> int:
    """Ask Stripe for the events of the last hours, and take those that never came; how many."""
    return sum(take(event, kind="snapshot") for event in gateway().events_since(now() - SWEEP))


def take_up_again() -> int:
    """Have worked off what has waited for too long; how many."""
    late = StripeEvent.objects.filter(status=StripeEvent.Status.RECEIVED, received_at__lt=now() - PATIENCE)
    waiting = list(late.values_list("id", flat=True)[:1000])
    for event_id in waiting:
        defer(handle_event, event_id=event_id)
    return len(waiting)


def forget_old() -> int:
    """Drop the events that are older than we keep; how many."""
    return int(StripeEvent.objects.filter(received_at__lt=now() - KEPT).delete()[0])
