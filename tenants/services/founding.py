"""A tenant begins, and a closed one is forgotten."""

from uuid import UUID

from allauth.account.models import EmailAddress
from django.db import transaction

from saas.core import mail
from tenants.context import TenantRef
from tenants.models import Domain, EmbedKey, Invitation, Membership, SignIn, SignInCode, User
from tenants.provisioning import create_tenant
from tenants.selectors import platform_url, tenant_url
from tenants.services.announcing import announce_change

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


def forget_tenant(tenant_id: UUID) -> None:
    """Delete who is a member of a closed tenant, and by which hosts and keys it was reached. Its row stays, for the bills."""
    with transaction.atomic():
        for model in (SignInCode, SignIn, Invitation, EmbedKey, Domain, Membership):
            model.objects.filter(tenant_id=tenant_id).delete()
        announce_change(tenant_id)


def _welcome(user: User, tenant: TenantRef) -> None:
    pages = {"inbox": tenant_url(tenant.slug, "/inbox/"), "start": tenant_url(tenant.slug, "/start/")}
    context = {"user": user, "tenant": tenant, "home": platform_url("/home/"), **pages}
    mail.send("welcome", to=user.email, context=context, using=OWNER)
