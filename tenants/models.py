"""Who owns what. All of it lives in the `public` schema."""

import base64
from datetime import timedelta
from typing import Any, ClassVar
from uuid import UUID

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.db.models.functions import Now
from django.utils import timezone
from django_tenants.models import DomainMixin, TenantMixin

from saas.core.ids import uuid7

SIGN_IN_CODE_LIFE = timedelta(seconds=60)
SECOND_FACTORS = ("totp", "webauthn")  # kinds of allauth's authenticators; recovery codes alone are no second factor


def schema_for(tenant_id: UUID) -> str:
    """The schema name of a tenant: from its id, never from its slug, so that a rename touches no schema."""
    return "t_" + base64.b32encode(tenant_id.bytes).decode().rstrip("=").lower()


class Tenant(TenantMixin):  # type: ignore[misc]
    """A paying customer; owns one PostgreSQL schema and one database role."""

    class Status(models.TextChoices):
        ACTIVE = "active"
        SUSPENDED = "suspended"
        CLOSED = "closed"  # its schema, its files and its hosts are gone; the row stays for the bills

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    slug = models.CharField(max_length=40, unique=True)
    name = models.CharField(max_length=80)
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.ACTIVE)
    needs_two_factor = models.BooleanField(
        default=False, db_default=False
    )  # nothing of it opens for a member without a second factor
    created_at = models.DateTimeField(default=timezone.now)

    auto_create_schema = False
    auto_drop_schema = False

    def __str__(self) -> str:
        return self.name


class Domain(DomainMixin):  # type: ignore[misc]
    """A host name on which a tenant's pages are served."""


class EmbedKey(models.Model):
    """The public identifier in a site's script tag. It authorises nothing but starting as an anonymous visitor."""

    key = models.CharField(max_length=32, primary_key=True)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="embed_keys")
    site_id = models.UUIDField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.key


class UserManager(BaseUserManager["User"]):
    """Makes users; an e-mail address is stored in lower case."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        user = self.model(email=email.strip().lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email=(username or "").strip().lower())


class User(AbstractBaseUser, PermissionsMixin):
    """A person who signs in: an agent of any number of tenants, or platform staff. Never a visitor."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    email = models.EmailField(unique=True)
    name = models.CharField(max_length=80)
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now)

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]

    objects: ClassVar[UserManager] = UserManager()

    def __str__(self) -> str:
        return self.name or self.email

    def get_full_name(self) -> str:
        return self.name

    def get_short_name(self) -> str:
        return self.name.split(" ")[0]


class Role(models.TextChoices):
    """What a member may do in a tenant; the permission table is in `tenants/access.py`."""

    OWNER = "owner"
    ADMIN = "admin"
    AGENT = "agent"
    VIEWER = "viewer"


class Membership(models.Model):
    """A user's place in a tenant."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=8, choices=Role.choices)
    disabled_at = models.DateTimeField(null=True, blank=True)
    signed_out_at = models.DateTimeField(null=True, blank=True)  # by an admin (`must_prove`); by the database's clock
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["tenant", "user"], name="one_membership_per_user"),
            models.CheckConstraint(condition=models.Q(role__in=Role.values), name="known_role"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} in {self.tenant_id} as {self.role}"


class Invitation(models.Model):
    """A place in a tenant that waits for whoever reads the mail of this address. Only the hash of its link's code is kept.

    It is open until it is accepted or withdrawn, and works while it has not run out; sending it again makes the old link useless.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="invitations")
    email = models.EmailField()  # in lower case
    role = models.CharField(max_length=8, choices=Role.choices)
    code_hash = models.BinaryField(max_length=32, unique=True)
    invited_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    sent_at = models.DateTimeField(default=timezone.now)
    sent_count = models.PositiveSmallIntegerField(default=1)
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True, blank=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["tenant", "email"],
                condition=models.Q(accepted_at__isnull=True, withdrawn_at__isnull=True),
                name="one_open_invitation_per_address",
            ),
            models.CheckConstraint(condition=models.Q(role__in=Role.values), name="known_role_of_invitation"),
        ]

    def __str__(self) -> str:
        return f"{self.email} invited to {self.tenant_id}"


class SignInCode(models.Model):
    """A single-use code that carries a sign-in from the platform host to a tenant's host.

    Only the hashes are kept. The nonce is a cookie of the browser that asked, so that a code put into somebody else's
    browser signs nobody in.
    """

    code_hash = models.BinaryField(primary_key=True, max_length=32)
    nonce_hash = models.BinaryField(max_length=32)
    user = models.ForeignKey(User, on_delete=models.CASCADE)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE)
    platform_sid = models.UUIDField()  # the session on the platform host that asked; its end ends what came of this code
    proven_at = models.DateTimeField(null=True, blank=True)  # when who asked proved last who they are, by the database's clock
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"sign-in code for {self.user_id}"


class SignIn(models.Model):
    """One place where a user is signed in: a browser on the platform's host (without a tenant) or on a tenant's, or an API client
    of a tenant with its family of refresh tokens.

    Its id is the `sid` of sessions and tokens. Ending it deletes the browser's session and refuses the family's refresh tokens.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, null=True, related_name="sign_ins")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="sign_ins")
    session_key = models.CharField(max_length=40, blank=True)  # Django's session; empty for an API client
    platform_sid = models.UUIDField(null=True, blank=True)
    browser = models.CharField(max_length=80, blank=True, db_default="")  # in words, as it said at last
    address = models.CharField(max_length=45, blank=True, db_default="")  # from which it came at last
    created_at = models.DateTimeField(default=timezone.now)
    seen_at = models.DateTimeField(default=timezone.now, db_default=Now())  # some minutes old at most while it is used
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["platform_sid"], condition=models.Q(ended_at__isnull=True), name="live_by_platform_session"),
            models.Index(fields=["tenant", "user"], condition=models.Q(ended_at__isnull=True), name="live_by_member"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} signed in to {self.tenant_id}"

    @property
    def what(self) -> str:
        """The place in words."""
        return self.browser or ("A browser" if self.session_key else "A program")


class AuditEntry(models.Model):
    """Something that was done in a tenant: by whom, to what, from where. The platform's role may add rows, not change or delete
    one; a tenant's role adds its own by `record_act`. Kept for two years."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant_id = models.UUIDField()
    act = models.CharField(max_length=60)  # "<thing>.<verb in the past>", of the table in tenants/audit/acts.py
    by_kind = models.CharField(max_length=8, blank=True)  # agent, visitor, or empty for Porchlight itself
    by_id = models.UUIDField(null=True, blank=True)
    by_name = models.CharField(max_length=254, blank=True)  # as it was then
    thing_kind = models.CharField(max_length=20)
    thing_id = models.CharField(max_length=64, blank=True)
    thing_name = models.CharField(max_length=200, blank=True)  # as it was then
    before = models.JSONField(default=dict)  # what changed, by name
    after = models.JSONField(default=dict)
    address = models.CharField(max_length=45, blank=True)
    browser = models.CharField(max_length=80, blank=True)
    way = models.CharField(max_length=8, blank=True)  # console, api, socket, widget; empty: a job
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["tenant_id", "id"], name="acts_of_tenant"),
            models.Index(fields=["tenant_id", "by_id", "id"], name="acts_of_person"),
            models.Index(fields=["at"], name="acts_by_age"),
        ]

    def __str__(self) -> str:
        return f"{self.act} by {self.by_name or 'Porchlight'}"


class FirstRun(models.Model):
    """How far a new tenant has come. What was done once stays done, whatever becomes of it later."""

    tenant = models.OneToOneField(Tenant, on_delete=models.CASCADE, primary_key=True, related_name="first_run")
    done = models.JSONField(default=dict)  # {a step of tenants/first_run.py: when that was seen first}
    finished_at = models.DateTimeField(null=True, blank=True)
    put_away_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"first run of {self.tenant_id}"
