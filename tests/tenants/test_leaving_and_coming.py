"""Somebody accepts an invitation at the moment in which they are disabled: nobody waits for ever, and who is out stays out."""

from concurrent.futures import Future
from functools import partial
from typing import Any

import pytest
from allauth.account.models import EmailAddress

from saas.core.errors import Conflict
from tenants.context import TenantRef
from tenants.models import Invitation, Membership
from tenants.resolve import membership_for
from tenants.services import disable, invitations, members
from tests.support.people import invited, link_to, owner_of, ref_of
from tests.tenants.test_overtaken import at_the_same_time


def code_of(invitation: Invitation) -> str:
    return link_to(invitation).rstrip("/").rpartition("/")[2]


def add_address(nell: Membership, email: str) -> None:
    EmailAddress.objects.create(user=nell.user, email=email, verified=True)


def test_disabled_while_they_accept(tenant: TenantRef, nell: Membership, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both hold the invitation first and then the member: whoever disables waits, and then it is withdrawn."""
    invitation, olga = invited(tenant), ref_of(owner_of(tenant))
    add_address(nell, invitation.email)
    take_in, disabling = invitations._take_in, list[Future[None]]()

    def slow(*args: Any) -> Membership:
        disabling.append(at_the_same_time(partial(disable, by=olga), nell))
        return take_in(*args)

    monkeypatch.setattr(invitations, "_take_in", slow)
    with pytest.raises(Conflict, match="is a member already"):
        invitations.accept(code_of(invitation), nell.user)
    disabling[0].result(timeout=30)
    invitation.refresh_from_db()
    assert invitation.withdrawn_at is not None
    assert membership_for(tenant.id, nell.user_id) is None


def test_they_accept_while_they_are_disabled(tenant: TenantRef, nell: Membership, monkeypatch: pytest.MonkeyPatch) -> None:
    """By an address that became theirs when it had been looked which invitations are to be withdrawn."""
    invitation, olga = invited(tenant), ref_of(owner_of(tenant))
    put_out, accepting = members._put_out, list[Future[None]]()

    def come(member: Membership) -> None:
        add_address(member, invitation.email)
        invitations.accept(code_of(invitation), member.user)

    def slow(member: Membership) -> None:
        accepting.append(at_the_same_time(come, nell))
        put_out(member)

    monkeypatch.setattr(members, "_put_out", slow)
    disable(nell, by=olga)
    with pytest.raises(Conflict, match="You were disabled in"):
        accepting[0].result(timeout=30)
    assert membership_for(tenant.id, nell.user_id) is None
    invitation.refresh_from_db()
    assert invitation.accepted_at is None
