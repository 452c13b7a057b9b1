"""A community room, and people who come, speak and keep order in it."""

from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.db import transaction
from django.test import Client

from chat.models import Message, Participant, Room
from chat.realtime.amend import Change, amend_sync
from chat.realtime.append import APPEND, Row, call_sync
from chat.realtime.protocol.outgoing import Author
from chat.services.members import enter
from chat.services.messages import author_of
from tenants.context import TenantRef, in_tenant
from tenants.models import Membership, Role, User
from tenants.tokens import Principal, issue_visitor
from tests.support.cast import make_user
from tests.support.talk import agent, embed_key, visitor

Answer = Any  # Django's test client adds `json()` to its responses, which has no name


def community(tenant: TenantRef, **fields: Any) -> UUID:
    """A community room of the tenant's first site."""
    site_id = fields.pop("site_id", None) or embed_key(tenant).site_id
    given = {"kind": "community", "title": "The shop's friends", "site_id": site_id, **fields}
    with in_tenant(tenant):
        return UUID(str(Room.objects.create(**given).id))


def member(tenant: TenantRef, room_id: UUID, **place: Any) -> Principal:
    """A new visitor of the room's site who is in the room."""
    who = visitor(tenant)
    with in_tenant(tenant):
        assert enter(who, room_id)
        Participant.objects.filter(room=room_id, person_id=who.id).update(**place)
    return who


def moderator(tenant: TenantRef, room_id: UUID) -> Principal:
    """A new visitor who keeps order in the room."""
    return member(tenant, room_id, role="moderator")


def team_member(tenant: TenantRef, role: str) -> Principal:
    """A new member of the tenant with this role."""
    user: User = make_user(f"{uuid4().hex[:12]}@{tenant.slug}.example", role.title())
    Membership.objects.create(tenant_id=tenant.id, user=user, role=role)
    return agent(tenant, user, Role(role))


def tries(tenant: TenantRef, who: Principal, room_id: UUID, text: str) -> str:
    """What becomes of a line that they try to say: the outcome of `append`."""
    row = Row(room_id, Author(kind=who.kind, id=who.id, name=who.name), uuid4(), text)
    with in_tenant(tenant), transaction.atomic():
        outcome: str = call_sync(APPEND, [row])[0].outcome
        return outcome


def message_of(tenant: TenantRef, room_id: UUID, who: Principal, text: str = "hello") -> UUID:
    """The id of a line that they said in the room."""
    assert tries(tenant, who, room_id, text) == "stored"
    with in_tenant(tenant):
        return UUID(str(Message.objects.filter(room=room_id, author_id=who.id).latest("seq").id))


def delete(tenant: TenantRef, room_id: UUID, who: Principal, message_id: UUID) -> None:
    """They delete a line: one of theirs, or as an agent any."""
    change = Change("delete", room_id, author_of(who), uuid4(), message_id, moderates=who.kind == "agent")
    with in_tenant(tenant), transaction.atomic():
        assert [one.outcome for one in amend_sync([change])] == ["stored"]


def place_of(tenant: TenantRef, room_id: UUID, who: Principal) -> Participant | None:
    """Their place in the room."""
    with in_tenant(tenant):
        return Participant.objects.filter(room=room_id, person_id=who.id).first()


def people_in(tenant: TenantRef, room_id: UUID) -> tuple[int, int]:
    """How many people the room says it has, and how many places there are: the same, whatever happens."""
    with in_tenant(tenant):
        room = Room.objects.get(id=room_id)
        return room.people, Participant.objects.filter(room=room_id).count()


def lines_in(tenant: TenantRef, room_id: UUID) -> list[str]:
    """The system lines of the room, in order."""
    with in_tenant(tenant):
        return list(Message.objects.filter(room=room_id, kind="system").order_by("seq").values_list("text", flat=True))


class Visit:
    """A program of one visitor at the widget host."""

    def __init__(self, tenant: TenantRef, who: Principal | None, *, key: str | None = None, origin: str | None = None) -> None:
        self.key = key or embed_key(tenant).key
        headers = {"Host": settings.WIDGET_HOST}
        if who is not None:
            headers["Authorization"] = f"Bearer {token_of(tenant, who)}"
        if origin is not None:
            headers["Origin"] = origin
        self.client = Client(enforce_csrf_checks=True, headers=headers)

    def ask(self, method: str, path: str, body: Any = None) -> Answer:
        """The answer to a request under `/w/<key>`."""
        return getattr(self.client, method)(f"/w/{self.key}{path}", body, content_type="application/json")

    def get(self, path: str, **query: Any) -> Answer:
        """The answer to a GET."""
        return self.client.get(f"/w/{self.key}{path}", query_params=query)


def token_of(tenant: TenantRef, who: Principal) -> str:
    """A session token of the visitor."""
    assert who.site_id
    return issue_visitor(
        tenant, visitor_id=who.id, name=who.name, site_id=who.site_id, parent="https://shop.example", sid="s"
    ).token
