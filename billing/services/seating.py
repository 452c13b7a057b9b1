"""Whether somebody more may have a seat: the answer to `seat_wanted`."""

from uuid import UUID

from billing.access import Act
from billing.models import BillingAccount
from billing.selectors.plans import SEATED, plan_of, seats
from billing.standing import refuse
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
    if held.free:
        return
    way_out = "choose a plan with more" if held.most is not None and held.bought >= held.most else "buy one more"
    raise PlanLimit(
        f"{plan_of(tenant_id).name} has {held.bought} seats here and {held.used} are held. Make somebody a viewer, which needs no"
        f" seat, or {way_out} under Billing."
    )
