"""The billing portal: sessions that lead a customer to its page, and configurations that say what the page offers."""

from typing import Any, Final

from billing.sandbox import values
from billing.sandbox.errors import invalid
from billing.sandbox.routes import route
from billing.sandbox.state import Object, State

KIND: Final = "billing_portal.session"
CONFIGURATION: Final = "billing_portal.configuration"
FLOWS: Final = frozenset({"payment_method_update", "subscription_cancel", "customer_update"})
REASONS: Final = [
    "too_expensive",
    "missing_features",
    "switched_service",
    "unused",
    "customer_service",
    "too_complex",
    "low_quality",
    "other",
]
FEATURES: Final = {
    "customer_update": {"allowed_updates": [], "enabled": False},
    "invoice_history": {"enabled": False},
    "payment_method_update": {"enabled": False},
    "subscription_cancel": {
        "cancellation_reason": {"enabled": False, "options": REASONS},
        "enabled": False,
        "mode": "at_period_end",
        "proration_behavior": "none",
    },
    "subscription_pause": {"duration": {"interval_options": [], "type": "indefinite"}, "enabled": False},
    "subscription_update": {
        "default_allowed_updates": [],
        "enabled": False,
        "products": [],
        "proration_behavior": "none",
        "schedule_at_period_end": {"conditions": []},
        "trial_update_behavior": "end_trial",
    },
}
USUAL: Final = {
    "customer_update": {"allowed_updates": ["email", "address", "tax_id", "name"], "enabled": True},
    "invoice_history": {"enabled": True},
    "payment_method_update": {"enabled": True},
    "subscription_cancel": {"enabled": True},
}


@route("POST", "/v1/billing_portal/configurations")
def create_configuration(state: State, params: dict[str, Any]) -> Object:
    configuration = values.new(state, CONFIGURATION, "bpc")
    configuration |= {
        "active": True,
        "business_profile": params.get("business_profile") or {},
        "default_return_url": params.get("default_return_url") or None,
        "features": _features(FEATURES, params["features"]),
        "is_default": not state.table(CONFIGURATION),
        "login_page": {"enabled": False, "url": None},
        "metadata": values.metadata({}, params.get("metadata")),
        "name": params.get("name") or None,
        "updated": state.now(),
    }
    state.put(CONFIGURATION, configuration)
    state.emit("billing_portal.configuration.created", configuration)
    return configuration


@route("POST", "/v1/billing_portal/configurations/{id}")
def update_configuration(state: State, params: dict[str, Any], configuration_id: str) -> Object:
    configuration = state.get(CONFIGURATION, configuration_id)
    changes = values.given(params, ("active", "business_profile", "default_return_url", "name")) | {"updated": state.now()}
    if "features" in params:
        changes["features"] = _features(configuration["features"], params["features"])
    if "metadata" in params:
        changes["metadata"] = values.metadata(configuration["metadata"], params["metadata"])
    return values.change(state, configuration, changes, "billing_portal.configuration.updated")


@route("GET", "/v1/billing_portal/configurations/{id}")
def retrieve_configuration(state: State, params: dict[str, Any], configuration_id: str) -> Object:
    return state.get(CONFIGURATION, configuration_id)


@route("GET", "/v1/billing_portal/configurations")
def list_configurations(state: State, params: dict[str, Any]) -> Object:
    wanted = ("active", "is_default")
    return state.list(CONFIGURATION, params, lambda row: all(params.get(name, row[name]) == row[name] for name in wanted))


@route("POST", "/v1/billing_portal/sessions")
def create(state: State, params: dict[str, Any]) -> Object:
    """Raises `Refusal` for an unknown customer, and for a flow that the stand-in's page does not have."""
    customer = state.get("customer", params.get("customer", ""), "customer")
    configuration = _configuration(state, params.get("configuration"))
    session = values.new(state, KIND, "bps")
    session |= {
        "configuration": configuration["id"],
        "customer": customer["id"],
        "flow": _flow(state, params.get("flow_data"), customer),
        "locale": params.get("locale"),
        "return_url": params.get("return_url") or configuration["default_return_url"],
        "url": f"{state.settings.public}/portal/{session['id']}",
    }
    state.put(KIND, session)
    state.emit("billing_portal.session.created", session)
    return session


def _configuration(state: State, name: str | None) -> Object:
    """The one that is named, the default one, or a new default one that offers what is usual."""
    if name:
        return state.get(CONFIGURATION, name, "configuration")
    defaults = [row for row in state.table(CONFIGURATION).values() if row["is_default"]]
    return defaults[0] if defaults else create_configuration(state, {"features": USUAL})


def _features(base: Object, sent: Object) -> Object:
    """Features with what was sent put over them, one level deep."""
    return {name: {**known, **values.given(sent.get(name, {}), tuple(sent.get(name, {})))} for name, known in base.items()}


def _flow(state: State, sent: Object | None, customer: Object) -> Object | None:
    if not sent:
        return None
    if sent["type"] not in FLOWS:
        raise invalid(f"The stand-in's portal has the flows {', '.join(sorted(FLOWS))}, not {sent['type']}.", "flow_data[type]")
    flow: Object = {"type": sent["type"], "after_completion": _after(sent)}
    if sent["type"] == "subscription_cancel":
        sub = state.get(
            "subscription", sent["subscription_cancel"]["subscription"], "flow_data[subscription_cancel][subscription]"
        )
        if sub["customer"] != customer["id"]:
            raise invalid(
                f"The subscription {sub['id']} is not one of {customer['id']}.", "flow_data[subscription_cancel][subscription]"
            )
        flow["subscription_cancel"] = {"subscription": sub["id"]}
    return flow


def _after(sent: Object) -> Object:
    after = sent.get("after_completion") or {"type": "portal_homepage"}
    return {"type": after["type"], "redirect": after.get("redirect"), "hosted_confirmation": after.get("hosted_confirmation")}
