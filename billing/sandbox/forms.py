"""Stripe's way of writing nested data in a form: `items[0][price]=price_1&metadata[tenant]=acme`."""

import re
from typing import Any, Final
from urllib.parse import parse_qsl

from billing.sandbox.errors import invalid

NAME: Final = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")
PART: Final = re.compile(r"\[([^\[\]]*)\]")
LIMIT: Final = 5_000  # fields; more is an accident


def decode(text: str) -> dict[str, Any]:
    """The data that a query or a form body holds. Values are strings, lists are dicts by position: {"0": ..., "1": ...}.

    Only the parameter's type can tell a list from a dict with keys of digits; the catalogue turns it. Raises `Refusal` for a name
    that is not in this form, or that means two things at once.
    """
    result: dict[str, Any] = {}
    for name, value in parse_qsl(text, keep_blank_values=True, max_num_fields=LIMIT):
        _place(result, name, _parts(name), value)
    return result


def _parts(name: str) -> list[str]:
    match = NAME.fullmatch(name)
    if match is None:
        raise invalid(f"Invalid parameter name: {name!r}. Nested ones are written as parent[child].", name)
    return [match[1], *PART.findall(match[2])] if match[2] else [name]


def _place(node: dict[str, Any], name: str, parts: list[str], value: str) -> None:
    for part in parts[:-1]:
        node = node.setdefault(part or str(len(node)), {})
        if not isinstance(node, dict):
            raise invalid(f"Invalid parameter: {name!r} has both a value and parts.", name)
    last = parts[-1] or str(len(node))  # `expand[]=a&expand[]=b` counts by itself
    if last in node:
        raise invalid(f"Invalid parameter: {name!r} is given twice, or has both a value and parts.", name)
    node[last] = value
