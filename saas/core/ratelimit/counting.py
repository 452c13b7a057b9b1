"""One at a time, exactly: asks Redis before it answers. For what is rare and dear, such as signing in."""

from uuid import UUID

from redis.exceptions import RedisError

from saas.core.errors import RateLimited
from saas.core.ratelimit.limit import Limit, counter_key
from saas.core.ratelimit.local import LocalTier
from saas.core.ratelimit.permits_on_credit import forget_permits
from saas.core.ratelimit.refused import refused
from saas.core.ratelimit.shared import forget_shared, shared_tier

_local = LocalTier()


def check(limit: Limit, tenant: UUID | str, key: object) -> None:
    """Count one for all processes: from synchronous code. `tenant` is an id, or PLATFORM. Raises RateLimited."""
    name = counter_key(limit, tenant, key)
    shared = shared_tier()
    if shared is None:
        return refuse_if(_local.take(limit, name))
    try:
        wait = _counted(limit, shared.take(limit, name))
    except RedisError:
        wait = _local.take(limit.tighter(), name)
    return refuse_if(wait)


async def a_check(limit: Limit, tenant: UUID | str, key: object) -> None:
    """Count one for all processes: from a coroutine. Like `check`."""
    name = counter_key(limit, tenant, key)
    shared = shared_tier()
    if shared is None:
        return refuse_if(_local.take(limit, name))
    try:
        wait = _counted(limit, await shared.a_take(limit, name))
    except RedisError:
        wait = _local.take(limit.tighter(), name)
    return refuse_if(wait)


def _counted(limit: Limit, wait: float) -> float:
    """What Redis said; the local tier counts its own refusals."""
    if wait:
        refused(limit.name)
    return wait


def refuse_if(wait: float) -> None:
    """Raise RateLimited unless the wait is 0."""
    if wait:
        raise RateLimited("That was too often; wait a moment.", retry_after=round(wait + 0.05, 1))


def forget_all() -> None:
    """Forget what this process counted, and its connections to Redis. For tests and for a fork."""
    _local.clear()
    forget_shared()
    forget_permits()
