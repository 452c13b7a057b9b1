"""Changes to who owns what and who is signed in where. Each runs on the platform's role."""

import secrets
from functools import partial
from hashlib import sha256
from uuid import UUID

from allauth.account.models import EmailAddress
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from saas.core import mail, registry
from saas.core.errors import BadFrame, Conflict, Unauthenticated
from saas.core.ids import uuid7
from tenants.context import TenantRef
from tenants.models import SIGN_IN_CODE_LIFE, Domain, EmbedKey, Membership, Role, SignIn, SignInCode, User
from tenants.provisioning import create_tenant
from tenants.selectors import platform_url, tenant_url

OWNER = "owner"  # the provisioning connection: the user and the tenant must be one transaction, so both are made over it


def sign_up(*, name: str, email: str, password: str, tenant_name: str, slug: str) -> tuple[User, TenantRef]:
    """A new user with a new tenant, in one transaction; the welcome mail goes out after it.

    Raises IntegrityError if the e-mail or the slug was taken since the form was checked.
    """
    with transaction.atomic(using=OWNER):
        user = User.objects.db_manager(OWNER).create_user(email, password, name=name)
        EmailAddress.objects.using(OWNER).create(user=user, email=user.email, primary=True, verified=False)
        tenant = create_tenant(slug=slug, name=tenant_name, owner=user)
        _welcome(user, tenant)
    return User.objects.get(id=user.id), tenant


def found_tenant(*, owner: User, tenant_name: str, slug: str) -> TenantRef:
    """One more tenant for a user who has signed in. Raises IntegrityError if the slug was taken since the form was checked."""
    with transaction.atomic(using=OWNER):
        tenant = create_tenant(slug=slug, name=tenant_name, owner=owner)
        _welcome(owner, tenant)
    return tenant


def issue_sign_in_code(*, user: User, tenant_id: UUID, nonce_hash: bytes, platform_sid: UUID) -> str:
    """A code that signs this user in to this tenant: once, within 60 s, in the browser that holds the nonce."""
    code = secrets.token_urlsafe(32)
    SignInCode.objects.filter(expires_at__lt=timezone.now()).delete()
    SignInCode.objects.create(
        code_hash=_digest(code),
        nonce_hash=nonce_hash,
        user=user,
        tenant_id=tenant_id,
        platform_sid=platform_sid,
        expires_at=timezone.now() + SIGN_IN_CODE_LIFE,
    )
    return code


def use_sign_in_code(*, code: str, nonce: str, tenant_id: UUID) -> SignInCode:
    """Use a code up and return it with its user. Raises Unauthenticated for anything but the first use in the right place.

    The code is spent even if the nonce is wrong, in one statement, so that two requests cannot both use it.
    """
    now = timezone.now()
    unused = SignInCode.objects.filter(code_hash=_digest(code), tenant_id=tenant_id, used_at=None, expires_at__gt=now)
    if not unused.update(used_at=now):
        raise Unauthenticated("This sign-in link has been used or has run out.")
    found = SignInCode.objects.select_related("user").get(code_hash=_digest(code))
    if not secrets.compare_digest(bytes(found.nonce_hash), _digest(nonce)) or not found.user.is_active:
        raise Unauthenticated("This sign-in was started in another browser.")
    return found


def record_sign_in(*, user_id: UUID, tenant_id: UUID, session_key: str = "", platform_sid: UUID | None = None) -> SignIn:
    """Remember where a user signed in, so that it can be ended."""
    return SignIn.objects.create(user_id=user_id, tenant_id=tenant_id, session_key=session_key, platform_sid=platform_sid)


def end_sign_in(sid: UUID | str) -> None:
    """Sign out of one place. Ending it twice changes nothing."""
    _end(SignIn.objects.filter(id=sid))


def end_sign_ins_through(platform_sid: UUID | str) -> None:
    """Sign out of every tenant that was entered through this session of the platform host."""
    _end(SignIn.objects.filter(platform_sid=platform_sid))


def end_sign_ins_of(user: User) -> None:
    """Sign out everywhere: after a new password, or when the user is switched off."""
    _end(SignIn.objects.filter(user=user))


def add_member(*, tenant_id: UUID, user: User, role: str) -> Membership:
    """Take a user into a tenant, or back into it.

    Raises BadFrame for a role that is none, Conflict for a member, PlanLimit if the plan has no seat left.
    """
    _must_be_role(role)
    with transaction.atomic():
        registry.seat_wanted(tenant_id=tenant_id, role=role)
        kept = Membership.objects.select_for_update().filter(tenant_id=tenant_id, user=user).first()
        if kept is not None and kept.disabled_at is None:
            raise Conflict(f"{user.email} is a member already.")
        given = {"role": role, "disabled_at": None}
        member, _ = Membership.objects.update_or_create(tenant_id=tenant_id, user=user, defaults=given)
        announce_change(tenant_id)
    return member


def change_role(membership: Membership, role: str) -> None:
    """Give a member another role. They are signed out and their sockets close: what is open was opened in the old one.

    Raises BadFrame for a role that is none, Conflict for the last owner, PlanLimit if the plan has no seat left.
    """
    _must_be_role(role)
    if membership.role == role:
        return
    with transaction.atomic():
        if membership.role == Role.VIEWER:
            registry.seat_wanted(tenant_id=membership.tenant_id, role=role)
        _must_not_be_last_owner(membership)
        membership.role = role
        membership.save(update_fields=["role"])
        _end(SignIn.objects.filter(user_id=membership.user_id, tenant_id=membership.tenant_id))
        announce_change(membership.tenant_id)


def end_membership(membership: Membership) -> None:
    """Take a member out of a tenant: signed out there, sockets closed. Their user and other memberships stay."""
    membership.disabled_at = timezone.now()
    membership.save(update_fields=["disabled_at"])
    _end(SignIn.objects.filter(user_id=membership.user_id, tenant_id=membership.tenant_id))
    everywhere = {"tenant_id": membership.tenant_id, "user_id": membership.user_id, "sid": None}
    transaction.on_commit(partial(registry.sessions_ended, **everywhere))
    announce_change(membership.tenant_id)


def forget_tenant(tenant_id: UUID) -> None:
    """Delete who is a member of a closed tenant, and by which hosts and keys it was reached. Its row stays, for the bills."""
    with transaction.atomic():
        for model in (SignInCode, SignIn, EmbedKey, Domain, Membership):
            model.objects.filter(tenant_id=tenant_id).delete()
        announce_change(tenant_id)


def announce_change(tenant_id: UUID) -> None:
    """After any change of a tenant's rows: once it is committed, every process forgets what it kept, and sockets follow."""
    transaction.on_commit(partial(registry.tenant_changed, tenant_id=tenant_id))


def _must_be_role(role: str) -> None:
    if role not in Role.values:
        raise BadFrame(f"{role!r} is not one of {', '.join(Role.values)}.", field="role")


def _must_not_be_last_owner(membership: Membership) -> None:
    owners = Membership.objects.select_for_update().filter(tenant_id=membership.tenant_id, role=Role.OWNER, disabled_at=None)
    if membership.role == Role.OWNER and len(owners) == 1:
        raise Conflict("This is the last owner. Make somebody else an owner first.")


def new_sid() -> UUID:
    """The name of a session of the platform host."""
    return uuid7()


def _end(sign_ins: QuerySet[SignIn]) -> None:
    """Mark them ended and delete their sessions in one transaction; their live sockets close after the commit."""
    with transaction.atomic():
        live = list(sign_ins.filter(ended_at=None).select_for_update())
        SignIn.objects.filter(id__in=[sign_in.id for sign_in in live]).update(ended_at=timezone.now())
        Session.objects.filter(session_key__in=[sign_in.session_key for sign_in in live if sign_in.session_key]).delete()
    for sign_in in live:
        facts = {"tenant_id": sign_in.tenant_id, "user_id": sign_in.user_id, "sid": str(sign_in.id)}
        transaction.on_commit(partial(registry.sessions_ended, **facts))


def _welcome(user: User, tenant: TenantRef) -> None:
    pages = {"inbox": tenant_url(tenant.slug, "/inbox/"), "install": tenant_url(tenant.slug, "/install/")}
    context = {"user": user, "tenant": tenant, "home": platform_url("/home/"), **pages}
    mail.send("welcome", to=user.email, context=context, using=OWNER)


def _digest(secret: str) -> bytes:
    return sha256(secret.encode()).digest()
