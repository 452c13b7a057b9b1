"""Subscribing: on Stripe's own page. Only what Stripe says afterwards makes the plan.

Two pages that are both paid would be two subscriptions. So one person at a time gets a page, and none before all that were opened
earlier take no payment any more.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from django.db.models import Q

from billing.clock import now
from billing.gateway import gateway, shapes
from billing.gateway.errors import Refused, StripeError
from billing.models import BillingAccount, StripeCommand, Subscription
from billing.plans import TRIAL, Plan
from billing.selectors.plans import live_subscription, seats_used
from billing.services.audit import Actor
from billing.services.plans import version_of
from billing.services.stripe import mirror
from billing.services.stripe.asking import items_then
from billing.services.stripe.commands import ask
from billing.services.stripe.coupons import off
from billing.services.stripe.customer import ensure_customer
from billing.terms import terms
from saas.core.errors import BadFrame, Conflict, NotFound
from tenants.context import TenantRef
from tenants.selectors import tenant_url

log = logging.getLogger(__name__)
OPERATION: Final = "checkout.start"
INTERVALS: Final = ("month", "year")
OPEN: Final = "open"
LIFE: Final = timedelta(hours=25)  # of a page: 24 hours, and what clocks may differ
LEASE: Final = timedelta(minutes=2)  # longer than the calls for a page may take together


def start_checkout(
    tenant: TenantRef, actor: Actor, *, plan_key: str, interval: str, seats: int, trial: bool, coupon: str = ""
) -> str:
    """The address of a page on which the tenant subscribes. A page that was opened before takes no payment any more.

    Raises BadFrame for what cannot be bought, with the field; Conflict for who has a plan, also one that was paid a moment ago,
    and while somebody else orders; what the gateway raises: then nothing is half done.
    """
    version = version_of(plan_key)
    account = BillingAccount.objects.get(pk=tenant.id)
    check_order(tenant.id, terms(version), interval, seats)
    if trial and account.trial_used_at is not None:
        raise BadFrame("The trial was used before: it is given once.", field="trial")
    less, items = off(coupon), items_then(version, interval, seats)
    customer = ensure_customer(tenant.id, actor=actor)
    asked: dict[str, Any] = {
        "customer": customer,
        "trial_days": TRIAL.days if trial else 0,
        "coupon": less.coupon,
        "promotion_code": less.promotion_code,
        "collects_tax": account.collects_tax,
        "success_url": tenant_url(tenant.slug, "/billing/confirming/"),
        "cancel_url": tenant_url(tenant.slug, "/billing/plans/"),
    }
    params = {"plan": f"{version.key} {version.version}", "interval": interval, "seats": seats, **asked}
    with _alone(tenant.id):
        _close_pages(customer)
        check_order(tenant.id, terms(version), interval, seats)  # one of them may have been paid
        return ask(
            tenant.id,
            OPERATION,
            actor=actor,
            params=params,
            call=lambda key: gateway().create_checkout(tenant_id=tenant.id, items=items, **asked, key=key),
        ).url


def check_order(tenant_id: UUID, plan: Plan, interval: str, seats: int) -> None:
    """Whether so many seats of a plan can be bought. Raises BadFrame with the field, Conflict for who has a subscription."""
    live = live_subscription(tenant_id)
    if live is not None and live.source == Subscription.Source.STRIPE:
        raise Conflict("This tenant has a plan: change that one.")
    if plan.is_free:
        raise BadFrame(f"{plan.name} costs nothing: it holds without a plan.", field="plan")
    if interval not in INTERVALS:
        raise BadFrame(f"{interval!r} is neither month nor year.", field="interval")
    check_seats(tenant_id, plan, seats)


def check_seats(tenant_id: UUID, plan: Plan, seats: int) -> None:
    """Whether a plan may have so many. Raises BadFrame with the field `seats`."""
    least = max(plan.least_seats, seats_used(tenant_id))
    if seats < least:
        raise BadFrame(f"{seats} is too few: {plan.name} needs {least}, one for each owner, admin and agent.", field="seats")
    if plan.seats is not None and seats > plan.seats:
        raise BadFrame(f"{seats} is too many: {plan.name} has {plan.seats} at most.", field="seats")


def confirmed(tenant_id: UUID) -> bool:
    """Whether the plan is there. If Stripe has finished the page and its webhook has not come, the subscription is fetched."""
    if _has_plan(tenant_id):
        return True
    page = _last_page(tenant_id)
    if page is None:
        return False
    try:
        found: shapes.Checkout = gateway().checkout(page)
        if found.subscription:
            mirror.fetch_subscription(found.subscription)
    except (StripeError, NotFound) as error:  # it is asked for again in a moment
        log.warning("the checkout %s is not confirmed: %s", page, error)
    return _has_plan(tenant_id)


def _has_plan(tenant_id: UUID) -> bool:
    live = live_subscription(tenant_id)
    return live is not None and live.source == Subscription.Source.STRIPE


def _last_page(tenant_id: UUID) -> str | None:
    done = StripeCommand.for_tenant(tenant_id).filter(operation=OPERATION, status=StripeCommand.Status.DONE)
    return done.order_by("-asked_at").values_list("result_id", flat=True).first()


@contextmanager
def _alone(tenant_id: UUID) -> Iterator[None]:
    """A lease on ordering. It is a row and no lock, so that nobody holds the database while Stripe answers."""
    moment, until = now(), now() + LEASE
    free = BillingAccount.objects.filter(Q(ordering_until=None) | Q(ordering_until__lt=moment), pk=tenant_id)
    if not free.update(ordering_until=until):
        raise Conflict("A plan is being ordered for this tenant just now, in another window or by somebody else. Wait a minute.")
    try:
        yield
    finally:
        BillingAccount.objects.filter(pk=tenant_id, ordering_until=until).update(ordering_until=None)


def _close_pages(customer: str) -> None:
    """Nobody pays any more on the pages that the customer got before; what was paid on one is read. Raises like the gateway."""
    for page in gateway().checkouts(customer=customer, since=now() - LIFE):
        found = _closed(page)
        if found.subscription and not Subscription.objects.filter(stripe_id=found.subscription).exists():
            mirror.fetch_subscription(found.subscription)


def _closed(page: shapes.Checkout) -> shapes.Checkout:
    """What became of a page. One that cannot be expired was paid in this moment."""
    if page.status == OPEN:
        try:
            gateway().expire_checkout(page.id)
        except Refused:
            return gateway().checkout(page.id)
    return page
