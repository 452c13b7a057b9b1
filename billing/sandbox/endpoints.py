"""The webhook endpoint that snapshot events go to, as the API lists it. It is set where the stand-in is started."""

import hashlib
from typing import Any, Final

from billing.sandbox import shapes
from billing.sandbox.errors import missing
from billing.sandbox.routes import route
from billing.sandbox.state import Object, State, paged

KIND: Final = "webhook_endpoint"


@route("GET", "/v1/webhook_endpoints")
def list_all(state: State, params: dict[str, Any]) -> Object:
    return paged(_all(state), params)


@route("GET", "/v1/webhook_endpoints/{id}")
def retrieve(state: State, params: dict[str, Any], endpoint_id: str) -> Object:
    for endpoint in _all(state):
        if endpoint["id"] == endpoint_id:
            return endpoint
    raise missing(KIND, endpoint_id)


def _all(state: State) -> list[Object]:
    url = state.settings.snapshot.url
    if not url:
        return []
    return [
        {
            "id": f"we_{hashlib.sha256(url.encode()).hexdigest()[:24]}",
            "object": KIND,
            "api_version": shapes.API_VERSION,
            "created": 0,
            "enabled_events": ["*"],
            "livemode": False,
            "metadata": {},
            "status": "enabled",
            "url": url,
        }
    ]
