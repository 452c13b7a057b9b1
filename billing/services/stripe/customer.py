"""A tenant as Stripe's customer: made when it first pays, told what the tenant says of itself."""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from billing.gateway import gateway
from billing.models import BillingAccount
from billing.services.audit import CLOCK, Actor
from billing.services.stripe.commands import ask
from tenants.context import TenantRef
from tenants.models import Membership, Role
from tenants.selectors import tenant_url

SAID: Final = {"billing_name": "name", "billing_email": "email", "country": "country"}  # our field, Stripe's


def ensure_customer(account_id: UUID, *, actor: Actor = CLOCK) -> str:
    """The tenant's customer at Stripe, made if there is none; its id. Raises what the gateway raises.

    Two who ask at once under different names make two customers: the first that is kept is the tenant's, for both.
    """
    account = BillingAccount.objects.select_related("tenant").get(pk=account_id)
    if account.stripe_customer_id:
        return str(account.stripe_customer_id)
    known = {"name": account.billing_name or account.tenant.name, "email": account.billing_email or _owner(account_id)}
    call = lambda key: _kept(account_id) or _made(account_id, known, key)  # noqa: E731
    return ask(account_id, "customer.create", actor=actor, params=known, call=call)


def _made(account_id: UUID, known: Mapping[str, str], key: str) -> str:
    """The tenant's customer. It is kept before the command counts as done: who then finds it done, finds the customer too."""
    made = gateway().create_customer(tenant_id=account_id, **known, key=key)
    BillingAccount.objects.filter(pk=account_id, stripe_customer_id=None).update(stripe_customer_id=made.id)
    return _kept(account_id)


def _kept(account_id: UUID) -> str:
    return BillingAccount.objects.values_list("stripe_customer_id", flat=True).get(pk=account_id) or ""


def tell_customer(account_id: UUID, values: Mapping[str, Any], *, actor: Actor) -> None:
    """What the tenant says of itself, to Stripe; `values` by the names of BillingAccount's fields. Nothing without a customer.

    Raises Refused for what is no tax ID, and what else the gateway raises.
    """
    account = BillingAccount.objects.get(pk=account_id)
    customer = account.stripe_customer_id
    changed = {name: value for name, value in values.items() if getattr(account, name, value) != value}
    if not customer or not changed:
        return
    if {"tax_id", "tax_id_type"} & changed.keys():
        tax = {"type": str(values.get("tax_id_type", "")), "value": str(values.get("tax_id", ""))}
        call = lambda key: gateway().set_tax_id(customer, **tax, key=key)  # noqa: E731
        ask(account_id, "customer.tax_id", actor=actor, params={"customer": customer, **tax}, call=call)
    _update(account_id, customer, changed, actor)


def portal_url(tenant: TenantRef, *, actor: Actor) -> str:
    """Where the tenant changes its card: Stripe's portal, for a few minutes. Raises what the gateway raises."""
    customer = ensure_customer(tenant.id, actor=actor)
    return gateway().portal(customer=customer, return_url=tenant_url(tenant.slug, "/billing/"))


def _update(account_id: UUID, customer: str, changed: Mapping[str, Any], actor: Actor) -> None:
    """Nothing is taken away: without a name of its own a tenant keeps on invoices what it had."""
    known = {theirs: str(changed[ours]) for ours, theirs in SAID.items() if changed.get(ours)}
    if known:
        ask(
            account_id,
            "customer.update",
            actor=actor,
            params={"customer": customer, **known},
            call=lambda key: gateway().update_customer(customer, **known, key=key),
        )


def _owner(account_id: UUID) -> str:
    owners = Membership.objects.filter(tenant_id=account_id, role=Role.OWNER, disabled_at=None)
    return str(owners.order_by("created_at").values_list("user__email", flat=True).first() or "")
