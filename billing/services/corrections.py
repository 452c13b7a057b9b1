"""What staff give without Stripe: a plan for nothing, usage that is not billed, usage that was counted wrongly."""

from datetime import timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.db.models import Max

from billing.clock import now
from billing.models import Adjustment, BillingAccount, MeterReport, PlanVersion, Subscription
from billing.models.usage import Meter
from billing.money import overage, rounded
from billing.periods import Period
from billing.selectors.plans import live_subscription, plan_of
from billing.selectors.usage import used
from billing.services import access
from billing.services.asked import Asked
from billing.services.comps import give
from billing.terms import terms
from saas.core.errors import BadFrame, Conflict, NotFound

OPEN: Final = ("pending", "held", "verify", "rejected")  # a batch that is not counted at Stripe, as far as we know
COMP_MONTHS_SHOWN: Final = 12
MONTH: Final = timedelta(days=30)


def worth(account_id: UUID, *, kind: str, asked: Asked) -> int:
    """What a comp, a waiver or a correction costs us, in minor units: usage as if all of it were beyond the allowance, a comp
    with what the tenant used beyond its allowances in the last 30 days.

    Raises NotFound for a plan or a batch that is not there, BadFrame for a meter that is none.
    """
    if kind == Adjustment.Kind.COMP:
        return _of_comp(account_id, asked)
    if kind in {Adjustment.Kind.WAIVE, Adjustment.Kind.COUNTED}:
        batch = _batch(account_id, asked.subject)
        return _price(account_id, batch.meter, batch.quantity)
    if asked.meter not in Meter.values:
        raise BadFrame(f"{asked.meter!r} is not one of {', '.join(Meter.values)}.", field="meter")
    return _price(account_id, asked.meter, asked.amount)


def comp(adjustment: Adjustment) -> str:
    """A plan for nothing until a day; `amount` is its seats. Raises Conflict for somebody who pays already. In a transaction.

    The tenant is held, as by whoever writes a subscription down: of two comps at once the second finds the first.
    """
    BillingAccount.objects.select_for_update().get(pk=adjustment.account_id)
    if live_subscription(adjustment.account_id) is not None:
        raise Conflict("This tenant has a subscription. Cancel that first, or give a credit.")
    seats = max(1, adjustment.amount)
    return str(give(adjustment.account_id, _version(adjustment.subject), seats=seats, until=adjustment.until))


def end_comps() -> int:
    """End the comps whose day has come; how many. Their tenants are on the free plan from then on."""
    due = Subscription.objects.filter(source=Subscription.Source.COMP, status="active", cancel_at__lte=now())
    ended = 0
    for subscription in list(due):
        with transaction.atomic():
            values: dict[str, Any] = {"status": "canceled", "ended_at": now(), "canceled_at": now()}
            if Subscription.objects.filter(id=subscription.id, status="active").update(**values):
                ended += 1
                access.settle(subscription.account_id)
    return ended


def waive(adjustment: Adjustment) -> str:
    """Let a batch go that Stripe has not counted. Raises Conflict for one that it has."""
    batch = _batch(adjustment.account_id, adjustment.subject)
    if not MeterReport.objects.filter(id=batch.id, status__in=OPEN).update(status=MeterReport.Status.WAIVED):
        raise Conflict(f"The batch {batch.identifier} is {batch.status} at Stripe: correct it by a usage correction.")
    return batch.identifier


def counted(adjustment: Adjustment) -> str:
    """Believe staff that Stripe has a batch in doubt: it is not sent any more. Raises Conflict for one that is not in doubt."""
    batch = _batch(adjustment.account_id, adjustment.subject)
    doubted = MeterReport.objects.filter(id=batch.id, status=MeterReport.Status.VERIFY)
    if not doubted.update(status=MeterReport.Status.SENT, sent_at=now(), error=""):
        raise Conflict(f"The batch {batch.identifier} is {batch.status}: only one that waits to be verified is decided.")
    return batch.identifier


def correct_usage(adjustment: Adjustment) -> str:
    """Take units back that were counted wrongly: a negative batch in the period that is open now."""
    moment = now()
    window: dict[str, Any] = {"account_id": adjustment.account_id, "meter": adjustment.meter, "window_start": moment}
    last = MeterReport.objects.filter(**window).aggregate(last=Max("seq"))["last"]
    batch: MeterReport = MeterReport.objects.create(
        **window,
        window_end=moment,
        seq=0 if last is None else last + 1,
        quantity=-adjustment.amount,
        event_time=moment,
        identifier=f"{adjustment.account_id}:{adjustment.meter}:fix:{adjustment.id.hex}",
        is_correction=True,
        status=_status_for(adjustment.account_id),
    )
    return batch.identifier


def _status_for(account_id: UUID) -> str:
    live = live_subscription(account_id)
    is_stripes = live is not None and live.source == Subscription.Source.STRIPE
    return MeterReport.Status.PENDING if is_stripes else MeterReport.Status.HELD


def _of_comp(account_id: UUID, asked: Asked) -> int:
    plan = terms(_version(asked.subject))
    months = max(1, round((asked.until - now()) / MONTH)) if asked.until else COMP_MONTHS_SHOWN
    recent = used(account_id, Period(now() - MONTH, now()))
    beyond = sum(overage(plan.meters[meter], quantity) for meter, quantity in recent.items())
    return months * (plan.seat * max(1, asked.amount) + rounded(Decimal(beyond)))


def _price(account_id: UUID, meter: str, quantity: int) -> int:
    allowance = plan_of(account_id).meters[Meter(meter)]
    return rounded(Decimal(quantity) * allowance.over)


def _version(key: str) -> PlanVersion:
    version: PlanVersion | None = PlanVersion.objects.filter(key=key, is_current=True).first()
    if version is None:
        raise NotFound(f"There is no plan {key!r}.")
    return version


def _batch(account_id: UUID, identifier: str) -> MeterReport:
    batch: MeterReport | None = MeterReport.for_tenant(account_id).filter(identifier=identifier).first()
    if batch is None:
        raise NotFound(f"This tenant has no batch {identifier!r}.")
    return batch
