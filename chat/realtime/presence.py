"""Who is here now, asked from a thread. As this process knows it: right with one process, best effort with many."""

from collections.abc import Iterator
from uuid import UUID

from chat.realtime.here import Present
from chat.realtime.hub import running_hub


def agents_here(tenant_id: UUID) -> int:
    """How many agents of the tenant have their inbox open."""
    return len({found.who.id for found in _everyone(tenant_id) if found.who.kind == "agent"})


def is_here(tenant_id: UUID, person_id: UUID) -> bool:
    """Whether this agent or visitor has a socket open."""
    return any(found.who.id == person_id for found in _everyone(tenant_id))


def _everyone(tenant_id: UUID) -> Iterator[Present]:
    """The event loop may change the rosters meanwhile, so each is first copied in one step, by `list`."""
    hub = running_hub()
    local = hub.local.tenant(tenant_id) if hub else None
    if local is None:
        return
    yield from list(local.roster.here.values())
    for theirs in list(local.roster.elsewhere.values()):
        yield from list(theirs.values())
