"""Subscriptions: reading them, and what their tenants change about them."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, Final

from billing.gateway import reading, shapes
from billing.gateway.client import PAGE, Clients, given, keyed
from billing.gateway.errors import translated

SHOWN: Final = ["discounts.source.coupon"]
PAID_OR_NOTHING: Final = "error_if_incomplete"  # a change that costs something now happens only if it is paid


def as_items(items: Iterable[shapes.Wanted]) -> list[dict[str, Any]]:
    """Items as the parameters of a call."""
    return [
        given(id=item.id or None, price=item.price or None, quantity=item.quantity, deleted=True if item.is_gone else None)
        for item in items
    ]


class Subscriptions(Clients):
    """What tenants pay for."""

    def subscription(self, id: str) -> shapes.Subscription:
        """Raises NoSuch."""
        with translated():
            return reading.subscription(self.stripe.v1.subscriptions.retrieve(id, given(expand=SHOWN)).to_dict())

    def subscriptions(self, *, since: datetime | None = None, customer: str | None = None) -> Iterator[shapes.Subscription]:
        """Those that were not cancelled, the newest first: made since a moment, of one customer."""
        created = {"gte": reading.second(since)} if since else None
        expand = [f"data.{name}" for name in SHOWN]
        with translated():
            found = self.stripe.v1.subscriptions.list(given(created=created, customer=customer, limit=PAGE, expand=expand))
            for row in found.auto_paging_iter():
                yield reading.subscription(row.to_dict())

    def update_seats(self, id: str, *, item: str, seats: int, proration_date: int, key: str) -> shapes.Subscription:
        """More seats now, charged at once from `proration_date` on (a Unix second). Raises Declined, and then nothing changed."""
        return self._update(
            id,
            key,
            items=[{"id": item, "quantity": seats}],
            proration_behavior="always_invoice",
            proration_date=proration_date,
            payment_behavior=PAID_OR_NOTHING,
        )

    def preview(
        self,
        *,
        customer: str,
        subscription: str | None = None,
        items: tuple[shapes.Wanted, ...] | None = None,
        proration_date: int | None = None,
        is_new_period: bool = False,
    ) -> shapes.Preview:
        """The next invoice of a subscription; with items, that of their change now, which costs exactly this if it is made with
        the same `proration_date`. With items and no subscription, the first of a new one. Raises NoSuch where none will be made.
        """
        is_change = subscription is not None and items is not None
        details = given(
            items=as_items(items) if items is not None else None,
            proration_date=proration_date,
            proration_behavior="always_invoice" if is_change else None,
            billing_cycle_anchor={"type": "now"} if is_new_period else None,
        )
        asked = given(customer=customer, subscription=subscription, subscription_details=details or None)
        with translated():
            return reading.preview(self.stripe.v1.invoices.create_preview(asked).to_dict())

    def change_plan_now(self, id: str, *, items: tuple[shapes.Wanted, ...], proration_date: int, key: str) -> shapes.Subscription:
        """Other prices, in a period that begins now; usage so far is billed at the old ones. Raises Declined if unpaid."""
        return self._update(
            id,
            key,
            items=as_items(items),
            proration_behavior="always_invoice",
            proration_date=proration_date,
            billing_cycle_anchor={"type": "now"},
            payment_behavior=PAID_OR_NOTHING,
        )

    def change_trial(self, id: str, *, items: tuple[shapes.Wanted, ...], key: str) -> shapes.Subscription:
        """Other prices or quantities of one that is tried: nothing is charged, and the trial ends when it would have."""
        return self._update(id, key, items=as_items(items), proration_behavior="none")

    def cancel_at_period_end(self, id: str, *, key: str) -> shapes.Subscription:
        """It ends when what is paid ends. Raises Refused while a schedule leads it."""
        return self._update(id, key, cancel_at_period_end=True)

    def uncancel(self, id: str, *, key: str) -> shapes.Subscription:
        """It goes on after all."""
        return self._update(id, key, cancel_at_period_end=False)

    def cancel_now(self, id: str, *, key: str) -> shapes.Subscription:
        """It ends now, and usage so far is invoiced. Raises NoSuch for one that has ended."""
        with translated():
            asked = given(invoice_now=True, prorate=False, expand=SHOWN)
            return reading.subscription(self.stripe.v1.subscriptions.cancel(id, asked, keyed(key)).to_dict())

    def pause(self, id: str, *, key: str) -> shapes.Subscription:
        """No invoices until it is resumed. What is paid and not used is credited, and usage so far is billed, by an invoice that
        is made now: else it would wait for a return that may never come. Raises Refused if a schedule leads it.
        """
        asked = given(invoicing_behavior="invoice", expand=SHOWN)
        with translated():
            return reading.subscription(self.stripe.v1.subscriptions.pause(id, asked, keyed(key)).to_dict())

    def resume(self, id: str, *, key: str) -> shapes.Subscription:
        """Periods begin anew now, if the card pays. Raises Declined, and then it stays paused."""
        asked = given(billing_cycle_anchor={"type": "now"}, payment_behavior="resume_on_payment_success", expand=SHOWN)
        with translated():
            return reading.subscription(self.stripe.v1.subscriptions.resume(id, asked, keyed(key)).to_dict())

    def apply_discount(self, id: str, *, key: str, coupon: str = "", promotion_code: str = "") -> shapes.Subscription:
        """One discount, instead of those before. Raises Refused for one that is over."""
        return self._update(id, key, discounts=[given(coupon=coupon or None, promotion_code=promotion_code or None)])

    def _update(self, id: str, key: str, **changes: Any) -> shapes.Subscription:
        with translated():
            return reading.subscription(
                self.stripe.v1.subscriptions.update(id, given(expand=SHOWN, **changes), keyed(key)).to_dict()
            )
