"""How a tenant stands, at hand in every process: for what happens too often to ask the database each time.

What is known is at most 30 s old, or a moment after a change. Who asks on the event loop never waits: an answer that has grown
old is used while a new one is read. Where it cannot be read the chat goes on, and that it did is written down.
"""

import asyncio
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from time import monotonic
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction

from billing.access import Act, Reason, State, Step, allows, next_state
from billing.clock import now
from billing.models import BillingAccount, BillingAudit, Meter
from billing.periods import Period, period_from
from billing.plans import FREE, Feature, Plan
from billing.selectors.facts import facts_of
from billing.selectors.limits import Limits, limits_of
from billing.words import refusal
from saas.core.errors import PlanLimit
from tenants.context import TenantRef, run_on_platform
from tenants.postgresql.base import connection_of

log = logging.getLogger(__name__)

FRESH: Final = 30.0  # seconds
AGAIN: Final = 5.0  # seconds until what could not be read is tried again
PATIENCE: Final = "2s"
SIZE: Final = 10_000  # tenants


@dataclass(frozen=True, slots=True)
class Standing:
    """A tenant's state and limits. `used` is of this period, and empty where nothing would stop; `spend` in minor units."""

    state: str
    reason: str
    since: datetime
    next_step: Step | None
    plan: Plan
    period: Period
    used: Mapping[Meter, int] = field(default_factory=dict)
    over: frozenset[Meter] = frozenset()
    spend_capped: bool = False
    spend: int = 0
    currency: str = "usd"
    limits: Limits | None = None
    is_known: bool = True  # False: it could not be read, and everything is allowed


@dataclass(slots=True)
class _Kept:
    """What this process believes. `left`: messages of agents until they are refused; None where nothing refuses them."""

    standing: Standing
    stale_at: float
    left: int | None


_kept: dict[UUID, _Kept] = {}
_loading: set[UUID] = set()
_tasks: set[asyncio.Task[None]] = set()  # the loop itself keeps only a weak reference
_open_since: dict[UUID, datetime] = {}  # tenants whose standing could not be read


def standing_of(tenant_id: UUID) -> Standing:
    """At most 30 s old. From a thread; inside a tenant it is what is known by now."""
    kept = _kept.get(tenant_id)
    if kept is not None and kept.stale_at > monotonic():
        return kept.standing
    if connection_of("default").schema_name != settings.PUBLIC_SCHEMA_NAME:
        return kept.standing if kept else _unknown()
    return _load(tenant_id)


def refusal_of_answer(tenant_id: UUID) -> PlanLimit | None:
    """Why an agent's message is one too many, if it is. On the event loop: one look into a dictionary, never a wait.

    Messages of this process count until the next look at the database, so that a fast program runs not far past a limit.
    """
    kept = _kept.get(tenant_id)
    if kept is None or kept.stale_at < monotonic():
        _load_soon(tenant_id)
    if kept is None or kept.left is None:
        return None
    if kept.left <= 0:
        return PlanLimit(_sentence(kept.standing, Act.ANSWER))
    kept.left -= 1
    return None


def refuse(tenant_id: UUID, act: Act) -> None:
    """Raise PlanLimit if the tenant may not do this now. From a thread, outside of the tenant or inside."""
    standing = standing_of(tenant_id)
    if not allows(standing.state, act):
        raise PlanLimit(_sentence(standing, act))


def refuse_beyond(tenant_id: UUID, feature: Feature) -> None:
    """Raise PlanLimit if this is no part of the tenant's plan. From a thread."""
    standing = standing_of(tenant_id)
    if standing.is_known and feature not in standing.plan.features:
        raise PlanLimit(
            f"The plan {standing.plan.name} is without {feature}. An owner or admin can choose another under Billing, Plans."
        )


def factors(*, tenant: TenantRef) -> dict[str, float] | None:
    """Answers `limits_of_plan`."""
    rate = standing_of(tenant.id).plan.rate
    return None if rate == 1.0 else {"*": rate}


def forget_standing(*, tenant_id: UUID, **_facts: object) -> None:
    """Ask the database with the next look. Answers `tenant_changed`, in every process."""
    if kept := _kept.get(tenant_id):
        kept.stale_at = 0.0


def _load_soon(tenant_id: UUID) -> None:
    """Once at a time for each tenant."""
    if tenant_id in _loading:
        return
    _loading.add(tenant_id)
    task = asyncio.get_running_loop().create_task(_load_later(tenant_id))
    _tasks.add(task)
    task.add_done_callback(_tasks.discard)


async def _load_later(tenant_id: UUID) -> None:
    try:
        await run_on_platform(_load, tenant_id)
    except Exception as error:  # no thread was free for it
        log.warning("the standing of tenant %s is not read: %s", tenant_id, error)
    finally:
        _loading.discard(tenant_id)


def _load(tenant_id: UUID) -> Standing:
    """Read it and keep it. Fails open: then everything is allowed for a moment."""
    try:
        with _in_time():
            standing = read_standing(tenant_id)
    except Exception as error:
        log.warning("the standing of tenant %s cannot be read, its chat goes on: %s: %s", tenant_id, type(error).__name__, error)
        _open_since.setdefault(tenant_id, now())
        return _keep(tenant_id, _unknown(), AGAIN)
    if since := _open_since.pop(tenant_id, None):
        _write_down(tenant_id, since)
    return _keep(tenant_id, standing, FRESH)


@contextmanager
def _in_time() -> Iterator[None]:
    """A transaction whose statements may take `PATIENCE`: tables that somebody holds must not hold the threads of the chat."""
    is_outermost = not connection.in_atomic_block
    with transaction.atomic():
        if is_outermost:
            with connection.cursor() as cursor:
                cursor.execute("SELECT set_config('statement_timeout', %s, true)", [PATIENCE])
        yield


def read_standing(tenant_id: UUID) -> Standing:
    """From the rows, past what is kept. Raises BillingAccount.DoesNotExist."""
    account = BillingAccount.objects.get(pk=tenant_id)
    limits = limits_of(account)
    facts = facts_of(account, limits)
    verdict = next_state(account.access_state, facts)
    return Standing(
        state=account.access_state,
        reason=account.access_reason,
        since=account.state_since,
        next_step=verdict.next_step if verdict.state == account.access_state else Step(verdict.state, facts.now),
        plan=limits.plan,
        period=limits.period,
        used=limits.used,
        over=limits.over,
        spend_capped=limits.is_spent,
        spend=limits.spend,
        currency=account.currency,
        limits=limits,
    )


def _keep(tenant_id: UUID, standing: Standing, seconds: float) -> Standing:
    if len(_kept) >= SIZE and tenant_id not in _kept:
        _kept.pop(next(iter(_kept)), None)  # the oldest
    _kept[tenant_id] = _Kept(standing, monotonic() + seconds, _left(standing))
    return standing


def _left(standing: Standing) -> int | None:
    """How many messages of agents may come before the next look."""
    if standing.spend_capped or not allows(standing.state, Act.ANSWER):
        return 0
    most = standing.limits.hard.get(Meter.MESSAGE) if standing.limits else None
    return None if most is None else max(0, most - standing.used[Meter.MESSAGE])


def _unknown() -> Standing:
    moment = now()
    return Standing(State.OK, Reason.FINE, moment, None, FREE, period_from(moment, moment), is_known=False)


def _write_down(tenant_id: UUID, since: datetime) -> None:
    """That the chat went on without being asked whether it may."""
    try:
        before = {"since": since.isoformat()}
        BillingAudit.objects.create(tenant_id=tenant_id, action="access.failed_open", before=before, at=now())
    except Exception as error:
        log.warning("that tenant %s was let through since %s is not written down: %s", tenant_id, since, error)


def _sentence(standing: Standing, act: Act) -> str:
    reason = standing.reason
    if act == Act.ANSWER and allows(standing.state, act):
        reason = Reason.SPEND_CAP if standing.spend_capped else Reason.PLAN_LIMIT
    return refusal(act, reason, standing.limits, standing.currency)
