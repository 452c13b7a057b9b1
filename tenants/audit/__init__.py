"""What was done in a tenant, by whom, from where: written down in the transaction of the act."""

from tenants.audit.acts import ACTS
from tenants.audit.writing import Thing, record

__all__ = ["ACTS", "Thing", "record"]
