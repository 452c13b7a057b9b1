"""Webhooks and events: proven to be Stripe's, or not read at all."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, TypeVar

import stripe
from django.conf import settings

from billing.gateway import reading, shapes
from billing.gateway.client import PAGE, Clients, given
from billing.gateway.errors import Forged, translated

Found = TypeVar("Found")


class Events(Clients):
    """What Stripe tells us."""

    def construct_event(self, body: bytes, header: str) -> shapes.Event:
        """The event in a webhook's raw body. Raises Forged if no secret of ours signed it in the last 5 minutes."""
        read = self.stripe.construct_event
        return _event(_proven(settings.STRIPE_WEBHOOK_SECRETS, lambda secret: read(body, header, secret)).to_dict(for_json=True))

    def parse_thin(self, body: bytes, header: str) -> shapes.ThinEvent:
        """The same of a thin event, which names its object at most. Raises Forged."""
        read = self.stripe.parse_event_notification
        return _thin(_proven(settings.STRIPE_THIN_WEBHOOK_SECRETS, lambda secret: read(body, header, secret)))

    def meter_errors(self, event_id: str) -> list[shapes.MeterError]:
        """The requests that a thin event of a meter names, as far as it names them. Raises NoSuch."""
        with translated():
            raw = self.stripe.v2.core.events.retrieve(event_id).to_dict(for_json=True)
        kinds = ((raw.get("data") or {}).get("reason") or {}).get("error_types") or []
        return [_meter_error(kind) for kind in kinds]

    def events_since(self, moment: datetime) -> Iterator[shapes.Event]:
        """The snapshot events since then, the newest first."""
        with translated():
            found = self.stripe.v1.events.list(given(created={"gte": reading.second(moment)}, limit=PAGE))
            for row in found.auto_paging_iter():
                yield _event(row.to_dict(for_json=True))


def _proven(secrets: list[str], read: Callable[[str], Found]) -> Found:
    """What the first of our secrets proves: while one takes another's place there are two."""
    refused = "There is no secret for this webhook here."
    for secret in secrets:
        try:
            return read(secret)
        except stripe.SignatureVerificationError as error:
            refused = str(error.user_message or error)
        except (ValueError, AttributeError, KeyError, TypeError) as error:  # signed, and still not what this door takes
            raise Forged(f"This is no event of the kind that comes here: {error}") from error
    raise Forged(refused)


def _event(raw: reading.Raw) -> shapes.Event:
    """Of an event about a customer, the customer is the object itself."""
    thing: dict[str, Any] = raw["data"]["object"]
    is_customer = thing.get("object") == "customer"
    return shapes.Event(
        id=raw["id"],
        type=raw["type"],
        object_id=str(thing.get("id") or ""),
        customer=reading.id_of(thing.get("id") if is_customer else thing.get("customer")),
        api_version=raw.get("api_version") or "",
        livemode=bool(raw["livemode"]),
        created=reading.moment(raw["created"]),
        payload=raw,
    )


def _thin(found: Any) -> shapes.ThinEvent:
    related = getattr(found, "related_object", None)
    about = {"id": related.id, "type": related.type, "url": related.url} if related else None
    created = datetime.fromisoformat(found.created)
    payload = {"id": found.id, "type": found.type, "created": found.created, "livemode": found.livemode, "related_object": about}
    return shapes.ThinEvent(found.id, found.type, related.id if related else "", created, bool(found.livemode), payload)


def _meter_error(kind: reading.Raw) -> shapes.MeterError:
    """One kind of error with its samples: not every request is one of them."""
    samples = kind.get("sample_errors") or []
    keys = [request.get("idempotency_key") or request.get("identifier") for row in samples if (request := row.get("request"))]
    words = next((str(row["error_message"]) for row in samples if row.get("error_message")), str(kind.get("code")))
    return shapes.MeterError(str(kind.get("code")), words, tuple(key for key in keys if key))
