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
    look = models.JSONField(default=dict)  # {"color": "#B45309", "position": "right", ...}; each may be absent
    texts = models.JSONField(default=dict)  # {"greeting": "...", "title": "..."}
    time_zone = models.CharField(max_length=64, blank=True, default="", db_default="")  # IANA; empty: no hours are kept
    hours = models.JSONField(default=list, db_default=[])  # from Monday on, seven times [["09:00", "17:00"], ...]
    holidays = models.JSONField(default=list, db_default=[])  # [{"date": "2026-12-25", "name": "Christmas", "spans": []}]
    words = models.JSONField(default=list, db_default=[])  # refused in its community rooms, whatever their case
    identity_keys = models.JSONField(default=list, db_default=[])  # ids of the live keys that sign its users in; two at most
    strict = models.BooleanField(default=False, db_default=False)  # only visitors whom the site has signed in
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.name


class TagSeen(models.Model):
    """Where a site's tag was last seen: one row for each embed key and each origin that asked with it."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    # db_index=False: seen_once_per_origin
    site = models.ForeignKey(Site, on_delete=models.CASCADE, related_name="seen", db_index=False)
    key = models.CharField(max_length=32)
    origin = models.CharField(max_length=300)
    page = models.CharField(max_length=500)  # without query and fragment; just the origin where browsers tell no more
    first_at = models.DateTimeField(default=timezone.now)
    seen_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["site", "key", "origin"], name="seen_once_per_origin"),
        ]

    def __str__(self) -> str:
        return f"{self.origin} at {self.seen_at}"


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
