"""Events: what happened, as the API lists it."""

import base64
import json
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Any, Final

from billing.sandbox import shapes
from billing.sandbox.errors import invalid, missing
from billing.sandbox.routes import route
from billing.sandbox.state import State, paged

KEPT: Final = 30 * 86_400  # seconds in which an event can be fetched
THIN: Final = "v2.core.event"


@route("GET", "/v1/events")
def list_all(state: State, params: dict[str, Any]) -> dict[str, Any]:
    types = params.get("types") or ([params["type"]] if "type" in params else ["*"])
    return state.list("event", params, lambda event: any(fnmatchcase(event["type"], type_) for type_ in types))


@route("GET", "/v1/events/{id}")
def retrieve(state: State, params: dict[str, Any], event_id: str) -> dict[str, Any]:
    event = state.get("event", event_id)
    if event["created"] < state.now() - KEPT:
        raise missing("event", event_id)
    return event


@route("GET", "/v2/core/events/{id}")
def retrieve_thin(state: State, params: dict[str, Any], event_id: str) -> dict[str, Any]:
    return state.get(THIN, event_id)


@route("GET", "/v2/core/events")
def list_thin(state: State, params: dict[str, Any]) -> dict[str, Any]:
    """A page and the address of the next, which carries what was asked for in `page`."""
    asked: dict[str, Any] = {"limit": 20} | (_unpacked(params["page"]) if "page" in params else params)
    rows = [event for event in reversed(state.table(THIN).values()) if _is_asked_for(event, asked)]
    page = paged(rows, asked)
    following = (
        f"/v2/core/events?page={_packed(asked | {'starting_after': page['data'][-1]['id']})}" if page["has_more"] else None
    )
    return {"data": page["data"], "next_page_url": following, "previous_page_url": None}


def _packed(asked: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(asked).encode()).decode().rstrip("=")


def _unpacked(page: str) -> dict[str, Any]:
    try:
        asked: dict[str, Any] = json.loads(base64.urlsafe_b64decode(page + "=="))
    except ValueError as error:
        raise invalid(f"Invalid page: {page!r}. It is what `next_page_url` says.", "page") from error
    return asked


def _is_asked_for(event: dict[str, Any], params: dict[str, Any]) -> bool:
    related = (event.get("related_object") or {}).get("id")
    if params.get("object_id", related) != related or event["type"] not in params.get("types", [event["type"]]):
        return False
    bounds = {name: shapes.instant(int(_second(at))) for name, at in (params.get("created") or {}).items()}
    return all(BOUNDS[name](event["created"], at) for name, at in bounds.items())


def _second(text: str) -> float:
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


BOUNDS: Final = {"gt": str.__gt__, "gte": str.__ge__, "lt": str.__lt__, "lte": str.__le__}
