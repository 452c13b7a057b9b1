"""Single items of subscriptions as the API serves them; each call is an update of the subscription."""

from typing import Any, Final

from billing.sandbox import items, subscriptions
from billing.sandbox.errors import missing
from billing.sandbox.routes import route
from billing.sandbox.state import Object, State, paged

ITEM: Final = ("price", "quantity", "metadata", "plan")
WHOLE: Final = ("proration_behavior", "proration_date", "payment_behavior")


@route("POST", "/v1/subscription_items")
def create(state: State, params: dict[str, Any]) -> Object:
    sub = _update(state, params["subscription"], params, {})
    return items.of(sub)[-1]


@route("GET", "/v1/subscription_items/{id}")
def retrieve(state: State, params: dict[str, Any], item_id: str) -> Object:
    return _found(state, item_id)[1]


@route("GET", "/v1/subscription_items")
def list_all(state: State, params: dict[str, Any]) -> Object:
    return paged(items.of(state.get(subscriptions.KIND, params["subscription"], "subscription")), params)


@route("POST", "/v1/subscription_items/{id}")
def update(state: State, params: dict[str, Any], item_id: str) -> Object:
    sub, _ = _found(state, item_id)
    _update(state, sub["id"], params, {"id": item_id})
    return _found(state, item_id)[1]


@route("DELETE", "/v1/subscription_items/{id}")
def delete(state: State, params: dict[str, Any], item_id: str) -> Object:
    sub, _ = _found(state, item_id)
    _update(state, sub["id"], {name: params[name] for name in WHOLE if name in params}, {"id": item_id, "deleted": True})
    return {"id": item_id, "object": items.KIND, "deleted": True}


def _update(state: State, subscription_id: str, params: dict[str, Any], spec: Object) -> Object:
    item = spec | {name: params[name] for name in ITEM if name in params}
    return subscriptions.update(
        state, {"items": [item], **{name: params[name] for name in WHOLE if name in params}}, subscription_id
    )


def _found(state: State, item_id: str) -> tuple[Object, Object]:
    """The subscription and its item. Raises `Refusal` 404."""
    owner = state.table(items.OWNERS).get(item_id, {}).get("subscription", "")
    sub = state.table(subscriptions.KIND).get(owner)
    for item in items.of(sub) if sub else []:
        if item["id"] == item_id and sub is not None:
            return sub, item
    raise missing(items.KIND, item_id)
