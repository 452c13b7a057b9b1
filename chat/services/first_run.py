"""How far a new tenant has come: read from what is there, and kept. Call it outside of the tenant."""

from chat.selectors.first_run import first_site, steps_taken
from chat.services.sites import allow_origin
from saas.core.errors import Conflict
from tenants.context import TenantRef, in_tenant
from tenants.first_run import Progress, Step, keep, progress_of
from tenants.selectors import has_company
from tenants.tokens import Principal


def look_around(tenant: TenantRef) -> Progress:
    """What is done by now; what was found done for the first time is kept. Asks only for what was not done before."""
    known = progress_of(tenant.id)
    missing = set(Step) - known.done.keys()
    if not missing:
        return known
    with in_tenant(tenant):
        found = steps_taken(tenant.id, missing)
    if Step.INVITE in missing and has_company(tenant.id):
        found.add(Step.INVITE)
    if Step.TAG in found:
        found |= {Step.SNIPPET} & missing  # it was pasted, wherever it was copied from
    if not found:
        return known
    keep(tenant.id, found)
    return progress_of(tenant.id)


def name_page(tenant: TenantRef, principal: Principal, address: str) -> None:
    """One more address that may show the tenant's first site; without `https://` it is meant with it.

    Raises BadFrame for what is no address, Conflict where no site is left.
    """
    with in_tenant(tenant):
        site = first_site()
    if site is None:
        raise Conflict("There is no site any more. Make one under Sites first.")
    whole = address.strip() if "://" in address else f"https://{address.strip()}"
    allow_origin(tenant, site.id, whole, by=principal)
