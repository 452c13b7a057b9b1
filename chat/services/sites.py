"""Sites of a tenant and the keys that embed them."""

import base64
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from chat.models import Site
from chat.origins import clean_patterns
from chat.realtime import groups
from chat.realtime.hub import from_thread
from chat.selectors.sites import DEFAULT_TEXTS, forget_sites
from chat.services.lines import clean_line
from saas.core.errors import BadFrame, NotFound
from tenants.context import TenantRef, in_tenant
from tenants.models import EmbedKey

LONGEST_NAME: Final = 80
LONGEST_TEXT: Final = 300
COLOR: Final = re.compile(r"#[0-9A-Fa-f]{6}")
POSITIONS: Final = ("left", "right")


@dataclass(frozen=True, slots=True)
class NewSite:
    """A site and the key of its script tag."""

    site_id: UUID
    embed_key: str


def create_site(
    tenant: TenantRef,
    *,
    name: str,
    allowed_origins: Sequence[str] = (),
    look: Mapping[str, str] | None = None,
    texts: Mapping[str, str] | None = None,
) -> NewSite:
    """Make a site and then its embed key: a site without a key does no harm, a key without a site would lead nowhere.

    Call it outside of the tenant. Raises BadFrame, Empty or TooLong with the field that is wrong.
    """
    values = _clean(name=name, allowed_origins=allowed_origins, look=look or {}, texts=texts or {})
    with in_tenant(tenant):
        site = Site.objects.create(**values)
    key = new_embed_key()
    EmbedKey.objects.create(key=key, tenant_id=tenant.id, site_id=site.id)
    return NewSite(site.id, key)


def change_site(tenant: TenantRef, site_id: UUID, **changes: Any) -> None:
    """Change `name`, `allowed_origins`, `look`, `texts` or `strict`; what is not named stays. Call it outside of the tenant.

    Every process follows at once. Raises like `create_site`, and NotFound.
    """
    values = _clean(**changes)
    with in_tenant(tenant):
        found = Site.objects.filter(id=site_id).update(**values)
    if not found:
        raise NotFound("There is no such site.")
    forget_everywhere(tenant.id)


def forget_everywhere(tenant_id: UUID) -> None:
    """Every process reads the tenant's sites anew, now. Call it after the commit of a change."""
    forget_sites(tenant_id)
    from_thread(lambda hub: hub.bus.say(groups.PROCESSES, {"k": "forget", "tenant": str(tenant_id)}))


def make_first_site(*, tenant: TenantRef, **_facts: Any) -> None:
    """Every new tenant starts with one site of its own name. No page may embed it until its owner names one."""
    create_site(tenant, name=tenant.name)


def new_embed_key() -> str:
    """128 random bits as 26 letters and digits: public, but not to be guessed."""
    return base64.b32encode(secrets.token_bytes(16)).decode().rstrip("=").lower()


def _clean(**values: Any) -> dict[str, Any]:
    """The values as they are stored."""
    return {field: _CLEANERS[field](value) for field, value in values.items()}


def _clean_name(name: str) -> str:
    return clean_line(name, LONGEST_NAME, field="name")


def _clean_look(look: Mapping[str, str]) -> dict[str, str]:
    if unknown := look.keys() - {"color", "position"}:
        raise BadFrame(f"A look has a color and a position, not {sorted(unknown)[0]!r}.", field="look")
    if "color" in look and not COLOR.fullmatch(look["color"]):
        raise BadFrame("A colour is written like #B45309.", field="look.color")
    if "position" in look and look["position"] not in POSITIONS:
        raise BadFrame("The position is left or right.", field="look.position")
    return dict(look)


def _clean_texts(texts: Mapping[str, str]) -> dict[str, str]:
    if unknown := texts.keys() - DEFAULT_TEXTS.keys():
        raise BadFrame(f"There is no text {sorted(unknown)[0]!r}.", field="texts")
    return {name: clean_line(text, LONGEST_TEXT, field=f"texts.{name}") for name, text in texts.items()}


_CLEANERS: Final[dict[str, Any]] = {
    "name": _clean_name,
    "allowed_origins": clean_patterns,
    "look": _clean_look,
    "texts": _clean_texts,
    "strict": bool,
}
