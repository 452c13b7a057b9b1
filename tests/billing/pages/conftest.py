"""A tenant with somebody of each role, and their browsers at its billing."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings

from billing.clock import now
from billing.models import Invoice, InvoiceLine, Meter, MeterReport
from tenants.context import TenantRef
from tenants.models import Membership, Role, User
from tests.support.cast import MakeTenant, make_user
from tests.support.web import Browser, Page


@dataclass
class House:
    """A tenant, and a browser for each of its people."""

    tenant: TenantRef
    people: dict[str, User]
    browsers: dict[str, Browser]

    @property
    def address(self) -> str:
        return f"{settings.SCHEME}://{self.tenant.slug}.{settings.BASE_HOST}/billing/"

    def as_(self, role: str) -> Browser:
        """The browser of somebody of this role, who has signed in."""
        if role not in self.browsers:
            self.browsers[role] = Browser()
            self.browsers[role].sign_in(self.address, self.people[role].email)
        return self.browsers[role]

    def get(self, path: str = "", *, role: str = "owner") -> Page:
        """A page below /billing/."""
        return self.as_(role).get(self.address + path)

    def post(self, path: str, data: dict[str, Any] | None = None, *, role: str = "owner") -> Page:
        return self.as_(role).post(self.address + path, data or {})

    def invoice(self, **values: Any) -> Invoice:
        """An invoice of $76.20 as the mirror would have it, paid."""
        made = now() - timedelta(days=2)
        given: dict[str, Any] = {
            "stripe_id": f"in_{uuid4().hex}",
            "number": f"PL-{uuid4().hex[:6].upper()}",
            "status": "paid",
            "currency": "usd",
            "subtotal": 76_20,
            "total": 76_20,
            "amount_due": 76_20,
            "amount_paid": 76_20,
            "amount_remaining": 0,
            "period_start": made - timedelta(days=30),
            "period_end": made,
            "created_at": made,
            "fetched_at": made,
        }
        invoice: Invoice = Invoice.objects.create(account_id=self.tenant.id, **given | values)
        self._line(invoice, "5 seats of Team", 75_00, 5)
        self._line(invoice, "Messages beyond 1,000", 1_20, 300, kind="meter", meter=Meter.MESSAGE)
        return invoice

    def batch(self, start: datetime, quantity: int = 3, **values: Any) -> MeterReport:
        """A usage batch of messages of the hour from `start`."""
        batch: MeterReport = MeterReport.objects.create(
            account_id=self.tenant.id,
            meter=Meter.MESSAGE,
            window_start=start,
            window_end=start + timedelta(hours=1),
            quantity=quantity,
            event_time=start,
            identifier=uuid4().hex,
            **values,
        )
        return batch

    def _line(self, invoice: Invoice, words: str, amount: int, quantity: int, **values: Any) -> None:
        InvoiceLine.objects.create(
            stripe_id=f"il_{uuid4().hex}",
            invoice=invoice,
            place=invoice.lines.count(),
            description=words,
            amount=amount,
            quantity=quantity,
            period_start=invoice.period_start,
            period_end=invoice.period_end,
            **values,
        )


BuildHouse = Callable[[], House]


@pytest.fixture
def build_house(make_tenant: MakeTenant) -> BuildHouse:
    def build() -> House:
        tenant = make_tenant(owner=make_user(f"{uuid4().hex}@house.example", "Olga"))
        owner = User.objects.get(memberships__tenant_id=tenant.id)
        people = {"owner": owner}
        for role in (Role.ADMIN, Role.AGENT, Role.VIEWER):
            people[role] = make_user(f"{uuid4().hex}@house.example", role.title())
            Membership.objects.create(tenant_id=tenant.id, user=people[role], role=role)
        return House(tenant, people, {})

    return build


@pytest.fixture
def house(build_house: BuildHouse) -> House:
    return build_house()


def text_of(page: Page) -> str:
    """The page's source."""
    return str(page.content.decode())
