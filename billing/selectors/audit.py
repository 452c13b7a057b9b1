"""What was done with a tenant's money and access, as its own audit log shows it."""

from typing import Final
from uuid import UUID

from billing.models import BillingAudit
from tenants.audit.reading import PORCHLIGHT, AuditQuery, Entry

STAFF: Final = "Porchlight's staff"
ACTS: Final = {
    "billing.details.change": "changed the billing details",
    "billing.contact.add": "added a billing contact",
    "billing.contact.remove": "removed a billing contact",
    "billing.data.export": "took the data along",
    "billing.support.consent": "agreed to let support look in",
    "billing.support.begin": "looked in to help",
    "billing.support.end": "ended a visit of support",
    "billing.subscription.changed": "wrote down what Stripe said of the subscription",
    "billing.stripe.checkout.start": "began to buy a plan",
    "billing.stripe.customer.create": "was made a customer of Stripe's",
    "billing.stripe.customer.update": "sent the billing details to Stripe",
    "billing.stripe.customer.tax_id": "gave a tax ID",
    "billing.stripe.invoice.pay": "paid an invoice",
    "billing.stripe.plan.change_now": "changed the plan",
    "billing.stripe.schedule.set": "planned a change of the plan",
    "billing.stripe.schedule.release": "took a planned change of the plan back",
    "billing.stripe.seats.buy": "bought seats",
    "billing.stripe.seats.lower_in_trial": "took seats away",
    "billing.stripe.tenant.close": "ended the subscription",
    "billing.access.move": "moved access to another state",
    "billing.access.close": "closed the tenant",
    "billing.access.suspend": "suspended the tenant",
    "billing.access.lift": "lifted the suspension",
    "billing.access.hold": "kept access open for a while",
}


def act_names() -> dict[str, str]:
    """What this log holds, in words."""
    return ACTS


def acts(*, tenant_id: UUID, asked: AuditQuery, limit: int) -> list[Entry]:
    """The newest acts that are asked for. One query, or none where nothing here can match."""
    if asked.thing or asked.on or not (asked.act == "" or asked.act.partition(".")[0] == "billing"):
        return []
    if isinstance(asked.by, UUID) and not asked.email:
        return []
    wanted = {
        "action": asked.act.removeprefix("billing.") if "." in asked.act else None,
        "actor": asked.email or None,
        "id__lt": asked.below(),
        "id__gte": asked.from_id(),
    }
    rows = BillingAudit.objects.filter(tenant_id=tenant_id).order_by("-id")
    if asked.by == PORCHLIGHT:
        rows = rows.exclude(actor__gt="", is_staff=False)
    found = rows.filter(**{name: value for name, value in wanted.items() if value is not None})
    return [_entry(row) for row in found[:limit]]


def last_actor(tenant_id: UUID, action: str) -> str:
    """Who did this last, by address; empty if nobody of the tenant did."""
    rows = BillingAudit.objects.filter(tenant_id=tenant_id, action=action, is_staff=False).order_by("-id")
    return rows.values_list("actor", flat=True).first() or ""


def _entry(row: BillingAudit) -> Entry:
    """Staff are not named to tenants, nor where they sat."""
    return Entry(
        id=row.id,
        at=row.at,
        act=f"billing.{row.action}",
        sentence=ACTS.get(f"billing.{row.action}", f"billing: {row.action.replace('.', ' ').replace('_', ' ')}"),
        by=STAFF if row.is_staff else row.actor,
        by_id=None,
        thing_kind="billing",
        thing_id="",
        thing_name="",
        address="" if row.is_staff else row.address,
        browser="",
        way="",
        before=row.before,
        after=row.after,
    )
