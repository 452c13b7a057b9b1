"""The instruments of money: what Stripe tells us, and how soon it is worked off."""

from typing import Final

from prometheus_client import Counter, Histogram

from saas.core.metrics import REGISTRY

SECONDS: Final = (0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 3600.0)

WEBHOOKS: Final = Counter("porchlight_stripe_webhooks_total", "Webhooks that came to our door.", ["result"], registry=REGISTRY)
EVENTS: Final = Counter("porchlight_stripe_events_total", "Events of Stripe that were worked off.", ["result"], registry=REGISTRY)
EVENT_TIME: Final = Histogram(
    "porchlight_stripe_event_seconds", "From an event's arrival to the end of its work.", buckets=SECONDS, registry=REGISTRY
)
for _result in ("taken", "again", "refused", "not_set_up"):
    WEBHOOKS.labels(_result)
for _result in ("done", "ignored", "unknown", "failed"):
    EVENTS.labels(_result)
