"""The doors for Stripe's webhooks, on the platform's host. What is not signed by Stripe leaves no trace."""

import logging
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from billing.gateway import gateway, shapes
from billing.gateway.errors import Forged, NotConfigured
from billing.metrics import WEBHOOKS
from billing.services.stripe.inbox import take
from saas.core.errors import BadFrame
from saas.core.http import json_error

log = logging.getLogger(__name__)
HEADER = "Stripe-Signature"


@csrf_exempt
@require_POST
def snapshot(request: HttpRequest) -> HttpResponse:
    """Events that carry their object as it was."""
    return _take(request, "snapshot", lambda: gateway().construct_event(request.body, request.headers.get(HEADER, "")))


@csrf_exempt
@require_POST
def thin(request: HttpRequest) -> HttpResponse:
    """Events that only name what they are about."""
    return _take(request, "thin", lambda: gateway().parse_thin(request.body, request.headers.get(HEADER, "")))


def _take(request: HttpRequest, kind: str, read: Callable[[], shapes.Event | shapes.ThinEvent]) -> HttpResponse:
    try:
        is_new = take(read(), kind=kind)
    except NotConfigured:
        WEBHOOKS.labels("not_set_up").inc()
        return json_error(BadFrame("No payments are set up here."))
    except (Forged, BadFrame) as error:
        WEBHOOKS.labels("refused").inc()
        log.warning("a webhook was refused: %s", error)
        return json_error(BadFrame(str(error)))
    WEBHOOKS.labels("taken" if is_new else "again").inc()
    return HttpResponse(status=200)
