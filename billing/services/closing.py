"""The end of a tenant. The subscription ends first, so that nothing is billed for what is not there any more; the bills stay.

Who closes a tenant that owes something is asked to pay first. Whom the clock closes has not paid for three months and was told
three times: the open invoice stays open, with staff and in Stripe.
"""

from contextlib import suppress
from uuid import UUID

from asgiref.sync import async_to_sync
from django.db import transaction

from billing.access import State, next_state
from billing.clock import now
from billing.gateway import gateway
from billing.gateway.errors import NoSuch
from billing.models import BillingAccount, Invoice, Subscription
from billing.money import text
from billing.reporting.closing import close
from billing.selectors.facts import facts_of
from billing.selectors.limits import limits_of
from billing.selectors.plans import live_subscription
from billing.services import access
from billing.services.audit import CLOCK, Actor
from billing.services.stripe.commands import ask
from billing.services.stripe.mirror import fetch_invoice, fetch_subscription
from saas.core import files
from saas.core.errors import Conflict
from saas.core.jobs import defer, task
from tenants.models import Tenant
from tenants.provisioning import drop_schema
from tenants.services import forget_tenant


def close_tenant(tenant_id: UUID, actor: Actor) -> None:
    """Its owner closes it, for good: nobody comes in from now on, and a job deletes schema and files.

    Raises Conflict while an invoice is open, also that of the last period, which ends by this; NotFound; and what Stripe raises.
    Nothing is deleted then.
    """
    _refuse_open(tenant_id)
    _end_subscription(tenant_id, actor)
    _refuse_open(tenant_id)
    _close(tenant_id, actor, by_owner=True)


def close_by_clock(tenant_id: UUID) -> bool:
    """Close it if its days are over and it was told; whether that was so."""
    account = BillingAccount.objects.get(pk=tenant_id)
    if next_state(account.access_state, facts_of(account, limits_of(account))).state != State.CLOSED:
        return False
    _end_subscription(tenant_id, CLOCK)
    _close(tenant_id, CLOCK, by_owner=False)
    return True


def erase(tenant_id: UUID) -> None:
    """Delete what a closed tenant held. What is gone already is no error. Raises Conflict for a tenant that is not closed."""
    account = BillingAccount.objects.select_related("tenant").filter(pk=tenant_id).first()
    if account is None or account.access_state != State.CLOSED or account.tenant.status != Tenant.Status.CLOSED:
        raise Conflict(f"Tenant {tenant_id} is not closed: nothing of it is deleted.")
    files.delete_all(tenant_id)
    drop_schema(account.tenant.schema_name)
    forget_tenant(tenant_id)


@task(retries=8)
def erase_tenant(*, tenant_id: str) -> None:
    """Delete what a closed tenant held. Run twice it finds nothing any more."""
    erase(UUID(tenant_id))


def _close(tenant_id: UUID, actor: Actor, *, by_owner: bool) -> None:
    with transaction.atomic():
        access.close(tenant_id, actor=actor, by_owner=by_owner)
        defer(erase_tenant, tenant_id=str(tenant_id))


def _refuse_open(tenant_id: UUID) -> None:
    unpaid = Invoice.for_tenant(tenant_id).filter(status__in=("open", "draft"), amount_remaining__gt=0)
    found = unpaid.order_by("-status", "created_at").first()
    if found is not None:
        owed = text(found.amount_remaining, found.currency)
        if found.status == "draft":
            raise Conflict(f"The last invoice, of {owed}, is being collected within the hour. Close the tenant after that.")
        raise Conflict(f"The invoice {found} of {owed} is open. Pay it under Billing, Invoices; then the tenant can be closed.")


def _end_subscription(tenant_id: UUID, actor: Actor) -> None:
    live = live_subscription(tenant_id)
    if live is None:
        return
    if live.source == Subscription.Source.STRIPE and live.stripe_id:
        _end_in_stripe(live, actor)
    else:
        ended = {"status": "canceled", "canceled_at": now(), "ended_at": now()}
        Subscription.objects.filter(id=live.id).update(**ended)


def _tell_all(account_id: UUID) -> None:
    try:
        async_to_sync(close)(account_id, now())
    except RuntimeError as error:
        raise Conflict(f"Not closed: Stripe was not told of all usage yet. {error}") from error


def _end_in_stripe(live: Subscription, actor: Actor) -> None:
    """Stripe is told of all that was used, which it invoices; then the rows follow."""
    _tell_all(live.account_id)
    stripe_id, operation = str(live.stripe_id), "tenant.close"
    with suppress(NoSuch):  # it ended before, and nobody told us
        params = {"subscription": stripe_id}
        ask(live.account_id, operation, actor=actor, params=params, call=lambda key: gateway().cancel_now(stripe_id, key=key))
    fetch_subscription(stripe_id)
    for invoice in gateway().invoices(customer=live.account.stripe_customer_id):
        if invoice.status in {"draft", "open"}:
            fetch_invoice(invoice.id)
