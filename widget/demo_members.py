"""Acme's page for its own customers, who sign in there: how a page says who its visitor is (`docs/embed.md`). Only with DEMO."""

import time
from typing import Final
from uuid import uuid4

import jwt
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST, require_safe

from chat.models import Site
from chat.services.identity import IdentityKey, key_named
from tenants.context import in_tenant
from tenants.models import EmbedKey
from tenants.resolve import ref
from widget.demo import OPEN_POLICY, Customer, embed_key, page

SLUG: Final = "acme"
COOKIE: Final = "acme-customer"
LIFE: Final = 120  # seconds that an identity holds
NOT_KEPT: Final = {"Cache-Control": "no-store"}
CUSTOMERS: Final = (
    Customer("4711", "Vic Adams", "Your Harrier was serviced in March. The next service is due in May."),
    Customer("4712", "Rosa Lind", "Your Tern 8 is being tuned to your height. It is ready on Thursday."),
)


@require_safe
def members(request: HttpRequest) -> HttpResponse:
    """Where Acme's customers sign in and out, with words on what the chat is told. Says so where Acme holds no identity key."""
    key = embed_key(SLUG)
    shown = {"customer": _signed_in(request), "customers": CUSTOMERS, "has_key": _identity_key(key) is not None}
    answer = page(request, SLUG, key, template="demo/members.html", policy=f"{OPEN_POLICY}; form-action 'self'", more=shown)
    answer.headers["Cache-Control"] = NOT_KEPT["Cache-Control"]
    return answer


@require_POST
def sign_in(request: HttpRequest) -> HttpResponse:
    """As one of the two, without a password: a demo. 404 for anybody else."""
    customer = _customer(request.POST.get("customer", ""))
    if customer is None:
        raise Http404
    answer = redirect("demo_members")
    answer.set_signed_cookie(COOKIE, customer.id, httponly=True, samesite="Lax", secure=request.is_secure())
    return answer


@require_POST
def sign_out(_request: HttpRequest) -> HttpResponse:
    """Nobody is signed in from now on."""
    answer = redirect("demo_members")
    answer.delete_cookie(COOKIE, samesite="Lax")
    return answer


@require_safe
def chat_identity(request: HttpRequest) -> HttpResponse:
    """Who is here, for the page's own script: a JWT; 204 where nobody is signed in; 503 while Acme holds no key to sign with."""
    customer, key = _signed_in(request), embed_key(SLUG)
    if customer is None:
        return HttpResponse(status=204, headers=NOT_KEPT)
    signing = _identity_key(key)
    if signing is None:
        return HttpResponse("Acme has no identity key.", status=503, content_type="text/plain", headers=NOT_KEPT)
    return HttpResponse(_identity(customer, key, signing), content_type="text/plain", headers=NOT_KEPT)


def _identity(customer: Customer, key: EmbedKey, signing: IdentityKey) -> str:
    claims = {"sub": customer.id, "name": customer.name, "aud": key.key, "jti": str(uuid4()), "exp": int(time.time()) + LIFE}
    return jwt.encode(claims, signing.secret, algorithm="HS256", headers={"kid": signing.kid})


def _identity_key(key: EmbedKey) -> IdentityKey | None:
    """The newest of the site. A real customer's server holds its secret; the demo's asks for it, and so follows a change."""
    tenant = ref(key.tenant)
    with in_tenant(tenant):
        kids = Site.objects.values_list("identity_keys", flat=True).get(id=key.site_id)
    return key_named(tenant, key.site_id, kids[-1]) if kids else None


def _signed_in(request: HttpRequest) -> Customer | None:
    return _customer(request.get_signed_cookie(COOKIE, default=None))


def _customer(ident: str | None) -> Customer | None:
    return next((one for one in CUSTOMERS if one.id == ident), None)
