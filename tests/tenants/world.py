"""A tenant with somebody of each role, and one of each thing that an address can name."""

from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID, uuid4

import psycopg
from django.conf import settings
from django.test import Client
from django.urls import URLPattern, reverse
from psycopg import sql

from billing.services.comps import give_key
from chat.models import Report, Site
from chat.services.identity import make_identity_key
from chat.services.invitations import invite
from tenants.context import TenantRef, in_tenant
from tenants.models import Membership, Role, User
from tenants.provisioning import create_tenant
from tenants.tokens import Principal
from tests.support.api import Program, signed_in
from tests.support.cast import make_user
from tests.support.community import community, member, message_of
from tests.support.site_pages import SHOP
from tests.support.talk import agent, embed_key, room_of, visitor
from tests.support.web import Browser

URLS: Final = "saas.urls_tenant"
ROLES: Final = tuple(Role)
SUPPORT: Final = {"api_resolve", "api_reopen", "api_assign"}  # what is done to a room with a visitor
BY_THEMSELVES: Final = ["tenants_signin", "tenants_signincode"]  # rows that come and go with whoever asks
ROWS_OF: Final = """
    SELECT table_schema, table_name, CASE WHEN table_schema = 'public' THEN column_name END
    FROM information_schema.tables LEFT JOIN information_schema.columns USING (table_schema, table_name)
    WHERE table_type = 'BASE TABLE' AND (table_schema = %(schema)s OR table_schema = 'public'
        AND (column_name IN ('tenant_id', 'account_id') OR table_name = 'tenants_tenant' AND column_name = 'id'))
        AND NOT table_name = ANY(%(without)s)
    GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
"""


@dataclass
class World:
    """Everything of it is read as the database has it, behind the back of who asks."""

    tenant: TenantRef
    people: dict[str, User]
    named: dict[str, Any]
    support_room: UUID
    eye: psycopg.Connection[Any]  # an operator's, which sees every schema
    browsers: dict[str, Client] = field(default_factory=dict)
    programs: dict[str, Program] = field(default_factory=dict)
    _counts: sql.Composed | None = None

    @property
    def owner(self) -> Principal:
        """The owner, as services know them."""
        return agent(self.tenant, self.people["owner"], Role.OWNER)

    @property
    def site_id(self) -> UUID:
        """The first site."""
        return embed_key(self.tenant).site_id

    def browser(self, role: str) -> Client:
        """The browser of this role, signed in."""
        if role not in self.browsers:
            host = f"{self.tenant.slug}.{settings.BASE_HOST}"
            window = Browser()
            window.sign_in(f"{settings.SCHEME}://{host}/billing/", self.people[role].email)
            self.browsers[role] = window.jar(host)
        return self.browsers[role]

    def program(self, role: str) -> Program:
        """The program of this role."""
        if role not in self.programs:
            self.programs[role] = signed_in(self.tenant, self.people[role].email)
        return self.programs[role]

    def state(self) -> list[tuple[Any, ...]]:
        """Of each table how many rows are the tenant's, and the last transaction that wrote one: any change changes it."""
        if self._counts is None:
            found = self.eye.execute(ROWS_OF, {"schema": self.tenant.schema, "without": BY_THEMSELVES}).fetchall()
            self._counts = sql.SQL(" UNION ALL ").join(self._count(*row) for row in found)
        rows: list[tuple[Any, ...]] = self.eye.execute(self._counts).fetchall()
        return rows

    def _count(self, schema: str, table: str, column: str | None) -> sql.Composed:
        mine = sql.SQL("{} = {}").format(sql.Identifier(column), sql.Literal(self.tenant.id)) if column else sql.SQL("true")
        counted = sql.SQL("SELECT {}, count(*), max(xmin::text::bigint) FROM {} WHERE {}")
        return counted.format(sql.Literal(table), sql.Identifier(schema, table), mine)

    def path(self, route: URLPattern, **names: Any) -> str:
        """The address of a route that names what is here, or what `names` says."""
        instead = {"room_id": self.support_room} if route.name in SUPPORT else {}
        known = instead | names
        wanted = {name: known.get(name) or self.named[name] for name in route.pattern.converters}
        return reverse(str(route.name), urlconf=URLS, kwargs=wanted)

    def body(self, route: URLPattern, method: str) -> dict[str, Any] | None:
        """What a call of the API says, whole and right: a refusal is then about who asks."""
        bodies: dict[tuple[str, str], dict[str, Any]] = {
            ("api_rooms", "POST"): {"kind": "team", "title": f"Room {uuid4().hex[:6]}"},
            ("api_room", "PATCH"): {"slow_seconds": 5},
            ("api_room", "DELETE"): {"sure": "not its title"},
            ("api_assign", "POST"): {"agent": None},
            ("api_move", "POST"): {"to": "first"},
            ("api_member", "PUT"): {"mute_for": 60},
            ("api_pins", "POST"): {"message": str(self.named["message_id"])},
            ("api_room_reports", "POST"): {"message": str(self.named["message_id"])},
            ("api_invitations", "POST"): {"expires_in": 60},
            ("api_seen", "POST"): {"all": True},
            ("api_notification_settings", "PUT"): {"settings": {}},
            ("api_words", "PUT"): {"words": ["spam"]},
            ("api_strict", "PUT"): {"strict": False},
        }
        return bodies.get((str(route.name), method))


class Named(dict[str, Any]):
    """What is not known by a name of its own is the id of nothing."""

    def __missing__(self, name: str) -> Any:
        return uuid4()


def make_world(eye: psycopg.Connection[Any]) -> World:
    """With people of each role, and beside them Tara, to whom things are done."""
    slug = f"m{uuid4().hex[:12]}"
    people = {str(role): make_user(f"{role}@{slug}.example", str(role).title()) for role in ROLES}
    tenant = create_tenant(slug=slug, name="Matrix", owner=people["owner"])
    give_key(tenant.id, "business", seats=100)
    for role in ROLES[1:]:
        Membership.objects.create(tenant_id=tenant.id, user=people[str(role)], role=role)
    target = Membership.objects.create(tenant_id=tenant.id, user=make_user(f"tara@{slug}.example", "Tara"), role=Role.AGENT)
    owner, room = agent(tenant, people["owner"], Role.OWNER), community(tenant)
    vic = member(tenant, room)
    message = message_of(tenant, room, vic)
    site_id = embed_key(tenant).site_id
    with in_tenant(tenant):
        Site.objects.filter(id=site_id).update(allowed_origins=[SHOP])
    named = {
        "room_id": room,
        "site_id": site_id,
        "person_id": vic.id,
        "message_id": message,
        "report_id": reported(tenant, room, message),
        "member_id": target.id,
        "kid": make_identity_key(tenant, owner, site_id).kid,
        "invitation_id": invite(tenant, owner, room_id=room, expires_in=3_600, uses=5).id,
        "key": "team",
        "meter": "message",
        "part": "details",
        "sid": uuid4(),
    }
    return World(tenant, people, Named(named), room_of(tenant, visitor(tenant), "hello"), eye)


def reported(tenant: TenantRef, room_id: UUID, message_id: UUID) -> UUID:
    """A complaint about the message."""
    by = {"reporter_id": uuid4(), "reporter_kind": "visitor", "reporter_name": "Val"}
    with in_tenant(tenant):
        return UUID(str(Report.objects.create(message_id=message_id, room_id=room_id, reason="", **by).id))
