"""People of a tenant that one test knows: members of each role, and browsers in which they are signed in."""

import base64
import hmac
import re
import time
from uuid import uuid4

from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from procrastinate.contrib.django.models import ProcrastinateJob

from tenants.context import TenantRef
from tenants.models import Invitation, Membership, Role, User
from tenants.resolve import MemberRef, forget, membership_for
from tenants.services import invitations, second_factor_changed
from tests.support.cast import make_user
from tests.support.web import Browser

NEW = {"name": "Nora", "password": "a-lamp-in-the-rain"}  # whoever joins


def address() -> str:
    """An e-mail address that nobody has."""
    return f"{uuid4().hex}@people.example"


def join(tenant: TenantRef, role: str, name: str = "Ben") -> Membership:
    """A new user who is a member."""
    made = Membership.objects.create(tenant_id=tenant.id, user=make_user(address(), name), role=role)
    forget(tenant.id)
    return made


def ref_of(member: Membership) -> MemberRef:
    """The member as pages know who asks."""
    found = membership_for(member.tenant_id, member.user_id)
    assert found is not None
    return found


def owner_of(tenant: TenantRef) -> Membership:
    return Membership.objects.select_related("user").get(tenant_id=tenant.id, role="owner", disabled_at=None)


def signed_in(tenant: TenantRef, member: Membership, path: str = "/people/") -> Browser:
    """A browser in which this member has opened a page of the tenant."""
    browser = Browser()
    browser.sign_in(host(tenant) + path, member.user.email)
    return browser


def host(tenant: TenantRef) -> str:
    return f"http://{tenant.slug}.localhost:8000"


def give_factor(user: User) -> str:
    """Set up an authenticator app for them; its secret."""
    secret: str = generate_totp_secret()
    TOTP.activate(user, secret)
    RecoveryCodes.activate(user)
    second_factor_changed(user)
    return secret


def code_of(secret: str) -> str:
    """What an authenticator app shows now (RFC 6238: HMAC-SHA-1 of the number of half minutes, six digits)."""
    digest = hmac.digest(base64.b32decode(secret), (int(time.time()) // 30).to_bytes(8, "big"), "sha1")
    start = digest[-1] & 0xF
    return f"{int.from_bytes(digest[start : start + 4], 'big') % 2**31 % 10**6:06}"


def mail_to(to: str) -> dict[str, str]:
    """The last mail that waits for this address."""
    found = ProcrastinateJob.objects.filter(args__to=to).order_by("-id").first()
    assert found is not None
    return dict(found.args)


def mails_to(to: str) -> int:
    return ProcrastinateJob.objects.filter(args__to=to).count()


def link_to(invitation: Invitation) -> str:
    """The link of the last mail of an invitation."""
    found = re.search(r"http\S+/invitations/\S+", mail_to(invitation.email)["text"])
    assert found is not None
    return str(found.group())


def invited(tenant: TenantRef, email: str = "", role: str = Role.AGENT) -> Invitation:
    """An invitation by the owner, of a new address unless one is named."""
    return invitations.invite(tenant.id, by=ref_of(owner_of(tenant)), email=email or address(), role=role)


def text_of(page: object) -> str:
    """The page as it was sent."""
    return page.content.decode()  # type: ignore[attr-defined, no-any-return]
