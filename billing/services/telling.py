"""Telling those who look after a tenant's billing: one mail to each, and a notice in their inbox."""

import logging
from functools import partial
from textwrap import shorten
from typing import Any, Final

from django.db import transaction

from billing.models import BillingAccount, BillingContact
from billing.words import Told
from saas.core import mail, registry
from tenants.access import Do
from tenants.models import Membership, Role, Tenant
from tenants.resolve import ref
from tenants.selectors import tenant_url

log = logging.getLogger(__name__)

LONGEST_BODY: Final = 300  # characters of a notice; the mail says all of it


def tell(account: BillingAccount, told: Told, *, key: str, kind: str = "access", by_mail: bool = True) -> None:
    """In the caller's transaction: mails are deferred in it, and notices come after it. A notice that fails stops nothing.

    `key` makes the notice one, however often it is said.
    """
    if by_mail:
        for address in addresses(account):
            _mail(account, told, address)
    transaction.on_commit(partial(_notice, account.tenant, told, kind, key), robust=True)


def addresses(account: BillingAccount) -> list[str]:
    """The billing address, or else the owners', and whoever else is to get what is written about money. Each once."""
    owners = Membership.objects.filter(tenant_id=account.pk, role=Role.OWNER, disabled_at=None).order_by("created_at")
    first = [account.billing_email] if account.billing_email else list(owners.values_list("user__email", flat=True))
    others = BillingContact.for_tenant(account.pk).order_by("created_at").values_list("email", flat=True)
    return list(dict.fromkeys(address.lower() for address in [*first, *others]))


def _mail(account: BillingAccount, told: Told, address: str) -> None:
    context = {"tenant": account.tenant, "told": told, "link": tenant_url(account.tenant.slug, told.path)}
    mail.send("billing_state", to=address, context=context)


def _notice(tenant: Tenant, told: Told, kind: str, key: str) -> None:
    """Its schema may be gone, or it was told too much of late: the mail has said it."""
    body = shorten(told.text, LONGEST_BODY, placeholder=" ...")
    words: dict[str, Any] = {"category": "billing", "kind": kind, "title": told.title, "body": body, "key": key}
    try:
        registry.notify(tenant=ref(tenant), recipients=Do.MANAGE_BILLING, url=told.path, **words)
    except Exception as error:
        log.warning("tenant %s has no notice of %s: %s", tenant.id, key, error)
