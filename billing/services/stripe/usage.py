"""What was used so far, told to Stripe before it makes an invoice that is final at once."""

from typing import Final
from uuid import UUID

from asgiref.sync import async_to_sync

from billing.clock import now
from billing.models import MeterReport
from billing.reporting.closing import tell
from saas.core.errors import Conflict

ON_THE_WAY: Final = (MeterReport.Status.PENDING, MeterReport.Status.SENDING)


def tell_usage(account_id: UUID) -> None:
    """Freeze and send all that was used up to now. Raises Conflict if not all of it reached Stripe, NotConfigured."""
    drained = async_to_sync(tell)(account_id, now())
    is_untold = MeterReport.for_tenant(account_id).filter(status__in=ON_THE_WAY).exists()  # also what another sender has in hand
    if drained.failed or drained.stopped or is_untold:
        raise Conflict("Stripe was not told of all usage yet, which this invoice is to hold. Try again in a minute.")
