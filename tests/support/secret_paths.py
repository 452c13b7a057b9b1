"""Addresses whose path lets in whoever reads it, made from the routes, so that a log is tried with what is really sent."""

import re
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from django.urls import get_resolver, reverse

URLCONFS: Final = ("saas.urls_platform", "saas.urls_tenant", "saas.urls_widget")
PARAMETER: Final = re.compile(r"<(?:(\w+):)?(\w+)>")
COUNTED: Final = ("int", "uuid")  # kinds of parameters that hold a number or an id, which let nobody in

# Of the rest, what lets somebody in, as (route, parameter). In the place of an embed key stands a signed preview.
SECRET: Final = frozenset(
    {
        ("account_confirm_email", "key"),
        ("account_reset_password_from_key", "key"),
        ("invitation", "code"),
        ("widget_invitation", "code"),
    }
)
# And what does not: ids and names that are no secret wherever they stand, and keys of plans and sites, which everybody may see.
HARMLESS: Final = frozenset(
    [
        *("app_label", "content_type_id", "deed", "event_id", "invitation_id", "kid", "message_id", "meter", "name"),
        *("object_id", "part", "person_id", "report_id", "room_id", "site_id", "stripe_id", "uidb36", "url", "verdict"),
    ]
)
HARMLESS_KEYS: Final = frozenset({"site_revoke", "billing_plan", "billing_act"})


class Parameter(NamedTuple):
    """A parameter of a route that takes words, and all that stand in the route's path."""

    urlconf: str
    route: str
    name: str
    beside: tuple[str, ...]

    @property
    def is_preview(self) -> bool:
        return self.urlconf == "saas.urls_widget" and self.name == "key"

    @property
    def is_secret(self) -> bool:
        return self.is_preview or (self.route, self.name) in SECRET

    @property
    def is_harmless(self) -> bool:
        return self.name in HARMLESS or (self.route in HARMLESS_KEYS and self.name == "key")

    def path(self, secret: str) -> str:
        """The address with this secret in it."""
        words = dict.fromkeys(self.beside, "1") | {self.name: f"~{secret}" if self.is_preview else secret}
        return reverse(self.route, self.urlconf, kwargs=words)


def parameters() -> list[Parameter]:
    """Every parameter of every host's routes that takes words."""
    return [each for urlconf in URLCONFS for each in _walk(urlconf, get_resolver(urlconf), "")]


def secret_paths(secret: str) -> list[str]:
    """The path of every route that takes a secret, with this one in it."""
    return [each.path(secret) for each in parameters() if each.is_secret]


def _walk(urlconf: str, resolver: Any, start: str) -> Iterator[Parameter]:
    for entry in resolver.url_patterns:
        pattern = start + str(entry.pattern)
        if hasattr(entry, "url_patterns"):
            yield from _walk(urlconf, entry, pattern)
            continue
        found = PARAMETER.findall(pattern)
        beside = tuple(name for _kind, name in found)
        yield from (Parameter(urlconf, entry.name, name, beside) for kind, name in found if kind not in COUNTED)
