"""A site's logo, which stands in the panel's head. A small picture, known by its first bytes and not by its name."""

from contextlib import suppress
from typing import Final
from uuid import UUID

from chat.models import Site
from chat.selectors.sites import logo_shown
from chat.services.sites import Seen, change_site
from saas.core import files
from saas.core.errors import BadFrame, NotFound, TooLarge
from tenants.audit import By
from tenants.context import TenantRef, in_tenant

LARGEST: Final = 64 * 1024  # bytes
TYPES: Final = {"png": "image/png", "jpg": "image/jpeg", "webp": "image/webp"}


def set_logo(tenant: TenantRef, site_id: UUID, content: bytes, *, by: By = None, seen: str | None = None) -> None:
    """Show this picture from now on. Call it outside of the tenant. `seen` is the mark of `logo_shown` as it was.

    Raises TooLarge, BadFrame for what is no PNG, JPEG or WebP (both with field `logo`), NotFound, and ChangedSince for a picture
    that took another one's place meanwhile.
    """
    if len(content) > LARGEST:
        raise TooLarge(f"The picture has {len(content) // 1024} KB; {LARGEST // 1024} KB is the most.", field="logo")
    kind = _kind_of(content)
    file_id = files.put(tenant.id, content)
    try:
        _put(tenant, site_id, f"{file_id}.{kind}", by, seen)
    except BaseException:
        files.delete(tenant.id, file_id)
        raise


def remove_logo(tenant: TenantRef, site_id: UUID, *, by: By = None, seen: str | None = None) -> None:
    """The site's initials again. Raises NotFound, and ChangedSince as `set_logo` does."""
    _put(tenant, site_id, "", by, seen)


def read_logo(tenant: TenantRef, name: str) -> tuple[bytes, str]:
    """The picture of this name and its media type. Raises NotFound."""
    ident, _, kind = name.partition(".")
    try:
        file_id = UUID(ident)
    except ValueError:
        raise NotFound("There is no such picture.") from None
    if kind not in TYPES:
        raise NotFound("There is no such picture.")
    with files.open_file(tenant.id, file_id) as stream:
        return stream.read(), TYPES[kind]


def drop_logo(tenant: TenantRef, name: str) -> None:
    """Delete the picture, unless another site shows it, too. Nothing happens without a name."""
    if not name:
        return
    with in_tenant(tenant):
        is_shown = Site.objects.filter(look__logo=name).exists()
    if not is_shown:
        with suppress(OSError, ValueError):
            files.delete(tenant.id, UUID(name.partition(".")[0]))


def _put(tenant: TenantRef, site_id: UUID, name: str, by: By, seen: str | None) -> None:
    """Store the picture's name, and delete the one whose place it took."""
    seen_so = Seen(seen, logo_shown) if seen else None
    before = change_site(tenant, site_id, look={"logo": name}, by=by, seen=seen_so)
    drop_logo(tenant, logo_shown(before)["logo"])


def _kind_of(content: bytes) -> str:
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if content.startswith(b"\xff\xd8\xff"):
        return "jpg"
    if content.startswith(b"RIFF") and content[8:12] == b"WEBP":
        return "webp"
    raise BadFrame("This is no picture that browsers show: a PNG, a JPEG or a WebP is.", field="logo")
