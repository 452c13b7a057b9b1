"""Sites of a tenant and the keys that embed them."""

import base64
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.db import connection, transaction

from billing.access import Act
from billing.plans import Plan
from billing.standing import refuse, standing_of
from chat.models import Site
from chat.origins import clean_patterns
from chat.realtime import groups
from chat.realtime.hub import from_thread
from chat.selectors.sites import DEFAULT_TEXTS, forget_sites
from chat.services.lines import clean_line
from saas.core.errors import BadFrame, NotFound, PlanLimit
from tenants.context import TenantRef, in_tenant
from tenants.models import EmbedKey

ONE_AT_A_TIME: Final = 0x73697465  # advisory lock
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

    Call it outside of the tenant. Raises BadFrame, Empty or TooLong with the field that is wrong, and PlanLimit for one more than
    the tenant's plan has, or while the tenant is restricted.
    """
    values = _clean(name=name, allowed_origins=allowed_origins, look=look or {}, texts=texts or {})
    refuse(tenant.id, Act.MAKE_SITE)
    return _make(tenant, values, standing_of(tenant.id).plan)


def make_first_site(*, tenant: TenantRef, **_facts: Any) -> None:
    """Every new tenant starts with one site of its own name. No page may embed it until its owner names one."""
    _make(tenant, _clean(name=tenant.name, allowed_origins=(), look={}, texts={}), None)


def _make(tenant: TenantRef, values: Mapping[str, Any], plan: Plan | None) -> NewSite:
    with in_tenant(tenant), transaction.atomic():
        if plan is not None and plan.sites is not None:
            _refuse_more(plan, plan.sites)
        site = Site.objects.create(**values)
    key = new_embed_key()
    EmbedKey.objects.create(key=key, tenant_id=tenant.id, site_id=site.id)
    return NewSite(site.id, key)


def _refuse_more(plan: Plan, most: int) -> None:
    """Raise PlanLimit where the plan has no more sites. Of several at once one counts after the other."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [ONE_AT_A_TIME])
    if (used := Site.objects.count()) >= most:
        raise PlanLimit(
            f"The plan {plan.name} has {most} {'site' if most == 1 else 'sites'}, and {used} {'is' if used == 1 else 'are'} used."
            " An owner or admin can choose a larger plan under Billing, Plans."
        )


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
