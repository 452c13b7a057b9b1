"""Every request that Stripe knows at the SDK's version, and a strict check of each: read from the installed SDK itself.

The SDK's services are generated from Stripe's own description of its API, and so are the types of their parameters. What the
types cannot say ("one of these two") is for the handlers.
"""

import ast
import functools
import importlib
import re
import types
import typing
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import stripe
import typing_extensions as te
from pydantic import BeforeValidator, ConfigDict, TypeAdapter, ValidationError
from stripe._request_options import RequestOptions
from stripe._stripe_object import UntypedStripeObject

ROOT: Final = Path(stripe.__file__).parent
OPTIONS: Final = frozenset(RequestOptions.__annotations__)  # of the call, not of the request
PARAMETER: Final = re.compile(r"\{[^}]+\}")
NAME: Final = re.compile(r"[a-z0-9_]+")  # of a parameter; pydantic puts branches of a union among them
PLAIN: Final = frozenset({"str", "int", "bool", "float", "decimal", "none"})  # such branches that look like a name
Key = tuple[str, str]  # ("POST", "/v1/customers/{}")


@dataclass(frozen=True, slots=True)
class Operation:
    """Where the SDK keeps the type of a request's parameters; no name if it takes none."""

    module: str
    name: str


@dataclass(frozen=True, slots=True)
class Complaint:
    """What is wrong with a parameter."""

    param: str  # in Stripe's form: items[0][price]
    text: str


@functools.cache
def operations() -> dict[Key, Operation]:
    """All that the SDK can ask: several hundred, in a third of a second."""
    return {key: operation for file in sorted(ROOT.rglob("_*_service.py")) for key, operation in _operations_in(file)}


def check(key: Key, params: dict[str, Any]) -> tuple[dict[str, Any], list[Complaint]]:
    """The parameters with their text turned into numbers and booleans, or what is wrong with them.

    Raises `KeyError` for a request that the SDK cannot make.
    """
    adapter = _adapter(operations()[key])
    try:
        return adapter.validate_python(params), []
    except ValidationError as error:
        return {}, _complaints(error)


def _complaints(error: ValidationError) -> list[Complaint]:
    """One per parameter, the deepest first: the branches of a union complain each, and the deepest knows best what was meant."""
    found: dict[str, list[str]] = {}
    for problem in error.errors(include_url=False, include_context=False):
        place = [str(part) for part in problem["loc"] if NAME.fullmatch(str(part)) and part not in PLAIN]
        name = place[0] + "".join(f"[{part}]" for part in place[1:]) if place else ""
        found.setdefault(name, []).append(problem["msg"])
    return [Complaint(name, ", or ".join(dict.fromkeys(texts))) for name, texts in sorted(found.items(), key=_depth)]


def _depth(item: tuple[str, list[str]]) -> int:
    return -item[0].count("[")


def _operations_in(file: Path) -> typing.Iterator[tuple[Key, Operation]]:
    module = ast.parse(file.read_text())
    homes = {
        alias.name: node.module or "" for node in ast.walk(module) if isinstance(node, ast.ImportFrom) for alias in node.names
    }
    for method in (item for cls in module.body if isinstance(cls, ast.ClassDef) for item in cls.body):
        if isinstance(method, ast.FunctionDef) and (key := _asked(method)):
            name = _params_of(method)
            yield key, Operation(homes.get(name, ""), name)


def _asked(method: ast.FunctionDef) -> Key | None:
    """The verb and path of the request that a method makes."""
    for call in ast.walk(method):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "_request":
            verb, path = (_text(argument) for argument in call.args[:2])
            return verb.upper(), PARAMETER.sub("{}", path)
    return None


def _text(node: ast.expr) -> str:
    """A literal, or the literal that is formatted."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        node = node.func.value
    return str(ast.literal_eval(node))


def _params_of(method: ast.FunctionDef) -> str:
    for argument in method.args.args:
        if argument.arg == "params" and argument.annotation:
            match = re.search(r"\w+Params\b", ast.unparse(argument.annotation))
            return match[0] if match else ""
    return ""


@functools.cache
def _adapter(operation: Operation) -> TypeAdapter[dict[str, Any]]:
    if not operation.name:
        return TypeAdapter(NOTHING)
    return TypeAdapter(_strict(getattr(importlib.import_module(operation.module), operation.name)))


@functools.cache
def _strict(hint: Any) -> Any:
    """A type of the SDK made strict: no unknown names, and no other words than the enumerated ones."""
    origin = typing.get_origin(hint)
    if te.is_typeddict(hint):
        return _strict_dict(hint)
    if origin in (typing.Union, types.UnionType):
        return _strict_union(typing.get_args(hint))
    if origin is list:
        return Annotated[list[_strict(typing.get_args(hint)[0])], BeforeValidator(_as_list)]  # type: ignore[misc]
    if origin in (dict, UntypedStripeObject):
        return dict[str, _strict(typing.get_args(hint)[-1])]  # type: ignore[misc]
    return hint


def _strict_dict(hint: Any) -> Any:
    names = vars(importlib.import_module(hint.__module__)) | {"StripeContext": object, "Mapping": dict}
    hints = te.get_type_hints(hint, globalns=names)
    wanted = hint.__required_keys__
    fields = {
        name: te.Required[_strict(part)] if name in wanted else te.NotRequired[_strict(part)]
        for name, part in hints.items()
        if name not in OPTIONS
    }
    return _typed_dict(hint.__name__, fields)


def _typed_dict(name: str, fields: dict[str, Any]) -> Any:
    """A type made at run time, which a type checker cannot follow."""
    make: Any = te.TypedDict
    made = make(name, fields)
    made.__pydantic_config__ = ConfigDict(extra="forbid")
    return made


def _strict_union(parts: tuple[Any, ...]) -> Any:
    """`Literal["a", "b"] | str` is an open enumeration, and closed here; `Literal[""] | str` is a text that may be taken away."""
    words = [word for part in parts if typing.get_origin(part) in (typing.Literal, te.Literal) for word in typing.get_args(part)]
    kept = [part for part in parts if not (part is str and any(word != "" for word in words))]
    return typing.Union[tuple(_strict(part) for part in kept)]  # noqa: UP007  made at run time


def _as_list(value: Any) -> Any:
    """A form's list, {"0": ..., "1": ...}, in the order of its positions."""
    if isinstance(value, dict) and value and all(name.isdecimal() for name in value):
        return [value[name] for name in sorted(value, key=int)]
    return value


NOTHING: Final = _typed_dict("Nothing", {})
