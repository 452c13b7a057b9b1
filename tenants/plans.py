"""What a tenant's plan does to its limits. Billing answers the hook; without an answer everybody has the one plan.

An answer is a factor for each limit by name, `*` for those that are not named: `{"*": 2.0, "chat.send.tenant": 10.0}`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from saas.core import registry
from saas.core.ratelimit import Limit, check
from tenants.context import TenantRef
from tenants.lookup import Lookup


@dataclass(frozen=True, slots=True)
class Plan:
    """Factors of limits by name."""

    factors: Mapping[str, float] = field(default_factory=dict)

    def of(self, limit: Limit) -> Limit:
        """The limit as this plan has it; of an address at most its share of what the plan allows to all."""
        if limit.whole is not None:
            return limit.beside(self.of(limit.whole))
        if limit.scope == "ip":
            return limit
        factor = self.factors.get(limit.name, self.factors.get("*", 1.0))
        return limit if factor == 1.0 else limit.scaled(factor)


ONE_PLAN = Plan()


async def a_plan_of(tenant: TenantRef) -> Plan:
    """The tenant's plan, at most a minute old. A hit costs nothing; without billing there is nothing to ask."""
    if not registry.limits_of_plan.is_filled:
        return ONE_PLAN
    return await _plans.aget(tenant) or ONE_PLAN


def plan_of(tenant: TenantRef) -> Plan:
    """The same from a thread."""
    return (_plans.get(tenant) or ONE_PLAN) if registry.limits_of_plan.is_filled else ONE_PLAN


def known_plan_of(tenant: TenantRef) -> Plan:
    """The plan if it is known by now, and else the one that everybody has: inside of the tenant, where it cannot be asked for."""
    return (_plans.known(tenant) or ONE_PLAN) if registry.limits_of_plan.is_filled else ONE_PLAN


def check_planned(limit: Limit, tenant: TenantRef, key: object) -> None:
    """Count one of the tenant's, by its plan: from a thread, inside of the tenant or outside. Raises RateLimited."""
    check(known_plan_of(tenant).of(limit), tenant.id, key)


def forget_plan(*, tenant_id: object, **_facts: object) -> None:
    """Ask anew. Called with every change of the tenant."""
    _plans.forget(lambda tenant, _plan: tenant.id == tenant_id)


def _load(tenant: TenantRef) -> Plan | None:
    return next((Plan(dict(factors)) for factors in registry.limits_of_plan(tenant=tenant) if factors), None)


_plans: Lookup[TenantRef, Plan] = Lookup(_load)
