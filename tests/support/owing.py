"""Tenants that owe: rows as Stripe's objects become them, a clock that can be moved, and the mails that were written."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from procrastinate.contrib.django.models import ProcrastinateJob
from pytest_django import Settings

from billing.clock import now
from billing.models import BillingAccount, Invoice, PlanVersion, Subscription
from billing.periods import period_from
from billing.services.plans import version_of, write_plans
from tenants.context import TenantRef


@dataclass
class Clock:
    """Billing's clock: the file that the stand-in writes."""

    file: Path

    def move(self, by: timedelta) -> None:
        """Ahead, from where it stands."""
        before = int(self.file.read_text() or 0) if self.file.exists() else 0
        self.file.write_text(str(before + int(by.total_seconds())))


@pytest.fixture
def clock(tmp_path: Path, settings: Settings) -> Clock:
    settings.STRIPE_CLOCK_FILE = str(tmp_path / "clock")
    return Clock(tmp_path / "clock")


def account_of(tenant: TenantRef) -> BillingAccount:
    found: BillingAccount = BillingAccount.objects.get(pk=tenant.id)
    return found


def subscribe(tenant: TenantRef, plan: str = "team", *, status: str = "active", **more: Any) -> Subscription:
    """A subscription as the mirror of Stripe's writes it, five seats by the month from now on."""
    if not PlanVersion.objects.filter(key=plan, is_current=True).exists():
        write_plans()
    begun = now()
    period = period_from(begun, begun)
    bounds = {"period_start": period.start, "period_end": period.end}
    bounds |= {f"seat_{name}": value for name, value in bounds.items()}
    values = {
        "stripe_id": f"sub_{uuid4().hex}",
        "interval": "month",
        "seats": 5,
        "anchor": begun,
        "created_at": begun,
        "fetched_at": begun,
        **bounds,
    }
    made: Subscription = Subscription.objects.create(
        account_id=tenant.id, status=status, plan=version_of(plan), **(values | more)
    )
    return made


def fail(tenant: TenantRef, *, status: str = "past_due") -> Invoice:
    """The renewal's invoice was not paid."""
    subscription, moment = Subscription.for_tenant(tenant.id).get(), now()
    Subscription.objects.filter(id=subscription.id).update(status=status)
    return invoice(tenant, subscription=subscription, attempt_count=1, created_at=moment, finalized_at=moment)


def invoice(tenant: TenantRef, *, total: int = 7620, **more: Any) -> Invoice:
    """An open invoice."""
    moment = now()
    values: dict[str, Any] = {
        "stripe_id": f"in_{uuid4().hex}",
        "number": f"PL-{uuid4().hex[:6]}",
        "status": "open",
        "currency": "usd",
        "subtotal": total,
        "total": total,
        "amount_due": total,
        "amount_paid": 0,
        "amount_remaining": total,
        "period_start": moment,
        "period_end": moment,
        "created_at": moment,
        "fetched_at": moment,
    }
    made: Invoice = Invoice.objects.create(account_id=tenant.id, **(values | more))
    return made


def pay(tenant: TenantRef) -> None:
    """Everything that is open, and the subscription goes on."""
    for one in Invoice.for_tenant(tenant.id).filter(status="open"):
        paid = {"status": "paid", "amount_paid": one.total, "amount_remaining": 0, "paid_at": now()}
        Invoice.objects.filter(id=one.id).update(**paid)
    Subscription.for_tenant(tenant.id).filter(status__in=("past_due", "unpaid")).update(status="active")


def mails(tenant: TenantRef) -> list[str]:
    """Subjects of the mails that were written to the tenant's owner, in order."""
    jobs = ProcrastinateJob.objects.filter(task_name="saas.core.mail.deliver", args__to=f"owner@{tenant.slug}.example")
    return [job.args["subject"] for job in jobs.order_by("id")]
