"""Web pages of the demo's two customers. Only with DEMO; they know of Porchlight what any customer knows: the script tag."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from tenants.models import EmbedKey

OPEN_POLICY: Final = (
    "default-src 'self'; script-src 'self' {widget}; frame-src {widget}; connect-src 'self' {widget}; img-src 'self' data:"
)
# What a careful customer sends. Chromium gives the framed panel its own policy; the loader must live under this one.
STRICT_POLICY: Final = (
    "default-src 'none'; script-src {widget}; style-src 'self'; frame-src {widget}; connect-src {widget}; img-src 'self'; "
    "base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'"
)


@dataclass(frozen=True, slots=True)
class Ware:
    """Something on a shelf."""

    name: str
    words: str
    price: str
    picture: str  # a static file


@dataclass(frozen=True, slots=True)
class Customer:
    """Somebody who may sign in at a shop."""

    id: str  # the shop's own, which never changes
    name: str
    words: str  # what the shop has to tell them


BIKES = [
    Ware("Tern 8", "Eight gears, folds in ten seconds, fits under a desk.", "€ 1,290", "demo/tern.svg"),
    Ware("Harrier", "A steel tourer that carries you and a week of luggage.", "€ 1,850", "demo/harrier.svg"),
    Ware("Wren 20", "A child's first real bike, 6.9 kg, from six years on.", "€ 420", "demo/wren.svg"),
]
PLANTS = [
    Ware("Fig, three years old", "Stands in a pot on any warm balcony and bears twice a year.", "€ 39", "demo/fig.svg"),
    Ware("Shade border", "Nine ferns and hostas for the corner where nothing grows.", "€ 64", "demo/fern.svg"),
    Ware("Tomato summer", "Six old varieties, grown until the first flower.", "€ 24", "demo/tomato.svg"),
]


def acme(request: HttpRequest) -> HttpResponse:
    """Acme Bikes."""
    return _shop(request, "acme", BIKES, OPEN_POLICY)


def globex(request: HttpRequest) -> HttpResponse:
    """Globex Garden."""
    return _shop(request, "globex", PLANTS, OPEN_POLICY)


def strict(request: HttpRequest) -> HttpResponse:
    """Acme Bikes with a strict policy and Trusted Types."""
    return _shop(request, "acme", BIKES, STRICT_POLICY)


def embed_key(slug: str) -> EmbedKey:
    """The key on this customer's pages. Raises Http404 before the demo is seeded."""
    key = EmbedKey.objects.select_related("tenant").filter(tenant__slug=slug, revoked_at=None).order_by("created_at").first()
    if key is None:
        raise Http404
    return key


def page(request: HttpRequest, slug: str, key: EmbedKey, *, template: str, policy: str, more: Mapping[str, Any]) -> HttpResponse:
    """A page in the look of this customer, with the tag of this key."""
    widget = f"{settings.SCHEME}://{settings.WIDGET_HOST}"
    answer = render(request, template, {"slug": slug, "key": key.key, "widget": widget, **more})
    answer.headers["Content-Security-Policy"] = policy.format(widget=widget)
    return answer


def _shop(request: HttpRequest, slug: str, wares: list[Ware], policy: str) -> HttpResponse:
    return page(request, slug, embed_key(slug), template=f"demo/{slug}.html", policy=policy, more={"wares": wares})
