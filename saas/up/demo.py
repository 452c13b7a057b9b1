"""The demo's cast: two customers who must never see each other, and a member of the platform's staff; and what is sold to them.

`python -m saas.up.demo` makes what is missing and prints the tenants with their embed keys as JSON. What the cast has changed
since is left as it is; only the demo page's address is brought up to date, for it may have moved to another port. Plans and
prices go to the stand-in for Stripe, or to Stripe itself where there is a key for tests.
"""

import json
import os
from dataclasses import dataclass
from typing import Final

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "saas.settings")
django.setup()

from allauth.account.models import EmailAddress
from django.conf import settings

from billing.gateway import gateway
from billing.services.comps import give_key
from billing.services.price_list import sync_plans
from chat.models import Site
from chat.selectors.sites import first_embed_key
from chat.services.identity import make_identity_key
from chat.services.sites import change_site
from saas.up.links import PASSWORD, STAFF
from tenants.context import TenantRef, in_tenant
from tenants.models import EmbedKey, Membership, Role, Tenant, User
from tenants.provisioning import create_tenant
from tenants.resolve import ref
from tenants.tokens import Principal


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody of the cast."""

    name: str
    email: str
    role: Role


@dataclass(frozen=True, slots=True)
class Customer:
    """A tenant of the cast; the first of its people owns it."""

    slug: str
    name: str
    people: tuple[Person, ...]
    color: str
    title: str
    greeting: str
    plan: str = ""  # given, so that there is something to try; empty: the free one
    has_members: bool = False  # its own customers sign in on its pages; takes a plan that has this


SEATS: Final = 5  # of a plan that is given
CUSTOMERS: Final = (
    Customer(
        slug="acme",
        name="Acme Bikes",
        people=(
            Person("Ada Lovelace", "ada@acme.example", Role.OWNER),
            Person("Ben Ito", "ben@acme.example", Role.AGENT),
        ),
        color="#B45309",
        title="Ask the workshop",
        greeting="Hello. Ask us anything about bikes; somebody from the workshop answers.",
        plan="team",
        has_members=True,
    ),
    Customer(
        slug="globex",
        name="Globex Garden",
        people=(Person("Gus Moreau", "gus@globex.example", Role.OWNER),),
        color="#13795B",
        title="Ask a gardener",
        greeting="Hello. Tell us where your plant stands, and what ails it.",
    ),
)


def seed() -> list[dict[str, object]]:
    """Make what is missing of the cast and of the plans; the cast's tenants as `saas/up/links.py` takes them."""
    if settings.STRIPE_SECRET_KEY and not settings.STRIPE_LIVE:
        sync_plans(gateway())
    _person("Sam Staff", STAFF, is_staff=True, is_superuser=True)
    return [_customer(customer) for customer in CUSTOMERS]


def _customer(customer: Customer) -> dict[str, object]:
    users = {person: _person(person.name, person.email) for person in customer.people}
    tenant = _tenant(customer, owner=users[customer.people[0]])
    for person, user in users.items():
        Membership.objects.get_or_create(tenant_id=tenant.id, user=user, defaults={"role": person.role})
    _dress(tenant, customer, owner=users[customer.people[0]])
    members = [{"email": person.email, "role": str(person.role)} for person in customer.people]
    return {"slug": tenant.slug, "embed_key": first_embed_key(tenant.id), "members": members}


def _person(name: str, email: str, **rights: bool) -> User:
    """The user of this address, made with the demo's password and a verified address if there is none."""
    user = User.objects.filter(email=email).first() or User.objects.create_user(email, PASSWORD, name=name, **rights)
    EmailAddress.objects.get_or_create(user=user, email=email, defaults={"primary": True, "verified": True})
    return user


def _tenant(customer: Customer, *, owner: User) -> TenantRef:
    if tenant := Tenant.objects.filter(slug=customer.slug).first():
        return ref(tenant)
    made = create_tenant(slug=customer.slug, name=customer.name, owner=owner)
    if customer.plan:
        give_key(made.id, customer.plan, seats=SEATS)
    return made


def _dress(tenant: TenantRef, customer: Customer, *, owner: User) -> None:
    """Let the demo page embed the first site, and give a site that nobody has set up its look, words and identity key."""
    key = EmbedKey.objects.filter(tenant_id=tenant.id).order_by("created_at").first()
    if key is None:
        return
    with in_tenant(tenant):
        site = Site.objects.get(id=key.site_id)
    page = f"{settings.SCHEME}://{settings.DEMO_HOST}"
    others = [origin for origin in site.allowed_origins if not origin.startswith(f"{settings.SCHEME}://demo.localhost")]
    if [page, *others] != site.allowed_origins:
        change_site(tenant, site.id, allowed_origins=[page, *others])
    if not site.look and not site.texts:
        texts = {"title": customer.title, "greeting": customer.greeting}
        change_site(tenant, site.id, look={"color": customer.color}, texts=texts)
        if customer.has_members:
            who = Principal(tenant.id, "agent", owner.id, owner.name, Role.OWNER, None, None, "", 0.0)
            make_identity_key(tenant, who, site.id)


if __name__ == "__main__":
    print(json.dumps(seed()))
