"""Customers, and what is given to them."""

from datetime import datetime
from typing import Final
from uuid import UUID

from billing.gateway import reading, shapes
from billing.gateway.client import PAGE, Clients, adjustment_in, given, keyed
from billing.gateway.errors import translated

SHOWN: Final = ["tax_ids"]


class Customers(Clients):
    """Tenants at Stripe."""

    def create_customer(self, *, tenant_id: UUID, name: str, email: str, key: str) -> shapes.Customer:
        """A customer for a tenant, whose id it carries."""
        asked = given(name=name, email=email, metadata={"tenant": str(tenant_id)}, expand=SHOWN)
        with translated():
            return reading.customer(self.stripe.v1.customers.create(asked, keyed(key)).to_dict())

    def customer(self, id: str) -> shapes.Customer:
        """Raises NoSuch."""
        with translated():
            return reading.customer(self.stripe.v1.customers.retrieve(id, given(expand=SHOWN)).to_dict())

    def update_customer(
        self, id: str, *, name: str | None = None, email: str | None = None, country: str | None = None, key: str = ""
    ) -> shapes.Customer:
        """What is None stays as it is. Raises NoSuch."""
        address = {"country": country} if country else None
        asked = given(name=name, email=email, address=address, expand=SHOWN)
        with translated():
            return reading.customer(self.stripe.v1.customers.update(id, asked, keyed(key) if key else None).to_dict())

    def set_tax_id(self, id: str, *, type: str, value: str, key: str) -> None:
        """The tax ID on invoices from now on; without a `value`, none. Raises Refused for one that is no tax ID."""
        with translated():
            before = list(self.stripe.v1.customers.tax_ids.list(id, given(limit=20)).auto_paging_iter())
            if value and not any((row.type, row.value) == (type, value) for row in before):
                self.stripe.v1.customers.tax_ids.create(id, given(type=type, value=value), keyed(key))
            for row in before:
                if (row.type, row.value) != (type, value):
                    self.stripe.v1.customers.tax_ids.delete(id, row.id)

    def credit_balance(self, *, customer: str, amount: int, currency: str, description: str, adjustment: UUID) -> str:
        """Give a customer so many minor units, to be taken off the next invoices; the id of what was booked.

        It carries the adjustment's id, which is its key as well: for a day Stripe does it once.
        """
        carried = {"adjustment": str(adjustment)}
        asked = given(amount=-amount, currency=currency, description=description, metadata=carried)
        with translated():
            created = self.stripe.v1.customers.balance_transactions.create(customer, asked, keyed(f"adjustment:{adjustment}"))
        return created.id

    def credit_of(self, *, customer: str, adjustment: UUID, since: datetime) -> str:
        """What was booked for an adjustment, since that moment; empty if nothing was."""
        with translated():
            for row in self.stripe.v1.customers.balance_transactions.list(customer, given(limit=PAGE)).auto_paging_iter():
                if row.created < reading.second(since):  # they come newest first
                    return ""
                if adjustment_in(row.to_dict()) == str(adjustment):
                    return row.id
        return ""
