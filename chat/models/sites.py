"""Sites and their visitors."""

from typing import ClassVar

from django.db import models
from django.utils import timezone

from saas.core.ids import uuid7


class Site(models.Model):
    """One embed: who may load it, how it looks, what it says."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(max_length=80)
    allowed_origins = models.JSONField(default=list)  # ["https://shop.example", "https://*.shop.example"]
    look = models.JSONField(default=dict)  # {"color": "#B45309", "position": "right"}; both may be absent
    texts = models.JSONField(default=dict)  # {"greeting": "...", "title": "..."}
    words = models.JSONField(default=list, db_default=[])  # refused in its community rooms, whatever their case
    identity_keys = models.JSONField(default=list, db_default=[])  # ids of the live keys that sign its users in; two at most
    strict = models.BooleanField(default=False, db_default=False)  # only visitors whom the site has signed in
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.name


class Visitor(models.Model):
    """A person on a site. The handle that proves it is kept as a hash only."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    # db_index=False: one_visitor_per_user_of_the_site
    site = models.ForeignKey(Site, on_delete=models.CASCADE, related_name="visitors", db_index=False)
    name = models.CharField(max_length=80)
    handle_hash = models.BinaryField(max_length=32, unique=True)
    old_handle_hash = models.BinaryField(max_length=32, null=True, unique=True)  # honoured until `handle_grace`
    handle_grace = models.DateTimeField(null=True)
    # whom the site's own backend has signed in; NULL, since many are nobody
    external_id = models.CharField(max_length=200, null=True)  # noqa: DJ001
    locale = models.CharField(max_length=35, blank=True)
    page = models.JSONField(default=dict)  # {"url", "title", "referrer"}: where they were last
    created_at = models.DateTimeField(default=timezone.now)
    seen_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["site", "external_id"], name="one_visitor_per_user_of_the_site"),
        ]

    def __str__(self) -> str:
        return self.name


class SignedIn(models.Model):
    """A signed identity that was shown: it counts once. Kept until it would have run out."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    # db_index=False: one_use_per_identity
    site = models.ForeignKey(Site, on_delete=models.CASCADE, related_name="+", db_index=False)
    jti_hash = models.BinaryField(max_length=32)
    expires_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["site", "jti_hash"], name="one_use_per_identity"),
        ]
        indexes: ClassVar[list[models.Index]] = [models.Index(fields=["expires_at"], name="identities_run_out")]

    def __str__(self) -> str:
        return f"an identity until {self.expires_at}"
