"""What each page of a tenant's host is sent by somebody who may: whole and right, so that only the role can be wrong.

A form makes what it is about, so that no test waits for another. A page that is not here takes no POST.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID, uuid4

from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from billing.models import BillingContact, Invoice
from billing.services import details, visits
from billing.services.audit import Actor
from chat.models import Notification
from chat.services.embed_keys import rotate_key
from chat.services.identity import make_identity_key
from chat.services.invitations import invite
from chat.services.logos import set_logo
from chat.services.moderation import pin
from chat.services.sample import load_sample
from chat.services.sites import create_site
from tenants.context import in_tenant
from tenants.models import EmbedKey, Membership, Role
from tenants.selectors import has_second_factor
from tests.support.cast import make_user
from tests.support.community import community, member, message_of
from tests.support.people import give_factor, invited
from tests.support.site_pages import SHOP
from tests.support.talk import visitor
from tests.tenants.world import World, reported

Sent = tuple[dict[str, Any], dict[str, Any]]  # the form, and what its address names
SOON: Final = timedelta(hours=1)
PNG: Final = b"\x89PNG\r\n\x1a\n" + b"\0" * 40
LOOK: Final = {"color": "#123456"}
NO_PAYMENTS: Final = "no payments are set up here; tests/billing/pages/ pays"
COMPED: Final = "the plan was given, so Stripe has nothing to end; tests/billing/pages/ does it to one that is paid"


@dataclass(frozen=True, slots=True)
class Form:
    """What is sent, and what comes of it. What is refused, and what changes nothing, says why."""

    send: Callable[[World], Sent]
    status: int = 302
    unchanged: str = ""  # why nothing of the tenant is another after it
    refused: str = ""  # why the answer is a 422, or tells of an error; what is to be asked of Stripe is written down first
    is_last: bool = False  # the tenant is of no use to others after it


def plain(**form: Any) -> Callable[[World], Sent]:
    """A form that is about nothing in particular."""
    return lambda _world: (form, {})


def _member(world: World, *, role: str = Role.AGENT, **fields: Any) -> dict[str, Any]:
    user = make_user(f"{uuid4().hex}@{world.tenant.slug}.example", "Theo")
    return {"member_id": Membership.objects.create(tenant_id=world.tenant.id, user=user, role=role, **fields).id}


def _invitation(world: World) -> dict[str, Any]:
    return {"invitation_id": invited(world.tenant).id}


def _room(world: World) -> dict[str, Any]:
    return {"room_id": community(world.tenant)}


def _person(world: World, **place: Any) -> dict[str, Any]:
    room = community(world.tenant)
    return {"room_id": room, "person_id": member(world.tenant, room, **place).id}


def _line(world: World) -> tuple[UUID, UUID]:
    """A room, and what somebody said in it."""
    room = community(world.tenant)
    return room, message_of(world.tenant, room, member(world.tenant, room))


def _pinned(world: World) -> dict[str, Any]:
    room, message = _line(world)
    pin(world.tenant, world.owner, room_id=room, message_id=message, on=True)
    return {"room_id": room, "message_id": message}


def _case(world: World) -> dict[str, Any]:
    room, message = _line(world)
    reported(world.tenant, room, message)
    return {"message_id": message}


def _room_invitation(world: World) -> dict[str, Any]:
    room = community(world.tenant)
    return {"room_id": room, "invitation_id": invite(world.tenant, world.owner, room_id=room, expires_in=60, uses=1).id}


def _site(world: World) -> dict[str, Any]:
    return {"site_id": create_site(world.tenant, name="Shop", by=world.owner).site_id}


def _old_key(world: World) -> dict[str, Any]:
    site = _site(world)
    key = EmbedKey.objects.get(tenant_id=world.tenant.id, site_id=site["site_id"]).key
    rotate_key(world.tenant, site["site_id"], grace="week", by=world.owner)
    return site | {"key": key}


def _with_logo(world: World) -> dict[str, Any]:
    site = _site(world)
    set_logo(world.tenant, site["site_id"], PNG, by=world.owner)
    return site


def _with_identity_key(world: World) -> dict[str, Any]:
    site = _site(world)
    return site | {"kid": make_identity_key(world.tenant, world.owner, site["site_id"]).kid}


def _with_sample(world: World) -> Sent:
    load_sample(world.tenant, world.owner)
    return {}, {}


def _told(world: World) -> Sent:
    """Everybody hears of something."""
    with in_tenant(world.tenant):
        for user in world.people.values():
            Notification.objects.create(recipient_id=user.id, kind="test", title="A room waits", url="/inbox/")
    return {}, {}


def _needs_factor(world: World) -> Sent:
    """Only an owner who has a second factor may ask for one."""
    world.browser("owner")
    if not has_second_factor(world.people["owner"].id):
        give_factor(world.people["owner"])
    return {"needs_two_factor": "on"}, {}


def _contact(world: World) -> Sent:
    email = f"{uuid4().hex}@money.example"
    details.add_contact(world.tenant.id, email, actor=Actor("owner"))
    return {}, {"contact_id": BillingContact.objects.get(email=email).id}


def _consented(world: World) -> Sent:
    visits.consent(world.tenant.id, until=timezone.now() + SOON, by=world.people["owner"])
    return {}, {}


def _open_invoice(world: World) -> Sent:
    now, money = timezone.now(), dict.fromkeys(("subtotal", "total", "amount_due", "amount_remaining"), 1_000)
    moments = dict.fromkeys(("period_start", "period_end", "created_at", "fetched_at"), now)
    given = money | moments | {"status": "open", "currency": "usd", "amount_paid": 0, "stripe_id": f"in_{uuid4().hex}"}
    return {}, {"invoice_id": Invoice.objects.create(account_id=world.tenant.id, **given).id}


PRICED: Final = {"seats": "200", "amount_now": "1", "currency": "usd", "proration_date": "1", "renewal_amount": "1"}
FORMS: Final[dict[str, Form]] = {
    "people_invite": Form(lambda _: ({"email": f"{uuid4().hex}@people.example", "role": "agent"}, {})),
    "invite_again": Form(lambda world: ({}, _invitation(world))),
    "invite_withdraw": Form(lambda world: ({}, _invitation(world))),
    "person": Form(lambda world: ({"role": "admin"}, _member(world))),
    "person_disable": Form(lambda world: ({"heir": ""}, _member(world))),
    "person_enable": Form(lambda world: ({}, _member(world, disabled_at=timezone.now()))),
    "person_remove": Form(lambda world: ({"heir": ""}, _member(world))),
    "person_sign_out": Form(lambda world: ({}, _member(world))),
    "settings_name": Form(lambda _: ({"name": f"Name {uuid4().hex[:6]}"}, {})),
    "settings_security": Form(_needs_factor, is_last=True),
    "settings_owner": Form(
        lambda world: ({"heir": world.named["member_id"], "slug": world.tenant.slug}, {}), status=200, is_last=True
    ),
    "room_new": Form(plain(kind="team", title="The kitchen")),
    "room": Form(lambda world: ({"title": "Friends", "join_rule": "open"}, _room(world))),
    "room_archive": Form(lambda world: ({"archived": "yes"}, _room(world))),
    "room_move": Form(lambda world: ({"to": "first"}, _room(world))),
    "room_person": Form(lambda world: ({"how": "muted_until", "length": "3600"}, _person(world))),
    "room_lift": Form(lambda world: ({"what": "muted_until"}, _person(world, muted_until=timezone.now() + SOON))),
    "room_appoint": Form(lambda world: ({"role": "moderator"}, _person(world))),
    "room_take_in": Form(lambda world: ({}, _room(world) | {"person_id": visitor(world.tenant).id})),
    "room_remove": Form(lambda world: ({}, _person(world))),
    "room_invitations": Form(lambda world: ({"page": f"{SHOP}/", "uses": "1", "expires_in": "3600"}, _room(world))),
    "room_withdraw": Form(lambda world: ({}, _room_invitation(world))),
    "room_moderation": Form(lambda world: ({"slow_seconds": "7", "locked": "on"}, _room(world))),
    "room_unpin": Form(lambda world: ({}, _pinned(world))),
    "room_delete": Form(lambda world: ({"sure": "The shop's friends"}, _room(world))),
    "moderation_words_of": Form(lambda world: ({"words": "spam"}, _site(world))),
    "moderation_settle": Form(lambda world: ({"delete": "on"}, _case(world))),
    "start_address": Form(lambda _: ({"address": f"https://{uuid4().hex}.example"}, {})),
    "start_snippet": Form(plain()),
    "start_put_away": Form(plain()),
    "sample_load": Form(plain(), is_last=True),
    "sample_remove": Form(_with_sample, is_last=True),
    "notifications_seen": Form(_told),
    "notification_settings": Form(plain(rooms="on")),
    "site_new": Form(plain(name="Shop", allowed_origins="")),
    "site": Form(lambda world: ({"name": "Our shop"}, _site(world))),
    "site_rotate": Form(lambda world: ({"grace": "day"}, _site(world))),
    "site_revoke": Form(lambda world: ({}, _old_key(world))),
    "site_copy": Form(lambda world: ({"source": world.site_id, "parts": ["origins"]}, _site(world))),
    "site_delete": Form(lambda world: ({"sure": "Shop"}, _site(world))),
    "site_look": Form(lambda world: (LOOK, _site(world))),
    "site_logo": Form(lambda world: ({"logo": SimpleUploadedFile("lamp.png", PNG, "image/png")}, _site(world))),
    "site_logo_remove": Form(lambda world: ({}, _with_logo(world))),
    "site_texts": Form(lambda world: ({"title": "Ask us"}, _site(world))),
    "site_hours": Form(lambda world: ({"time_zone": "Europe/Warsaw", "day0_0": "09:00", "day0_1": "17:00"}, _site(world))),
    "site_preview": Form(lambda world: (LOOK, _site(world) | {"part": "look"}), status=200, unchanged="it only shows"),
    "site_access": Form(lambda world: ({"allowed_origins": SHOP}, _site(world))),
    "site_attempt": Form(
        lambda world: ({"address": SHOP, "allowed_origins": SHOP}, _site(world)), 200, unchanged="it only tries"
    ),
    "site_allow": Form(lambda world: ({"origin": SHOP}, _site(world))),
    "site_strict": Form(lambda world: ({"strict": "on"}, _with_identity_key(world))),
    "site_identity_keys": Form(lambda world: ({}, _site(world))),
    "site_identity_key": Form(lambda world: ({}, _with_identity_key(world))),
    "billing_plan": Form(plain(interval="month", seats="200"), 422, refused=NO_PAYMENTS),
    "billing_coupon": Form(plain(coupon="SPRING"), 422, refused=COMPED),
    "billing_act": Form(lambda _: ({}, {"key": "cancel"}), unchanged=COMPED),
    "billing_portal": Form(plain(), refused=NO_PAYMENTS),
    "billing_buy_seats": Form(plain(**PRICED, renews_at="2030-01-01 00:00"), 422, refused=COMPED),
    "billing_lower_seats": Form(plain(seats="50"), 422, refused=COMPED),
    "billing_pay": Form(_open_invoice, refused=NO_PAYMENTS),
    "billing_remove_contact": Form(_contact),
    "billing_end_consent": Form(_consented),
    "billing_keep": Form(lambda _: ({"email": f"{uuid4().hex}@money.example"}, {"part": "contact"})),
    "billing_export": Form(plain(), status=200),
    "billing_close": Form(lambda world: ({"slug": world.tenant.slug}, {}), is_last=True),
}
