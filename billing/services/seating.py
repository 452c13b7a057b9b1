"""Whether somebody more may have a seat: the answer to `seat_wanted`."""

from uuid import UUID

from billing.access import Act
from billing.models import BillingAccount
from billing.selectors.plans import SEATED, Seats, plan_of, seats
from billing.standing import refuse
from billing.words import seats_of
from saas.core.errors import PlanLimit


def give_seat(*, tenant_id: UUID, role: str) -> None:
    """Raises PlanLimit if every seat is held, or if the tenant may not take anybody in now. In a transaction.

    Until that ends nobody else gets a seat of the tenant: the last one is given once.
    """
    refuse(tenant_id, Act.INVITE)
    if role not in SEATED:
        return
    BillingAccount.objects.select_for_update().get(pk=tenant_id)
    held = seats(tenant_id)
    if not held.free:
        raise PlanLimit(_none_left(plan_of(tenant_id).name, held))


def _none_left(plan: str, held: Seats) -> str:
    """The limit, the use, and the way out."""
    way_out = "choose a plan with more" if held.most is not None and held.bought >= held.most else "buy one more"
    there = f"{plan} has {seats_of(held.bought)} here"
    if held.used < held.bought:
        there = f"{there}, {held.next} from the next renewal on,"
        way_out = "take the reduction back"
    viewer = "Make somebody a viewer, which needs no seat,"
    return f"{there} and {held.used} are held. {viewer} or {way_out} under Billing."
