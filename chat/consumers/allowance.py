"""Whose counters a frame counts against: the person's, their address's and their tenant's, of all processes together."""

from collections.abc import Sequence
from typing import Final, NamedTuple
from uuid import UUID

from chat.limits import COSTS, COSTS_OF_AGENTS, HELLO_PER_IP, HELLO_PER_PERSON, HELLO_PER_TENANT, POLL
from chat.realtime.protocol.incoming import ClientFrame, Hello, Join
from chat.realtime.session import Session
from saas.core.errors import RateLimited
from saas.core.ratelimit import Counter, Limit, Permits, permits
from saas.core.ratelimit.limit import network_of
from tenants.context import TenantRef
from tenants.plans import Plan, a_plan_of

TOO_OFTEN = "That was too often; wait a moment."
MOST_DOORS: Final = 4_096  # of which the counters are kept at hand


class _Door(NamedTuple):
    """The counter of those who come from one address to one tenant."""

    permits: Permits
    plan: Plan
    counter: Counter


_doors: dict[tuple[UUID, str], _Door] = {}


def wait_for(session: Session, frame: ClientFrame) -> float | None:
    """Take what the frame costs. 0, the seconds until it is worth trying again, or None: ask `a_wait_for`."""
    counters = counters_of(session, type(frame))
    return permits().take(counters) if counters else 0.0


async def a_wait_for(session: Session, frame: ClientFrame) -> float:
    """The same, where the credit is used up: waits for Redis, at most 250 ms."""
    return await permits().a_take(counters_of(session, type(frame)))


def counters_of(session: Session, kind: type) -> Sequence[Counter]:
    """The counters of one kind of frame, which the session keeps."""
    found = session.counters.get(kind)
    if found is None:
        costs = COSTS if session.principal.kind == "visitor" else COSTS_OF_AGENTS
        who = _Asker(session.tenant, session.principal.id, session.address, session.plan)
        found = session.counters[kind] = [who.counter(limit) for limit in costs.get(kind, ())]
    return found


async def admit(tenant: TenantRef, address: str) -> Plan:
    """Count one hello of the address, whoever says it. Raises RateLimited. The tenant's plan."""
    plan = await a_plan_of(tenant)
    held = permits()
    found = _doors.get((tenant.id, address))
    if found is None or found.permits is not held or found.plan is not plan:
        if len(_doors) >= MOST_DOORS:
            _doors.clear()  # what they owe is remembered all the same
        found = _doors[tenant.id, address] = _Door(held, plan, _Asker(tenant, None, address, plan).counter(HELLO_PER_IP))
    if wait := await _taken(held, [found.counter]):
        raise RateLimited(TOO_OFTEN, retry_after=wait)
    return plan


async def admit_person(tenant: TenantRef, plan: Plan, person_id: UUID) -> None:
    """Count the hello of somebody once it is known who they are, as theirs and as the tenant's. Raises RateLimited."""
    asker = _Asker(tenant, person_id, "", plan)
    if wait := await _taken(permits(), [asker.counter(limit) for limit in (HELLO_PER_PERSON, HELLO_PER_TENANT)]):
        raise RateLimited(TOO_OFTEN, retry_after=wait)


async def admit_rooms(session: Session, many: int) -> None:
    """Count the rooms that a hello or a poll names, all or none. Raises RateLimited: who comes again then loses no room.

    All are taken while one more is allowed, so that no number of rooms is too many; what that owes, the next waits for.
    """
    if many and (wait := await _taken(permits(), [*counters_of(session, Hello)] * many)):
        raise RateLimited(TOO_OFTEN, retry_after=wait)


async def admit_join(session: Session) -> None:
    """Count one room that is joined for the sake of a frame that needs it. Raises RateLimited."""
    if wait := await _taken(permits(), counters_of(session, Join)):
        raise RateLimited(TOO_OFTEN, retry_after=wait)


async def _taken(held: Permits, counters: Sequence[Counter]) -> float:
    wait = held.take(counters)
    return await held.a_take(counters) if wait is None else wait


async def admit_request(session: Session) -> None:
    """Count one request of somebody without a socket. Raises RateLimited."""
    session.plan = await a_plan_of(session.tenant)
    await _Asker(session.tenant, session.principal.id, session.address, session.plan).take(POLL)


class _Asker:
    """Somebody at an address, of a tenant with a plan."""

    def __init__(self, tenant: TenantRef, person_id: UUID | None, address: str, plan: Plan) -> None:
        self._tenant, self._plan = tenant, plan
        self._keys = {"person": str(person_id), "ip": network_of(address), "tenant": "all"}

    async def take(self, limits: Sequence[Limit]) -> None:
        if wait := await permits().a_take([self.counter(limit) for limit in limits]):
            raise RateLimited(TOO_OFTEN, retry_after=wait)

    def counter(self, limit: Limit) -> Counter:
        planned = self._plan.of(limit) if limit.scope != "person" else limit
        return permits().counter(planned, self._tenant.id, self._keys[limit.scope])
