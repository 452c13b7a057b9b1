"""Frames of people, not of rooms: what an agent says of themselves, and which notifications somebody has seen."""

from chat.limits import PRESENCE_PER_AGENT, SEEN_PER_PERSON
from chat.models import AgentState
from chat.notifications import mark_seen
from chat.realtime.hub import hub
from chat.realtime.protocol.incoming import PresenceChange, Seen
from chat.realtime.session import Session
from chat.services.people import say
from saas.core.errors import Forbidden, NotFound
from saas.core.ratelimit import a_check
from tenants.context import run_in_tenant


async def on_presence(session: Session, frame: PresenceChange) -> None:
    """The newest word of any tab counts for the person, also after they come back."""
    if session.principal.kind != "agent":
        raise Forbidden("Only an agent is online, away or busy.")
    await a_check(PRESENCE_PER_AGENT, session.tenant.id, str(session.principal.id))
    word = await run_in_tenant(session.tenant, say, session.principal.id, AgentState.State(frame.state))
    if local := hub().local.tenant(session.tenant.id):
        local.said(session.principal.id, word)


async def on_seen(session: Session, frame: Seen) -> None:
    """All tabs of the person hear of it, this one too: it may not know how many are left."""
    if frame.notification is None and not frame.all:
        raise NotFound("Name a notification, or say all.", field="notification")
    await a_check(SEEN_PER_PERSON, session.tenant.id, str(session.principal.id))
    seen = None if frame.all else frame.notification
    left = await run_in_tenant(session.tenant, mark_seen, session.principal.id, seen)
    if left is not None:
        hub().tell_seen(session.tenant, session.principal.id, seen, left)
