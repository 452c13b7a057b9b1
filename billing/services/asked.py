"""What staff want to give."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody wants to give. `amount` in minor units, of usage in units. `subject`: an invoice, a batch, a plan's key."""

    kind: str
    account_id: UUID
    reason: str
    form_key: UUID
    amount: int = 0
    meter: str = ""
    subject: str = ""
    until: datetime | None = None
