"""Whether the owner of a socket may still be where they are. Asked with each beat, since the order that ends a socket may be
lost, and at the end of a welcome: whoever had not said hello could not be found when it came.
"""

from chat.realtime.protocol.codes import Close
from chat.realtime.session import Session
from tenants.models import Tenant
from tenants.resolve import a_is_ended, a_membership_for, a_site_key


async def end_of_stay(session: Session) -> Close | None:
    """The code that their socket is to end with; None as long as they may stay. Cached reads."""
    return await _end_of_agent(session) if session.principal.kind == "agent" else await _end_of_visitor(session)


async def _end_of_visitor(session: Session) -> Close | None:
    if not session.key:
        return None
    found = await a_site_key(session.key)
    if found is None:
        return Close.NO_SUCH_SITE
    return None if found.tenant.status == Tenant.Status.ACTIVE else Close.SUSPENDED


async def _end_of_agent(session: Session) -> Close | None:
    who = session.principal
    member = await a_membership_for(session.tenant.id, who.id)
    if member is None or member.is_locked or await a_is_ended(who.sid):
        return Close.REVOKED
    if member.tenant_status != Tenant.Status.ACTIVE:
        return Close.SUSPENDED
    return None if member.role == who.role else Close.RESTART  # they come back as what they are
