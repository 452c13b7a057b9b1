"""A site's logo, which stands in the panel's head. A small picture, known by its first bytes and not by its name."""

from contextlib import suppress
from typing import Final
from uuid import UUID

from chat.models import Site
from chat.services.sites import change_site
from saas.core import files
from saas.core.errors import BadFrame, NotFound, TooLarge
from tenants.audit import By
from tenants.context import TenantRef, in_tenant

LARGEST: Final = 64 * 1024  # bytes
TYPES: Final = {"png": "image/png", "jpg": "image/jpeg", "webp": "image/webp"}


def set_logo(tenant: TenantRef, site_id: UUID, content: bytes, *, by: By = None) -> None:
    """Show this picture from now on. Call it outside of the tenant.

    Raises TooLarge, BadFrame for what is no PNG, JPEG or WebP (both with field `logo`), and NotFound.
    """
    if len(content) > LARGEST:
        raise TooLarge(f"The picture has {len(content) // 1024} KB; {LARGEST // 1024} KB is the most.", field="logo")
    kind = _kind_of(content)
    old = _logo_of(tenant, site_id)
    file_id = files.put(tenant.id, content)
    try:
        change_site(tenant, site_id, look={"logo": f"{file_id}.{kind}"}, by=by)
    except BaseException:
        files.delete(tenant.id, file_id)
        raise
    drop_logo(tenant, old)


def remove_logo(tenant: TenantRef, site_id: UUID, *, by: By = None) -> None:
    """The site's initials again. Raises NotFound."""
    old = _logo_of(tenant, site_id)
    change_site(tenant, site_id, look={"logo": ""}, by=by)
    drop_logo(tenant, old)


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


def _logo_of(tenant: TenantRef, site_id: UUID) -> str:
    with in_tenant(tenant):
        look = Site.objects.filter(id=site_id).values_list("look", flat=True).first()
    if look is None:
        raise NotFound("There is no such site.")
    return str(look.get("logo", ""))


def _kind_of(content: bytes) -> str:
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if content.startswith(b"\xff\xd8\xff"):
        return "jpg"
    if content.startswith(b"RIFF") and content[8:12] == b"WEBP":
        return "webp"
    raise BadFrame("This is no picture that browsers show: a PNG, a JPEG or a WebP is.", field="logo")
