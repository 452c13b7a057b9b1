"""Money that staff give: asked by one person, above a limit approved by another, then done in Stripe once.

A form carries a key: sent twice, it is one adjustment. What Stripe is asked carries the adjustment's id, as its key and in what
it books. Stripe forgets a key after a day; so whoever carries one out again first looks whether Stripe has it.
"""

from collections.abc import Callable
from datetime import timedelta
from operator import attrgetter
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Sum

from billing.clock import now
from billing.gateway import gateway
from billing.gateway.errors import Away, Busy, StripeError
from billing.models import Adjustment, BillingAccount, Invoice
from billing.services import corrections
from billing.services.access import must_end
from billing.services.asked import Asked
from billing.services.audit import Actor, record
from billing.services.stripe.customer import ensure_customer
from saas.core.errors import AppError, BadFrame, Conflict, Forbidden, NotFound
from tenants.models import User

Kind = Adjustment.Kind
Status = Adjustment.Status
PATIENCE: Final = timedelta(minutes=1)  # that whoever asked may need by themselves
MARGIN: Final = timedelta(hours=1)  # that Stripe's clock may be behind ours
MONTH: Final = timedelta(days=30)  # in which what one person gives a tenant alone is added up
TO_DO: Final = (Status.APPROVED, Status.FAILED)


def ask(asked: Asked, *, by: User) -> Adjustment:
    """Write it down, and carry it out unless a second person must see it first. The same form again gives the same adjustment.

    Raises BadFrame for what cannot be given, NotFound for a subject that is not there.
    """
    _check(asked)
    try:
        with transaction.atomic():
            made = _written(asked, by)
    except IntegrityError:
        return _same(asked)
    return made if made.status == Status.WAITING else carry_out(made.id, by=by)


def approve(adjustment_id: UUID, *, by: User) -> Adjustment:
    """A second person says yes. Raises Forbidden for the one who asked, Conflict for what is settled."""
    with transaction.atomic():
        waiting = _locked(adjustment_id, Status.WAITING)
        if waiting.requested_by_id == by.pk:
            raise Forbidden("Somebody else must approve what you asked for.")
        _move(waiting, Status.APPROVED, by, "adjustment.approve", approved_by=by)
    return carry_out(adjustment_id, by=by)


def decline(adjustment_id: UUID, *, by: User, reason: str) -> Adjustment:
    """Say no, or take it back. Raises BadFrame without a reason, Conflict for what is settled."""
    if not reason.strip():
        raise BadFrame("Say why.", field="reason")
    with transaction.atomic():
        waiting = _locked(adjustment_id, Status.WAITING)
        _move(waiting, Status.DECLINED, by, "adjustment.decline", reason=reason, error=reason, settled_at=now())
    return waiting


def carry_out(adjustment_id: UUID, *, by: User) -> Adjustment:
    """Do what was approved; again, where it failed. What is done stays as it is, also at Stripe alone. A refusal is kept with it.

    That it is tried is written down before anything is asked: a process may die in between.
    """
    untried = Adjustment.objects.filter(id=adjustment_id, status__in=TO_DO, first_tried_at=None)
    is_first = bool(untried.update(first_tried_at=now()))
    with transaction.atomic():
        found: Adjustment = Adjustment.objects.select_for_update().get(id=adjustment_id)
        if found.status not in TO_DO:
            return found
        try:
            with transaction.atomic():
                reference = ("" if is_first else _at_stripe(found)) or DEEDS[found.kind](found)
        except (StripeError, AppError, IntegrityError) as error:
            kept = Status.APPROVED if isinstance(error, Away | Busy) else Status.FAILED
            _move(found, kept, by, "adjustment.fail", error=str(error))
        else:
            _move(found, Status.DONE, by, "adjustment.done", stripe_ref=reference, settled_at=now(), error="")
    return found


def carry_out_again() -> int:
    """Do what is approved and could not be done, since Stripe was away; how many are done now. One that fails stops no other."""
    waiting = Adjustment.objects.filter(status=Status.APPROVED, requested_at__lt=now() - PATIENCE)
    return sum(carry_out(row.id, by=row.requested_by).status == Status.DONE for row in waiting.select_related("requested_by"))


def _check(asked: Asked) -> None:
    if asked.kind not in Kind.values:
        raise BadFrame(f"{asked.kind!r} is not one of {', '.join(Kind.values)}.", field="kind")
    if not asked.reason.strip():
        raise BadFrame("Say why: the tenant's timeline shows it.", field="reason")
    if asked.kind in {Kind.CREDIT, Kind.CREDIT_NOTE, Kind.USAGE} and asked.amount <= 0:
        raise BadFrame(f"{asked.amount} is not an amount above zero.", field="amount")
    if asked.kind == Kind.COMP and (asked.until is None or asked.until <= now()):
        raise BadFrame("A comp ends on a day that is still to come.", field="until")
    if asked.kind == Kind.COMP and asked.until is not None:
        must_end(asked.until, "A comp")
    if not BillingAccount.objects.filter(pk=asked.account_id).exists():
        raise NotFound(f"There is no tenant {asked.account_id}.")


def _written(asked: Asked, by: User) -> Adjustment:
    worth, currency = _worth(asked)
    is_large = worth + _given_alone(asked.account_id, by) > settings.BILLING_TWO_PERSON_ABOVE
    made: Adjustment = Adjustment.objects.create(
        account_id=asked.account_id,
        kind=asked.kind,
        status=Status.WAITING if is_large else Status.APPROVED,
        form_key=asked.form_key,
        amount=asked.amount or worth,
        worth=worth,
        currency=currency,
        meter=asked.meter,
        subject=asked.subject,
        until=asked.until,
        reason=asked.reason.strip(),
        requested_by=by,
        requested_at=now(),
    )
    _record(made, by, "adjustment.ask", before={}, reason=made.reason)
    return made


def _given_alone(account_id: UUID, by: User) -> int:
    """What this person gave this tenant in the last 30 days and nobody else saw, in minor units. The tenant's row is locked
    until the transaction ends, so that two forms at once are added up. What failed may be tried again, and counts.
    """
    BillingAccount.objects.select_for_update().get(pk=account_id)
    mine = Adjustment.for_tenant(account_id).filter(requested_by=by, approved_by=None, requested_at__gt=now() - MONTH)
    alone = mine.exclude(status__in=(Status.WAITING, Status.DECLINED))
    return int(alone.aggregate(sum=Sum("worth"))["sum"] or 0)


def _worth(asked: Asked) -> tuple[int, str]:
    """What it costs us in minor units, which decides whether one person is enough, and in which currency."""
    account = BillingAccount.objects.get(pk=asked.account_id)
    if asked.kind == Kind.CREDIT_NOTE:
        invoice = _invoice(asked)
        return asked.amount, invoice.currency
    if asked.kind == Kind.CREDIT:
        return asked.amount, account.currency
    return corrections.worth(asked.account_id, kind=asked.kind, asked=asked), account.currency


def _invoice(asked: Asked) -> Invoice:
    invoice: Invoice | None = Invoice.for_tenant(asked.account_id).filter(stripe_id=asked.subject).first()
    if invoice is None:
        raise NotFound(f"This tenant has no invoice {asked.subject!r}.")
    if asked.amount > invoice.total - invoice.credited:
        raise BadFrame(f"{asked.amount} is more than the {invoice.total - invoice.credited} of the invoice.", field="amount")
    return invoice


def _same(asked: Asked) -> Adjustment:
    earlier: Adjustment = Adjustment.objects.get(form_key=asked.form_key)
    parts = attrgetter("account_id", "kind", "subject", "meter", "until")
    if parts(earlier) != parts(asked) or asked.amount not in (0, earlier.amount):
        raise Conflict("This form was sent before with something else in it. Open it anew.")
    return earlier


def _locked(adjustment_id: UUID, status: str) -> Adjustment:
    found: Adjustment | None = Adjustment.objects.select_for_update().filter(id=adjustment_id).first()
    if found is None:
        raise NotFound("There is no such adjustment.")
    if found.status != status:
        raise Conflict(f"This adjustment is {found.get_status_display().lower()} already.")
    return found


def _move(adjustment: Adjustment, status: str, by: User, action: str, *, reason: str = "", **values: Any) -> None:
    before = {"status": adjustment.status}
    adjustment.status = status
    for name, value in values.items():
        setattr(adjustment, name, value)
    adjustment.save()
    _record(adjustment, by, action, before=before, reason=reason)


def _record(adjustment: Adjustment, by: User, action: str, *, before: dict[str, str], reason: str) -> None:
    after = {
        "id": str(adjustment.id),
        "kind": adjustment.kind,
        "status": adjustment.status,
        "amount": adjustment.amount,
        "subject": adjustment.subject,
        "error": adjustment.error,
    }
    actor = Actor(by.email, is_staff=True)
    record(action, tenant_id=adjustment.account_id, actor=actor, before=before, after=after, reason=reason)


def _credit(adjustment: Adjustment) -> str:
    customer = ensure_customer(adjustment.account_id)
    return gateway().credit_balance(
        customer=customer,
        amount=adjustment.amount,
        currency=adjustment.currency,
        description=adjustment.reason[:350],
        adjustment=adjustment.id,
    )


def _credit_note(adjustment: Adjustment) -> str:
    return gateway().credit_note(
        invoice=adjustment.subject, amount=adjustment.amount, reason=adjustment.reason[:350], adjustment=adjustment.id
    )


def _at_stripe(adjustment: Adjustment) -> str:
    """What Stripe has of an adjustment that was tried before; empty: nothing, or a kind that Stripe knows nothing of."""
    if adjustment.kind == Kind.CREDIT_NOTE:
        return gateway().note_of(invoice=adjustment.subject, adjustment=adjustment.id)
    if adjustment.kind != Kind.CREDIT:
        return ""
    since = (adjustment.first_tried_at or adjustment.requested_at) - MARGIN
    return gateway().credit_of(customer=ensure_customer(adjustment.account_id), adjustment=adjustment.id, since=since)


DEEDS: Final[dict[str, Callable[[Adjustment], str]]] = {
    Kind.CREDIT: _credit,
    Kind.CREDIT_NOTE: _credit_note,
    Kind.COMP: corrections.comp,
    Kind.WAIVE: corrections.waive,
    Kind.USAGE: corrections.correct_usage,
    Kind.COUNTED: corrections.counted,
}
