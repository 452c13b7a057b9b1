"""`hello`: who is it, and what do they need to begin."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast
from uuid import UUID

import msgspec

from chat.consumers.joining import join
from chat.notifications import unseen_of
from chat.realtime.here import ONLINE, Word
from chat.realtime.hub import hub
from chat.realtime.protocol.codes import MAX_FRAME, MAX_JOINED, MAX_TEXT, Close, version_for
from chat.realtime.protocol.incoming import Hello, Page
from chat.realtime.protocol.outgoing import Left, Notice, Person, Summary, Welcome
from chat.realtime.session import Session
from chat.realtime.staying import end_of_stay
from chat.selectors.rooms import agents_first, visitors_first
from chat.services.people import words_of
from chat.services.visitors import clean_page, moved_to
from saas.core.errors import Forbidden, NotFound, TokenExpired, Unauthenticated
from tenants.context import TenantRef, run_in_tenant
from tenants.reading import read_together
from tenants.resolve import MemberRef, a_is_ended, a_membership_for
from tenants.tokens import Principal, is_of_another_tenant, read_socket_token

LIMITS = {"text": MAX_TEXT, "frame": MAX_FRAME, "rooms": MAX_JOINED}

Rooms = list[Summary] | msgspec.Raw  # or what they are in JSON
Beginning = tuple[Rooms, str | None, list[Notice], int, Word]  # rooms and what goes on, notifications and how many, state


async def introduce(scope: dict[str, Any], frame: Hello) -> Principal | Close:
    """Who says hello, or the code that ends their socket. Costs no query beyond cached reads."""
    return await identify(scope["tenant"], scope["site_id"], frame.token)


async def identify(tenant: TenantRef, site_id: UUID | None, token: str) -> Principal | Close:
    """The holder of a token at this door: a visitor of this site, or (without a site) an active member of the tenant."""
    try:
        principal = read_socket_token(token, tenant)
    except TokenExpired:
        return Close.TOKEN_EXPIRED
    except Unauthenticated:
        return Close.NOT_YOURS if is_of_another_tenant(token, tenant) else Close.REVOKED
    if site_id is not None:
        return principal if principal.kind == "visitor" and principal.site_id == site_id else Close.NOT_YOURS
    if principal.kind != "agent":
        return Close.NOT_YOURS
    member = await _member(tenant, principal)
    return replace(principal, name=member.name, role=member.role) if member else Close.REVOKED


async def _member(tenant: TenantRef, agent: Principal) -> MemberRef | None:
    """Who they are in the tenant, if they may still be here by this sign-in."""
    member = await a_membership_for(tenant.id, agent.id)
    return None if member is None or member.is_locked or await a_is_ended(agent.sid) else member


async def welcome(session: Session, frame: Hello) -> None:
    """Answer `hello`: the list of rooms and notifications, who is here, and the rooms that the client knows, resumed."""
    local = hub().enter(session, quietly=True)
    hub().others.socket_count.opened(session)
    if frame.page is not None and session.principal.kind == "visitor":
        session.page = Page(**clean_page(frame.page))
        await run_in_tenant(session.tenant, moved_to, session.principal.id, frame.page)
    read = _read_visitors if session.principal.kind == "visitor" else _read_agents
    rooms, cursor, notices, unread, word = await read_together(session.tenant, read, session.principal)
    if session not in local.sessions:
        return  # it ended while it was reading
    if (code := await end_of_stay(session)) is not None:
        session.end(code)  # the order to end it came before it could be found here
        return
    session.send(
        Welcome(
            v=version_for(frame.v, frame.min),
            me=_me(session),
            rooms=cast("Sequence[Summary]", rooms),
            unread=unread,
            notices=notices,
            limits=LIMITS,
            cursor=cursor or msgspec.UNSET,
        )
    )
    local.came(session, word)
    for piece in local.welcome(session):
        session.send_framed(piece)
    if frame.rooms:
        await asyncio.gather(*(_resume(session, known.room, known.epoch, known.after) for known in frame.rooms))


async def _resume(session: Session, room: UUID, epoch: UUID, after: int) -> None:
    try:
        await join(session, room, epoch=epoch, after=after, takes_place=False)  # who gave it up elsewhere does not come in again
    except (NotFound, Forbidden) as error:  # a refusal that passes is the hello's: the client comes again with all its rooms
        session.send(Left(room=room, code=error.code))


def _read_visitors(people: list[Principal]) -> list[Beginning]:
    return [
        (*rooms, *told, ONLINE) for rooms, told in zip(visitors_first(people), unseen_of([who.id for who in people]), strict=True)
    ]


def _read_agents(people: list[Principal]) -> list[Beginning]:
    """Their tabs are one person each."""
    own = {who.id: who for who in people}
    parts = zip(own, agents_first(list(own.values())), unseen_of(list(own)), words_of(list(own)), strict=True)
    found = {key: (*rooms, *told, word) for key, rooms, told, word in parts}
    return [found[who.id] for who in people]


def _me(session: Session) -> Person:
    who = session.principal
    return Person(kind=who.kind, id=who.id, name=who.name, role=who.role)
