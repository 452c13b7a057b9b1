"""What was done in a tenant, by whom, from where: written down in the transaction of the act."""

from tenants.audit.acts import ACTS
from tenants.audit.reading import AuditQuery, Entry, acts_of
from tenants.audit.writing import By, Thing, forget_old, record

__all__ = ["ACTS", "AuditQuery", "By", "Entry", "Thing", "acts_of", "forget_old", "record"]
