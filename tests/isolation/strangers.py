"""A tenant with something to hide, and everybody who holds a proof but none of being its member."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import psycopg
from django.conf import settings
from psycopg import sql

from tenants.context import TenantRef
from tenants.jwt_services import sign_in_by_password
from tenants.models import Role, User
from tenants.tokens import Principal, issue_socket_ticket, issue_visitor
from tests.support.cast import PASSWORD
from tests.support.talk import embed_key
from tests.support.web import Browser

SHOP = "https://shop.example"


Superuser = psycopg.Connection[tuple[object, ...]]


@dataclass
class House:
    """A tenant with an owner, a visitor and a room with a secret in it."""

    tenant: TenantRef
    owner: User
    vic: Principal
    handle: str
    room_id: UUID
    secret: str

    @property
    def host(self) -> str:
        return f"{self.tenant.slug}.{settings.BASE_HOST}"

    @property
    def key(self) -> str:
        return embed_key(self.tenant).key

    @property
    def marks(self) -> list[str]:
        """What no stranger may be told."""
        return [self.secret, self.vic.name, self.owner.email, str(self.vic.id), str(self.room_id)]

    def leaks(self, path: str, answer: Any) -> list[str]:
        """The marks in an answer, except those that the asker brought in the address."""
        said = f"{b''.join(answer).decode(errors='replace')} {list(answer.headers.items())} {answer.cookies}"
        return [mark for mark in self.marks if mark in said and mark not in path]

    def fingerprint(self, superuser: Superuser) -> dict[str, object]:
        """A digest of every table of the tenant."""
        schema = self.tenant.schema
        tables = superuser.execute("SELECT tablename FROM pg_tables WHERE schemaname = %s", [schema]).fetchall()
        digest = "SELECT count(*), md5(string_agg(t::text, ',' ORDER BY t::text)) FROM {} t"
        return {
            str(name): superuser.execute(sql.SQL(digest).format(sql.Identifier(schema, str(name)))).fetchone()
            for (name,) in tables
        }


# Everybody who holds a proof, but none of being a member of `mine`. Each gives the headers and cookies of their requests.
Proof = tuple[dict[str, str], dict[str, str]]


def nobody(mine: House, theirs: House) -> Proof:
    return {}, {}


def a_forger(mine: House, theirs: House) -> Proof:
    token = sign_in_by_password(mine.tenant, email=mine.owner.email, password=PASSWORD).access
    head, _, tail = token.rpartition(".")
    return bearer(f"{head}.{tail[::-1]}"), {}


def member_elsewhere(mine: House, theirs: House) -> Proof:
    return bearer(sign_in_by_password(theirs.tenant, email=theirs.owner.email, password=PASSWORD).access), {}


def refresh_token_of_a_member(mine: House, theirs: House) -> Proof:
    return bearer(sign_in_by_password(mine.tenant, email=mine.owner.email, password=PASSWORD).refresh), {}


def socket_ticket_elsewhere(mine: House, theirs: House) -> Proof:
    return bearer(ticket(theirs)), {}


def socket_ticket_of_a_member(mine: House, theirs: House) -> Proof:
    """A ticket opens a socket and nothing else."""
    return bearer(ticket(mine)), {}


def visitor_elsewhere(mine: House, theirs: House) -> Proof:
    return bearer(visitor_token(theirs)), {}


def own_visitor(mine: House, theirs: House) -> Proof:
    """Not even with a good token is a visitor a member."""
    return bearer(visitor_token(mine)), {}


def session_elsewhere(mine: House, theirs: House) -> Proof:
    """The session cookie of a member of the other tenant, carried to this host."""
    return {}, session(f"{settings.SCHEME}://{theirs.host}/inbox/", theirs.owner)


def platform_session_of_a_member(mine: House, theirs: House) -> Proof:
    """Signed in on the platform's host, without having come over to this one."""
    return {}, session(f"{settings.SCHEME}://{settings.BASE_HOST}/home/", mine.owner)


STRANGERS = [
    nobody,
    a_forger,
    member_elsewhere,
    refresh_token_of_a_member,
    socket_ticket_elsewhere,
    socket_ticket_of_a_member,
    visitor_elsewhere,
    own_visitor,
    session_elsewhere,
    platform_session_of_a_member,
]


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def ticket(house: House) -> str:
    return issue_socket_ticket(house.tenant, user_id=house.owner.id, name="Olga", role=Role.OWNER, sid=str(uuid4())).token


def visitor_token(house: House) -> str:
    who = house.vic
    assert who.site_id
    return issue_visitor(house.tenant, visitor_id=who.id, name=who.name, site_id=who.site_id, parent=SHOP, sid="s").token


def session(url: str, user: User) -> dict[str, str]:
    """The cookies of a browser that has signed in there."""
    browser = Browser()
    assert browser.sign_in(url, user.email).status_code == 200
    assert browser.url == url
    return {name: cookie.value for name, cookie in browser.jar(urlsplit(url).netloc).cookies.items()}
