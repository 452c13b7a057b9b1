"""Stripe's own pages: Checkout, where somebody subscribes, and the portal, where they change their card."""

from datetime import datetime
from uuid import UUID

from billing.gateway import reading, shapes
from billing.gateway.client import PAGE, Clients, given, keyed
from billing.gateway.errors import translated
from billing.gateway.subscriptions import as_items


class Pages(Clients):
    """Where a browser is sent."""

    def create_checkout(
        self,
        *,
        tenant_id: UUID,
        customer: str,
        items: tuple[shapes.Wanted, ...],
        success_url: str,
        cancel_url: str,
        key: str,
        trial_days: int = 0,
        coupon: str = "",
        promotion_code: str = "",
        collects_tax: bool = False,
    ) -> shapes.Checkout:
        """A page on which the customer subscribes. In a trial it asks for no card, and pauses when none has come by its end."""
        trial = {"missing_payment_method": "pause"}
        details = given(
            metadata={"tenant": str(tenant_id)},
            billing_mode={"type": "flexible"},
            trial_period_days=trial_days or None,
            trial_settings={"end_behavior": trial} if trial_days else None,
        )
        off = given(coupon=coupon or None, promotion_code=promotion_code or None)
        asked = given(
            mode="subscription",
            customer=customer,
            client_reference_id=str(tenant_id),
            line_items=as_items(items),
            success_url=success_url,
            cancel_url=cancel_url,
            subscription_data=details,
            payment_method_collection="if_required" if trial_days else "always",
            discounts=[off] if off else None,
            allow_promotion_codes=None if off else True,
            automatic_tax={"enabled": True} if collects_tax else None,
            tax_id_collection={"enabled": True} if collects_tax else None,
            customer_update={"name": "auto", "address": "auto"} if collects_tax else None,
        )
        with translated():
            return reading.checkout(self.stripe.v1.checkout.sessions.create(asked, keyed(key)).to_dict())

    def checkout(self, id: str) -> shapes.Checkout:
        """Raises NoSuch."""
        with translated():
            return reading.checkout(self.stripe.v1.checkout.sessions.retrieve(id).to_dict())

    def checkouts(self, *, customer: str, since: datetime) -> list[shapes.Checkout]:
        """The pages that a customer got since a moment, the newest first, whatever became of them."""
        asked = given(customer=customer, created={"gte": reading.second(since)}, limit=PAGE)
        with translated():
            return [reading.checkout(row.to_dict()) for row in self.stripe.v1.checkout.sessions.list(asked).auto_paging_iter()]

    def expire_checkout(self, id: str) -> None:
        """Nobody can pay on it any more. Raises Refused for one that is not open, NoSuch."""
        with translated():
            self.stripe.v1.checkout.sessions.expire(id)

    def portal(self, *, customer: str, return_url: str) -> str:
        """The address of the portal, for a few minutes."""
        with translated():
            return self.stripe.v1.billing_portal.sessions.create(given(customer=customer, return_url=return_url)).url
