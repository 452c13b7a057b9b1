"""Small rules that many objects share: what a new one has, how one is changed, how money is written."""

from decimal import Decimal
from typing import Any, Final

from billing.sandbox.errors import invalid
from billing.sandbox.state import Object, State

METADATA: Final = (50, 40, 500)  # keys, characters of a key, characters of a value
PLACES: Final = 12  # decimal places of an amount


def new(state: State, kind: str, prefix: str) -> Object:
    """What every object begins with."""
    return {"id": state.new_id(prefix), "object": kind, "created": state.now(), "livemode": False}


def given(params: Object, names: tuple[str, ...]) -> Object:
    """Those of the parameters that are named; "" takes a value away and is None."""
    return {name: None if params[name] == "" else params[name] for name in names if name in params}


def metadata(old: Object, sent: Any) -> Object:
    """Stripe's merge: "" for a key takes it away, "" for all takes all away. Raises `Refusal` over its limits."""
    if sent == "":
        return {}
    merged = {key: value for key, value in {**old, **(sent or {})}.items() if value != ""}
    keys, key_length, length = METADATA
    if len(merged) > keys:
        raise invalid(f"Metadata can have up to {keys} keys, and would have {len(merged)}.", "metadata")
    for key, value in merged.items():
        if len(key) > key_length or len(value) > length:
            raise invalid(
                f"Metadata keys have {key_length} characters at most and values {length}; {key!r} has more.", "metadata"
            )
    return merged


def change(state: State, obj: Object, changes: Object, event: str) -> Object:
    """Change fields of a stored object, and tell what they were. Nothing is told of what stays the same."""
    previous = {name: obj.get(name) for name, value in changes.items() if obj.get(name) != value}
    obj.update(changes)
    kind = str(obj["object"])
    state.put(kind, obj)
    if previous:
        state.emit(event, obj, previous)
    return obj


def amount_text(amount: Decimal) -> str:
    """An amount of minor units without needless zeros, as `0.4`. Raises `Refusal` for more than twelve decimal places."""
    exponent = amount.normalize().as_tuple().exponent
    if isinstance(exponent, int) and exponent < -PLACES:
        raise invalid(f"Invalid decimal: {amount}; must have no more than {PLACES} decimal places.")
    return format(amount.normalize(), "f") if amount else "0"


def amounts(params: Object, name: str) -> Object:
    """`unit_amount` and `unit_amount_decimal` from whichever was sent: {} if neither was, and whole numbers where they are whole.

    Raises `Refusal` if both were.
    """
    whole, decimal = params.get(name), params.get(f"{name}_decimal")
    if whole is not None and decimal is not None:
        raise invalid(f"You may only specify one of these parameters: {name}, {name}_decimal.", name)
    if whole is None and decimal is None:
        return {}
    amount = Decimal(str(decimal if whole is None else whole))
    if amount < 0:
        raise invalid(f"Invalid {name}: {amount}. It must be greater than or equal to 0.", name)
    return {name: int(amount) if amount == int(amount) else None, f"{name}_decimal": amount_text(amount)}


def one_of(params: Object, *names: str) -> str:
    """The one of several parameters that was sent. Raises `Refusal` if none was, or more than one."""
    sent = [name for name in names if params.get(name) not in (None, "")]
    if len(sent) != 1:
        raise invalid(f"You must specify exactly one of these parameters: {', '.join(names)}.", names[0])
    return sent[0]
