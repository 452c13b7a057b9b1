"""How an object looks when it is shown, by the SDK's own resource classes: their fields, all of them, and no other.

`shown` leaves out what Stripe shows only on request, follows `expand` and puts null for absent optional fields; `complaints` says
where an object differs from its class. A class that the SDK updates is followed without a change here.
"""

import functools
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from importlib import import_module
from types import NoneType, UnionType
from typing import Any, ClassVar, Final, Literal, Union, get_args, get_origin

import stripe
from stripe._object_classes import OBJECT_CLASSES, V2_OBJECT_CLASSES
from stripe._stripe_object import StripeObject
from stripe.events._event_classes import get_v2_event_class

Object = dict[str, Any]
Tree = dict[str, "Tree"]  # what to expand: {"data": {"customer": {}}}
Finder = Callable[[str, Object, str], Any]  # (kind, the object, a field) -> what stands there when it is expanded

API_VERSION: Final = str(stripe.api_version)
ON_REQUEST: Final[dict[str, frozenset[str]]] = {  # fields that are there only when `expand` names them
    "charge": frozenset({"refunds"}),
    "checkout.session": frozenset({"line_items"}),
    "coupon": frozenset({"applies_to", "currency_options"}),
    "customer": frozenset({"cash_balance", "invoice_credit_balance", "sources", "subscriptions", "tax", "tax_ids"}),
    "invoice": frozenset({"payments"}),
    "price": frozenset({"currency_options", "tiers"}),
    "promotion_code": frozenset(),
}
FREE: Final = frozenset({"metadata", "payload", "previous_attributes"})  # whatever is in them is the caller's own
MISSING: Final = object()


def instant(second: int) -> str:
    """A second as v2 objects write it, as `2026-11-28T16:10:12.000Z`."""
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


@dataclass(frozen=True, slots=True)
class Form:
    """The fields of a class: `optional` may be null, `kinds` has the types and words that a plain field accepts."""

    name: str
    fields: frozenset[str]
    optional: tuple[str, ...]
    kinds: dict[str, tuple[tuple[type, ...], frozenset[Any]]]
    inner: dict[str, type]
    keyed: frozenset[str]  # fields whose values are objects of the inner class by a caller's key; the SDK takes no null there


@functools.cache
def form_of(cls: type) -> Form:
    """The form of a resource class or of a class inside it."""
    hints = _annotations(cls)
    optional = tuple(name for name, hint in hints.items() if NoneType in get_args(hint) and name != "deleted")
    kinds = {name: kind for name, hint in hints.items() if (kind := _kind(hint))}
    inner = getattr(cls, "_inner_class_types", {})
    return Form(cls.__qualname__, frozenset(hints), optional, kinds, inner, frozenset(getattr(cls, "_inner_class_dicts", ())))


@functools.cache
def class_of(kind: str, type_: str = "") -> type | None:
    """The resource class of `object: kind`; of a thin event also by its type. None if the SDK has no such kind."""
    if kind == "v2.core.event":
        return get_v2_event_class(type_)  # type: ignore[no-any-return]
    module, name = (V2_OBJECT_CLASSES | OBJECT_CLASSES).get(kind, ("", ""))
    return getattr(import_module(module), name) if module else None


def tree(expand: list[str]) -> Tree:
    """`["data.customer"]` as {"data": {"customer": {}}}."""
    top: Tree = {}
    for path in expand:
        node = top
        for part in path.split("."):
            node = node.setdefault(part, {})
    return top


def shown(value: Any, expand: Tree | None = None, find: Finder | None = None, cls: type | None = None) -> Any:
    """A copy of an object, a list of them or a plain value, as Stripe would show it."""
    if isinstance(value, list):
        return [shown(item, expand, find, cls) for item in value]
    if not isinstance(value, dict):
        return value
    cls = _its_class(value) or cls
    if cls is None:
        return {name: shown(item, (expand or {}).get(name), find) for name, item in value.items()}
    return _filled(value, expand or {}, find, form_of(cls))


def complaints(value: Any, cls: type | None = None, where: str = "") -> list[str]:
    """Where a shown object differs from the SDK's class: a field too many, one too few, a wrong type or word."""
    if isinstance(value, list):
        return [text for item in value for text in complaints(item, cls, where)]
    if not isinstance(value, dict) or value.get("deleted") is True:
        return []
    own = _its_class(value)
    if own is None and "object" in value and cls is None:
        return [f"{where or 'the answer'}: the SDK has no object {value['object']!r}"]
    cls = own or cls
    return _differences(value, form_of(cls), where or form_of(cls).name) if cls else []


def _filled(value: Object, expand: Tree, find: Finder | None, form: Form) -> Object:
    kind = str(value.get("object", ""))
    hidden = ON_REQUEST.get(kind, frozenset()) - expand.keys()
    result = {} if value.get("deleted") else {name: None for name in form.optional if name not in hidden | form.keyed}
    for name, item in value.items():
        if name not in hidden:
            result[name] = _field(name, item, expand, find, form)
    if find:
        for name in expand.keys() - {"data"}:
            if isinstance(result.get(name), str | list | None) and (found := find(kind, value, name)) is not MISSING:
                result[name] = shown(found, expand[name], find)
    return result


def _field(name: str, item: Any, expand: Tree, find: Finder | None, form: Form) -> Any:
    if name in FREE or (form.name == "Event" and name == "data"):
        return item
    inner = form.inner.get(name)
    if name in form.keyed and isinstance(item, dict):
        return {key: shown(part, None, find, inner) for key, part in item.items()}
    return shown(item, expand.get(name), find, inner)


def _differences(value: Object, form: Form, where: str) -> list[str]:
    texts = [f"{where}.{name} is not a field of {form.name}" for name in value.keys() - form.fields]
    wanted = form.fields - value.keys() - set(form.optional) - {"deleted"}
    texts += [f"{where}.{name} is missing" for name in sorted(wanted)]
    for name, item in value.items():
        if (kind := form.kinds.get(name)) and not _fits(item, *kind):
            texts.append(f"{where}.{name} is {item!r}, which {form.name} does not allow")
        if name not in FREE and isinstance(item, dict | list):
            parts = list(item.values()) if name in form.keyed and isinstance(item, dict) else item
            texts += complaints(parts, form.inner.get(name), f"{where}.{name}")
    return texts


def _its_class(value: Object) -> type | None:
    kind = value.get("object")
    return class_of(kind, str(value.get("type")) if kind == "v2.core.event" else "") if isinstance(kind, str) else None


def _annotations(cls: type) -> dict[str, Any]:
    """A resource class's fields with their types, those of the bases in the SDK's resources too."""
    hints: dict[str, Any] = {}
    for base in reversed(cls.__mro__):
        if issubclass(base, StripeObject) and base is not StripeObject:
            hints |= {name: hint for name, hint in vars(base).get("__annotations__", {}).items() if _is_field(name, hint)}
    if cls is OBJECT_LIST:
        hints["object"] = Literal["list"]
    return hints


def _is_field(name: str, hint: Any) -> bool:
    return not name.startswith("_") and get_origin(hint) is not ClassVar and not re.match(r"(\w+\.)?ClassVar", str(hint))


def _kind(hint: Any) -> tuple[tuple[type, ...], frozenset[Any]] | None:
    """The JSON types and, of an enumeration, the words that an annotation accepts; None if it is not a plain one."""
    parts = list(get_args(hint)) if get_origin(hint) in (Union, UnionType) else [hint]
    words = frozenset(word for part in _flat(parts) if get_origin(part) is Literal for word in get_args(part))
    simple: list[type] = []
    for part in _flat(parts):
        if part in (int, str, bool, float, NoneType, Decimal):
            simple.append(str if part is Decimal else part)
        elif get_origin(part) is not Literal:
            return None
    return tuple(simple), words


def _flat(parts: list[Any]) -> list[Any]:
    return [inner for part in parts for inner in (get_args(part) if get_origin(part) in (Union, UnionType) else (part,))]


def _fits(value: Any, types: tuple[type, ...], words: frozenset[Any]) -> bool:
    if value is None:
        return NoneType in types
    if words:
        return value in words
    return type(value) in types or (type(value) is int and float in types)


OBJECT_LIST: Final = class_of("list")
