"""Stripe's objects as rows: fetched whole whenever something may have changed, written only where they differ.

Two who fetch the same object take turns, so that an older answer never overwrites a newer one: it is fetched under the lock. The
order and number of the reasons to fetch mean nothing.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from hashlib import blake2b
from uuid import UUID

from django.db import connection, transaction

from billing.clock import now
from billing.gateway import gateway, shapes
from billing.models import BillingAccount, Invoice, PlanMove, Subscription
from billing.reporting.held import release
from billing.selectors.mrr import monthly
from billing.services import access
from billing.services.audit import CLOCK, record
from billing.services.stripe import writing
from saas.core.errors import NotFound


def fetch_subscription(stripe_id: str) -> Subscription:
    """Bring a subscription's row up to date, with what follows from it: seats, recurring revenue, access.

    Raises NotFound for the customer of nobody here, and what the gateway raises.
    """
    with _alone(stripe_id):
        found = gateway().subscription(stripe_id)
        account = _account(found.customer)
        before = Subscription.objects.filter(stripe_id=stripe_id).select_related("plan").first()
        was = monthly(before) if before else 0
        row, changes = writing.write_subscription(account, found, before)
        if changes:
            record("subscription.changed", tenant_id=account.pk, actor=CLOCK, before=changes.before, after=changes.after)
            writing.write_seats(row)
            _move(account, was, monthly(row), at=now())
            release(account.pk)
    access.settle(account.pk)
    return row


def fetch_invoice(stripe_id: str) -> Invoice:
    """Bring an invoice's row and its lines up to date. Raises like `fetch_subscription`."""
    with _alone(stripe_id):
        found = gateway().invoice(stripe_id)
        account = _account(found.customer)
        row = writing.write_invoice(account, found)
    access.settle(account.pk)
    return row


def fetch_invoices(account_id: UUID, *, since: datetime) -> None:
    """Bring those up to date that Stripe made for a tenant since a moment, before anybody tells us of them. Raises the same."""
    customer = BillingAccount.objects.values_list("stripe_customer_id", flat=True).get(pk=account_id)
    for invoice in list(gateway().invoices(customer=customer, created_after=since)):
        fetch_invoice(invoice.id)


def fetch_customer(stripe_id: str) -> BillingAccount:
    """Take over what somebody changed about themselves in the portal. Raises like `fetch_subscription`."""
    with _alone(stripe_id):
        found: shapes.Customer = gateway().customer(stripe_id)
        account = _account(stripe_id)
        writing.write_customer(account, found)
    return account


def fetch_all_of(account_id: UUID) -> None:
    """Fetch what is not over yet of one tenant: its live subscription and its unpaid invoices."""
    live = Subscription.for_tenant(account_id).exclude(status__in=Subscription.ENDED).exclude(stripe_id=None)
    unpaid = Invoice.for_tenant(account_id).filter(status__in=("draft", "open"))
    for stripe_id in list(live.values_list("stripe_id", flat=True)):
        fetch_subscription(str(stripe_id))
    for stripe_id in list(unpaid.values_list("stripe_id", flat=True)):
        fetch_invoice(stripe_id)


@contextmanager
def _alone(stripe_id: str) -> Iterator[None]:
    """A transaction in which nobody else writes this object."""
    number = int.from_bytes(blake2b(stripe_id.encode(), digest_size=8).digest(), signed=True)
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [number])
        yield


def _account(customer_id: str) -> BillingAccount:
    account = BillingAccount.objects.select_for_update().filter(stripe_customer_id=customer_id).first()
    if account is None:
        raise NotFound(f"The customer {customer_id!r} is no tenant of ours.")
    return account


def _move(account: BillingAccount, before: int, after: int, *, at: datetime) -> None:
    """What moved recurring revenue."""
    if before == after:
        return
    if before == 0:
        kind = PlanMove.Kind.NEW
    elif after == 0:
        kind = PlanMove.Kind.CHURN
    else:
        kind = PlanMove.Kind.EXPANSION if after > before else PlanMove.Kind.CONTRACTION
    PlanMove.objects.create(account=account, kind=kind, currency=account.currency, before=before, after=after, at=at)
