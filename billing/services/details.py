"""What a tenant says of itself as somebody who pays: name, address, tax ID, contacts, cap, alerts. Changes are written down."""

from collections.abc import Iterable, Mapping
from typing import Any, Final
from uuid import UUID

from django.db import transaction

from billing.models import BillingAccount, BillingContact
from billing.services.audit import Actor, record
from saas.core.errors import BadFrame, NotFound
from saas.core.seen import refuse_if_changed

MOST_CONTACTS: Final = 10


def refuse_stale(account_id: UUID, names: Iterable[str], seen: str | None) -> None:
    """Raise ChangedSince if these fields of the account are not what `seen`, the mark of what was shown, was made of."""
    _compare(BillingAccount.objects.get(pk=account_id), names, seen)


def change_details(account_id: UUID, values: Mapping[str, Any], *, actor: Actor, seen: str | None = None) -> BillingAccount:
    """Set fields of the tenant's account; what stays the same is not written down. Raises ChangedSince."""
    with transaction.atomic():
        account = BillingAccount.objects.select_for_update().get(pk=account_id)
        _compare(account, values, seen)
        before = {name: getattr(account, name) for name, value in values.items() if getattr(account, name) != value}
        if not before:
            return account
        after = {name: values[name] for name in before}
        for name, value in after.items():
            setattr(account, name, value)
        account.save(update_fields=list(after))
        record("details.change", tenant_id=account_id, actor=actor, before=before, after=after)
    return account


def _compare(account: BillingAccount, names: Iterable[str], seen: str | None) -> None:
    refuse_if_changed(seen, {name: getattr(account, name) for name in names})


def add_contact(account_id: UUID, email: str, *, actor: Actor) -> None:
    """One more who gets what is written about money. Raises BadFrame for the eleventh, and for one who does already."""
    with transaction.atomic():
        BillingAccount.objects.select_for_update().get(pk=account_id)
        known = set(BillingContact.for_tenant(account_id).values_list("email", flat=True))
        if email in known:
            raise BadFrame(f"{email} is a contact already.", field="email")
        if len(known) >= MOST_CONTACTS:
            raise BadFrame(f"There are {MOST_CONTACTS} contacts, which is the most. Remove one first.", field="email")
        BillingContact.objects.create(account_id=account_id, email=email)
        record("contact.add", tenant_id=account_id, actor=actor, before={}, after={"email": email})


def remove_contact(account_id: UUID, contact_id: UUID, *, actor: Actor) -> str:
    """Stop writing to a contact; their address. Raises NotFound for those of other tenants."""
    with transaction.atomic():
        contact = BillingContact.for_tenant(account_id).select_for_update().filter(id=contact_id).first()
        if contact is None:
            raise NotFound("There is no such contact.")
        contact.delete()
        record("contact.remove", tenant_id=account_id, actor=actor, before={"email": contact.email}, after={})
    return contact.email


def note_export(account_id: UUID, *, actor: Actor) -> None:
    """Write down that somebody takes the tenant's data along."""
    record("data.export", tenant_id=account_id, actor=actor, before={}, after={})
