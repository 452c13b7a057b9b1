"""Who of the team holds a support room. Called outside of the tenant."""

from uuid import UUID

from django.db import transaction

from chat.access import room_for
from chat.models import Room
from chat.notifications import cut, send_notification
from chat.realtime.protocol.outgoing import Summary
from chat.selectors import summary_of
from chat.services.rooms import lock_room, tell_change, touch
from saas.core.errors import Conflict, Forbidden, NotFound, ReadOnly
from tenants.access import Do, may
from tenants.context import TenantRef, in_tenant
from tenants.resolve import membership_for
from tenants.tokens import Principal


def assign_room(tenant: TenantRef, principal: Principal, *, room_id: UUID, agent_id: UUID | None) -> Summary:
    """Give a support room to an agent, or with None to nobody; doing it twice changes nothing.

    The agents' summaries follow, and the agent hears of it, unless it was they who did it. Raises NotFound for the room, and with
    field `agent` for who may not answer in this tenant; Forbidden for a visitor, ReadOnly by role, Conflict for another kind of
    room.
    """
    _demand(principal)
    if agent_id is not None and not _may_hold(tenant, agent_id):
        raise NotFound("There is no such agent.", field="agent")
    with in_tenant(tenant):
        if room_for(principal, room_id).kind != Room.Kind.SUPPORT:
            raise Conflict("Only a room with a visitor is given to somebody.")
        with transaction.atomic():
            is_news = _assign(tenant, principal, lock_room(room_id), agent_id)
            told = summary_of(room_id, None)
        seen = summary_of(room_id, principal)
    if is_news:
        tell_change(tenant, told)
    return seen


def _demand(principal: Principal) -> None:
    if principal.kind != "agent":
        raise Forbidden("Only the team gives rooms to its agents.")
    if not may(principal.role, Do.ANSWER):
        raise ReadOnly("Your role may read here, but not answer or assign.")


def _may_hold(tenant: TenantRef, agent_id: UUID) -> bool:
    member = membership_for(tenant.id, agent_id)
    return member is not None and may(member.role, Do.ANSWER)


def _assign(tenant: TenantRef, principal: Principal, room: Room, agent_id: UUID | None) -> bool:
    """Whether that changed who holds the locked room."""
    if room.assignee_id == agent_id:
        return False
    touch(room.id, assignee_id=agent_id)
    if agent_id not in {None, principal.id}:
        url = f"/inbox/{room.id}/"
        send_notification(
            tenant,
            [agent_id],
            category="assignments",
            kind="assigned",
            title=cut(f"{principal.name} gave you the room of {room.title}", "title"),
            url=url,
            room=room.id,
            actions=[{"label": "Open", "url": url}],
        )
    return True
