"""Credit grants: money that a customer was given for usage, taken off the metered lines of its invoices before tax."""

from typing import Any, Final

from billing.sandbox import discounts, lines, values
from billing.sandbox.errors import invalid
from billing.sandbox.routes import route
from billing.sandbox.state import Object, State

KIND: Final = "billing.credit_grant"
TRANSACTION: Final = "billing.credit_balance_transaction"


@route("POST", "/v1/billing/credit_grants")
def create(state: State, params: dict[str, Any]) -> Object:
    """Raises `Refusal` for an unknown customer, and for anything but a monetary amount."""
    state.get("customer", params.get("customer", ""), "customer")
    if not params["amount"].get("monetary"):
        raise invalid(
            "A credit grant is an amount of money: amount[monetary] is missing.", "amount[monetary]", "parameter_missing"
        )
    grant = values.new(state, KIND, "credgr")
    grant |= {name: params.get(name) for name in ("expires_at", "name", "priority")}
    grant |= {name: params[name] for name in ("amount", "applicability_config", "customer")}
    grant |= {"category": params.get("category", "promotional"), "effective_at": params.get("effective_at", state.now())}
    grant |= {"metadata": values.metadata({}, params.get("metadata")), "updated": state.now(), "voided_at": None}
    state.put(KIND, grant)
    _book(state, grant, grant["amount"]["monetary"]["value"], "credit")
    state.emit("billing.credit_grant.created", grant)
    return grant


@route("GET", "/v1/billing/credit_grants/{id}")
def retrieve(state: State, params: dict[str, Any], grant_id: str) -> Object:
    return state.get(KIND, grant_id)


@route("GET", "/v1/billing/credit_grants")
def list_all(state: State, params: dict[str, Any]) -> Object:
    return state.list(KIND, params, lambda grant: params.get("customer", grant["customer"]) == grant["customer"])


@route("POST", "/v1/billing/credit_grants/{id}/void")
def void(state: State, params: dict[str, Any], grant_id: str) -> Object:
    """Raises `Refusal` for one that was used already."""
    grant = state.get(KIND, grant_id)
    if left(state, grant) != grant["amount"]["monetary"]["value"]:
        raise invalid("A credit grant that was used cannot be voided; expire it.")
    return values.change(state, grant, {"voided_at": state.now(), "updated": state.now()}, "billing.credit_grant.updated")


@route("POST", "/v1/billing/credit_grants/{id}/expire")
def expire(state: State, params: dict[str, Any], grant_id: str) -> Object:
    changes = {"expires_at": state.now(), "updated": state.now()}
    return values.change(state, state.get(KIND, grant_id), changes, "billing.credit_grant.updated")


@route("GET", "/v1/billing/credit_balance_transactions")
def list_transactions(state: State, params: dict[str, Any]) -> Object:
    return state.list(TRANSACTION, params, lambda row: _customer(state, row) == params.get("customer", _customer(state, row)))


@route("GET", "/v1/billing/credit_balance_summary")
def summary(state: State, params: dict[str, Any]) -> Object:
    """What a customer has left, of one grant or of all: the stand-in's grants are for everything metered."""
    asked = params["filter"]
    if "prices" in asked.get("applicability_scope", {}):
        raise invalid("The stand-in has credit for everything metered, not for single prices.", "filter[applicability_scope]")
    grants = [grant for grant in _of(state, params.get("customer", "")) if _holds(state, grant)]
    grants = [grant for grant in grants if asked.get("credit_grant", grant["id"]) == grant["id"]]
    currency = grants[0]["amount"]["monetary"]["currency"] if grants else "usd"
    amount = {"type": "monetary", "monetary": {"currency": currency, "value": sum(left(state, grant) for grant in grants)}}
    balances = [{"available_balance": amount, "ledger_balance": amount}]
    return {
        "object": "billing.credit_balance_summary",
        "balances": balances,
        "customer": params.get("customer"),
        "livemode": False,
    }


def left(state: State, grant: Object) -> int:
    """What was not used of a grant."""
    used = [row for row in state.table(TRANSACTION).values() if row["credit_grant"] == grant["id"] and row["debit"]]
    return int(grant["amount"]["monetary"]["value"] - sum(row["debit"]["amount"]["monetary"]["value"] for row in used))


def take(state: State, invoice: Object, data: list[Object]) -> list[Object]:
    """What grants would pay of an invoice's metered lines: noted on the lines, and for the invoice, the first to expire first."""
    taken: list[Object] = []
    for grant in sorted(_of(state, invoice["customer"]), key=lambda row: (row["priority"] or 50, row["expires_at"] or 1 << 60)):
        if _holds(state, grant) and grant["amount"]["monetary"]["currency"] == invoice["currency"]:
            taken += _take(state, grant, data)
    return taken


def settle(state: State, invoice: Object) -> None:
    """Use up what a finalised invoice took: the transactions get their ids."""
    for part in invoice["total_pretax_credit_amounts"]:
        if part["type"] == "credit_balance_transaction":
            grant = state.get(KIND, part["credit_balance_transaction"])
            part["credit_balance_transaction"] = _book(state, grant, part["amount"], "debit", invoice["id"])["id"]


def _take(state: State, grant: Object, data: list[Object]) -> list[Object]:
    rest, parts = left(state, grant), []
    for line in data:
        price = lines.price_of(state, line)
        open_amount = discounts.left(line) - sum(part["amount"] for part in line["pretax_credit_amounts"])
        amount = min(rest, open_amount) if price and lines.is_metered(price) else 0
        if amount > 0:
            part = {"amount": amount, "credit_balance_transaction": grant["id"], "type": "credit_balance_transaction"}
            line["pretax_credit_amounts"].append(part)
            rest -= amount
            parts.append(dict(part))
    return [{**parts[0], "amount": sum(part["amount"] for part in parts)}] if parts else []


def _book(state: State, grant: Object, amount: int, way: str, invoice: str | None = None) -> Object:
    transaction = values.new(state, TRANSACTION, "cbtxn")
    money = {"type": "monetary", "monetary": {"currency": grant["amount"]["monetary"]["currency"], "value": amount}}
    credit = {"amount": money, "type": "credits_granted"} if way == "credit" else None
    line = state.table(lines.TABLE).get(invoice or "", {}).get("data", [{"id": ""}])[0]["id"]
    applied = {"invoice": invoice, "invoice_line_item": line}
    debit = {"amount": money, "type": "credits_applied", "credits_applied": applied} if way == "debit" else None
    transaction |= {"credit": credit, "credit_grant": grant["id"], "debit": debit, "effective_at": state.now(), "type": way}
    state.put(TRANSACTION, transaction)
    state.emit("billing.credit_balance_transaction.created", transaction)
    return transaction


def _of(state: State, customer_id: str | None) -> list[Object]:
    return [grant for grant in state.table(KIND).values() if grant["customer"] == customer_id]


def _customer(state: State, transaction: Object) -> str:
    return str(state.get(KIND, transaction["credit_grant"])["customer"])


def _holds(state: State, grant: Object) -> bool:
    now = state.now()
    return not grant["voided_at"] and grant["effective_at"] <= now and not (grant["expires_at"] and grant["expires_at"] <= now)
