"""Who answers what. A handler or a page registers itself under a verb and a path, `{id}` standing for one part of it.

    @route("POST", "/v1/customers")
    def create(state: State, params: dict[str, Any]) -> dict[str, Any]:

    @route("POST", "/v1/customers/{id}")
    def update(state: State, params: dict[str, Any], customer_id: str) -> dict[str, Any]:

    @page("GET", "/checkout/{id}")
    def show(state: State, form: dict[str, Any], session_id: str) -> Page:

    @due
    def renewals(state: State) -> tuple[int, Callable[[State], None]] | None:

A handler gets `params` as the SDK's types say, checked and with numbers and booleans turned from their text; only the names that
were sent are in it, and "" means "take it away". It answers the object as it is stored: the server leaves out what Stripe shows
only when asked (`shapes.ON_REQUEST`), follows `expand`, puts null for absent optional fields, and sets a list's `url`. It raises
`Refusal`. It runs to its end before the next request is looked at, so it needs no lock, and the clock stands meanwhile.

    @expansion("customer", "tax_ids")
    def tax_ids(state: State, customer: dict[str, Any]) -> Any:

`expand` of a field with an id, or with a list of ids, needs nothing. A field that is not stored (it must be in
`shapes.ON_REQUEST`) is made by an `expansion` when it is asked for.

A page is for people, not for the SDK: nothing is checked; `form` has the fields of the query and of the body. A path of a page
must not begin with `/v1`, `/v2` or `/_sandbox`.

A `due` source tells the next thing that falls due: (second of the clock, what to do then), or None. Once called, the act must
change what the source answers. Whenever the clock moves, the earliest of all sources is done first, with `state.now()` standing
at its second; then they are asked again.

A module that registers something is named in `parts.py`, or nobody imports it.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from dataclasses import field as of
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from billing.sandbox.state import State

Handler = Callable[..., dict[str, Any]]
Act = Callable[["State"], None]
Source = Callable[["State"], tuple[int, Act] | None]
H = TypeVar("H", bound=Callable[..., Any])
PARAMETER = re.compile(r"\{[^}]*\}")


@dataclass(frozen=True, slots=True)
class Page:
    """What a browser gets."""

    body: str | bytes = ""
    status: int = 200
    content_type: str = "text/html; charset=utf-8"
    headers: dict[str, str] = of(default_factory=dict)

    @classmethod
    def to(cls, address: str) -> "Page":
        """Sends the browser on with a GET."""
        return cls(status=303, headers={"location": address})


@dataclass(frozen=True, slots=True)
class Found:
    """A registered handler for a request's path."""

    shape: str  # "/v1/customers/{}"
    ids: tuple[str, ...]
    handler: Callable[..., Any]


class Table:
    """Callables by verb and path; a literal part of a path goes before `{id}`."""

    def __init__(self) -> None:
        self._literal: dict[tuple[str, str], Callable[..., Any]] = {}
        self._patterns: list[tuple[str, re.Pattern[str], str, Callable[..., Any]]] = []

    def add(self, verb: str, path: str, handler: Callable[..., Any]) -> None:
        """Raises `ValueError` if the place is taken by another."""
        shape = PARAMETER.sub("{}", path)
        if any(shape == other and verb == its for its, _, other, _ in self._patterns) or (verb, shape) in self._literal:
            raise ValueError(f"{verb} {path} has a handler already.")
        if shape == path:
            self._literal[verb, path] = handler
            return
        self._patterns.append((verb, re.compile(re.escape(shape).replace(r"\{\}", "([^/]+)")), shape, handler))
        self._patterns.sort(key=lambda row: row[2].count("{}"))

    def find(self, verb: str, path: str) -> Found | None:
        """The one that is registered for exactly this verb, or None."""
        if handler := self._literal.get((verb, path)):
            return Found(path, (), handler)
        for its, pattern, shape, handler in self._patterns:
            if its == verb and (match := pattern.fullmatch(path)):
                return Found(shape, match.groups(), handler)
        return None

    def shapes(self) -> set[tuple[str, str]]:
        """All that is registered."""
        return set(self._literal) | {(verb, shape) for verb, _, shape, _ in self._patterns}


HANDLERS = Table()
PAGES = Table()
SOURCES: list[Source] = []
EXCLUSIVE: dict[tuple[str, str], Callable[[dict[str, Any]], Any]] = {}
EXPANSIONS: dict[tuple[str, str], Callable[["State", dict[str, Any]], Any]] = {}


def route(verb: str, path: str) -> Callable[[H], H]:
    """Register a handler of the API."""
    return _registrar(HANDLERS, verb, path)


def page(verb: str, path: str) -> Callable[[H], H]:
    """Register a page for people."""
    return _registrar(PAGES, verb, path)


def due(source: Source) -> Source:
    """Register a source of things that fall due."""
    SOURCES.append(source)
    return source


def exclusive(verb: str, path: str) -> Callable[[H], H]:
    """Register what tells a call's lock from its parameters: of two calls with one lock at a time, the second gets a 429."""

    def register(maker: H) -> H:
        EXCLUSIVE[verb, PARAMETER.sub("{}", path)] = maker
        return maker

    return register


def expansion(kind: str, field: str) -> Callable[[H], H]:
    """Register what makes a field that is shown only on request."""

    def register(maker: H) -> H:
        EXPANSIONS[kind, field] = maker
        return maker

    return register


def _registrar(table: Table, verb: str, path: str) -> Callable[[H], H]:
    def register(handler: H) -> H:
        table.add(verb, path, handler)
        return handler

    return register
