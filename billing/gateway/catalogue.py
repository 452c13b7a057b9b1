"""What is sold: meters, products, prices, and what is taken off them."""

from decimal import Decimal
from typing import Any

from billing.gateway import reading, shapes
from billing.gateway.client import PAGE, Clients, given, keyed
from billing.gateway.errors import NoSuch, Refused, translated

LOOKED_UP = 10  # keys that Stripe takes at once
EXISTS = "resource_already_exists"


class Catalogue(Clients):
    """Products and prices."""

    def meters(self) -> list[shapes.Meter]:
        """All that are active."""
        with translated():
            found = self.stripe.v1.billing.meters.list(given(status="active", limit=PAGE)).auto_paging_iter()
            return [shapes.Meter(meter.id, meter.event_name) for meter in found]

    def create_meter(self, *, event_name: str, display_name: str, key: str) -> shapes.Meter:
        """A meter that sums up. Its name of events never changes."""
        asked = given(event_name=event_name, display_name=display_name, default_aggregation={"formula": "sum"})
        with translated():
            meter = self.stripe.v1.billing.meters.create(asked, keyed(key))
        return shapes.Meter(meter.id, meter.event_name)

    def create_product(self, *, id: str, name: str, unit_label: str, key: str) -> str:
        """A product under an id of ours, which comes back; it may be there already."""
        try:
            with translated():
                return self.stripe.v1.products.create(given(id=id, name=name, unit_label=unit_label), keyed(key)).id
        except Refused as error:
            if error.code != EXISTS:
                raise
        return id

    def create_price(
        self,
        *,
        product: str,
        lookup_key: str,
        currency: str,
        interval: str,
        unit_amount: Decimal,
        included: int,
        meter: str | None,
        key: str,
    ) -> shapes.Price:
        """A price of a seat; with a meter's id, of each unit beyond `included`. It takes its lookup key from the one before."""
        amounts = _tiers(unit_amount, included) if meter else {"unit_amount_decimal": unit_amount}
        recurring = given(interval=interval, usage_type="metered" if meter else "licensed", meter=meter)
        asked = given(
            product=product,
            lookup_key=lookup_key,
            transfer_lookup_key=True,
            currency=currency,
            recurring=recurring,
            tax_behavior="exclusive",
            expand=["tiers"],
            **amounts,
        )
        with translated():
            return reading.price(self.stripe.v1.prices.create(asked, keyed(key)).to_dict())

    def prices(self, *, lookup_keys: list[str]) -> list[shapes.Price]:
        """The active ones with these keys, in no order."""
        found: list[shapes.Price] = []
        for place in range(0, len(lookup_keys), LOOKED_UP):
            some = lookup_keys[place : place + LOOKED_UP]
            asked = given(active=True, lookup_keys=some, expand=["data.tiers"], limit=PAGE)
            with translated():
                rows = self.stripe.v1.prices.list(asked).auto_paging_iter()
                found += [reading.price(row.to_dict()) for row in rows]
        return found

    def coupon(self, code: str) -> shapes.Coupon:
        """Raises NoSuch."""
        with translated():
            return reading.coupon(self.stripe.v1.coupons.retrieve(code).to_dict())

    def promotion_code(self, code: str) -> shapes.PromotionCode:
        """The active one under this name. Raises NoSuch."""
        with translated():
            rows = self.stripe.v1.promotion_codes.list(given(active=True, code=code, limit=1)).data
        if not rows:
            raise NoSuch(f"There is no promotion code {code!r}.", code="resource_missing", param="promotion_code")
        raw = rows[0].to_dict()
        return shapes.PromotionCode(raw["id"], raw["code"], reading.id_of((raw.get("promotion") or {}).get("coupon")))


def _tiers(unit_amount: Decimal, included: int) -> dict[str, Any]:
    """Graduated: volume tiers would price the first unit anew, and make a cliff at the allowance."""
    free = [{"up_to": included, "unit_amount": 0}] if included else []
    return {
        "billing_scheme": "tiered",
        "tiers_mode": "graduated",
        "tiers": [*free, {"up_to": "inf", "unit_amount_decimal": unit_amount}],
    }
