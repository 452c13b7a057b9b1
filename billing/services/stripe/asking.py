"""What every change of a subscription begins with: the subscription, that it can be changed, and its items."""

from uuid import UUID

from billing.gateway import shapes
from billing.models import PlanPrice, PlanVersion, Subscription
from billing.selectors.plans import live_subscription
from saas.core.errors import Conflict

PRICE = PlanPrice.Kind


def subscription_of(account_id: UUID) -> Subscription:
    """The tenant's subscription at Stripe. Raises Conflict if it has none."""
    live = live_subscription(account_id)
    if live is None:
        raise Conflict("There is no plan to change: choose one first.")
    if live.source != Subscription.Source.STRIPE or not live.stripe_id:
        raise Conflict("This plan was given by us, and is not paid for: write to us to change it.")
    return live


def running_of(account_id: UUID) -> Subscription:
    """The same, if it will renew. Raises Conflict for one that is paused or cancelled."""
    live = subscription_of(account_id)
    if live.status == "paused":
        raise Conflict("The plan is paused: resume it first.")
    if live.cancel_at is not None:
        raise Conflict(f"The plan ends on {live.cancel_at:%d %B %Y}: take the cancellation back first.")
    return live


def items_now(live: Subscription) -> tuple[shapes.Wanted, ...]:
    """Its items as they are."""
    rows = live.items.select_related("price").order_by("stripe_id")
    return tuple(shapes.Wanted(id=row.stripe_id, price=_at_stripe(row.price), quantity=row.quantity) for row in rows)


def items_then(version: PlanVersion, interval: str, seats: int) -> tuple[shapes.Wanted, ...]:
    """The items of a plan: seats, and its meters. Raises Conflict if Stripe does not know its prices."""
    prices = version.prices.order_by("lookup_key")
    wanted = [
        shapes.Wanted(price=_at_stripe(price), quantity=seats) for price in prices.filter(kind=PRICE.SEAT, interval=interval)
    ]
    if not wanted:
        raise Conflict(f"The plan {version.key} is not sold by the {interval}.")
    return (*wanted, *(shapes.Wanted(price=_at_stripe(price)) for price in prices.filter(kind=PRICE.METER)))


def items_changed(live: Subscription, version: PlanVersion, interval: str, seats: int) -> tuple[shapes.Wanted, ...]:
    """The items that there are, at the prices of another plan or interval; what is new comes, what it has no more goes."""
    wanted = {_place(price): price for price in version.prices.all() if price.kind == PRICE.METER or price.interval == interval}
    changed: list[shapes.Wanted] = []
    for row in live.items.select_related("price").order_by("stripe_id"):
        price = wanted.pop(_place(row.price), None)
        quantity = seats if row.price.kind == PRICE.SEAT else None
        if price is None:
            changed.append(shapes.Wanted(id=row.stripe_id, is_gone=True))
        elif price.pk != row.price_id or quantity != row.quantity:
            price_id = _at_stripe(price) if price.pk != row.price_id else ""
            changed.append(shapes.Wanted(id=row.stripe_id, price=price_id, quantity=quantity))
    new = [
        shapes.Wanted(price=_at_stripe(price), quantity=seats if price.kind == PRICE.SEAT else None) for price in wanted.values()
    ]
    return (*changed, *new)


def seat_item(live: Subscription) -> str:
    """The item of its seats. Raises Conflict where the mirror has none."""
    found = live.items.filter(price__kind=PRICE.SEAT).values_list("stripe_id", flat=True).first()
    if found is None:
        raise Conflict("The plan is not yet read from Stripe: try again in a minute.")
    return str(found)


def _place(price: PlanPrice) -> str:
    """What a price stands for, in every plan: the seats, or a meter."""
    return price.meter or PRICE.SEAT


def _at_stripe(price: PlanPrice) -> str:
    if not price.stripe_price_id:
        raise Conflict(f"Stripe does not know the price {price.lookup_key}: run manage.py sync_plans.")
    return str(price.stripe_price_id)
