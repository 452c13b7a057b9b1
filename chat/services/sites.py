"""Sites of a tenant: made, changed, and set as another one is."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.db import connection, transaction

from billing.access import Act
from billing.plans import Plan
from billing.standing import refuse, standing_of
from chat.hours import clean_holidays, clean_week, clean_zone
from chat.looks import DEFAULT_TEXTS, LONGEST_TEXT, LOOK_NAMES, clean_look
from chat.models import Site
from chat.origins import clean_patterns
from chat.realtime import groups
from chat.realtime.hub import from_thread
from chat.selectors.sites import forget_sites
from chat.services.embed_keys import make_embed_key
from chat.services.lines import clean_line
from saas.core.errors import BadFrame, ChangedSince, NotFound, PlanLimit
from saas.core.seen import mark_of, refuse_if_changed
from tenants.audit import By, Thing, record
from tenants.context import TenantRef, in_tenant

ONE_AT_A_TIME: Final = 0x73697465  # advisory lock
LONGEST_NAME: Final = 80
# What one site may take over from another, and the fields that this is.
COPIED: Final[Mapping[str, tuple[str, ...]]] = {
    "look": ("look",),
    "texts": ("texts",),
    "hours": ("time_zone", "hours", "holidays"),
    "origins": ("allowed_origins",),
    "words": ("words",),
}


@dataclass(frozen=True, slots=True)
class NewSite:
    """A site and the key of its script tag."""

    site_id: UUID
    embed_key: str


@dataclass(frozen=True, slots=True)
class Seen:
    """What a person saw before they changed it: the mark of what `shown` made of the site then."""

    mark: str
    shown: Callable[[Site], Mapping[str, object]]


def create_site(
    tenant: TenantRef,
    *,
    name: str,
    allowed_origins: Sequence[str] = (),
    look: Mapping[str, str] | None = None,
    texts: Mapping[str, str] | None = None,
    by: By = None,
) -> NewSite:
    """Make a site and then its embed key: a site without a key does no harm, a key without a site would lead nowhere.

    Call it outside of the tenant. Raises BadFrame, Empty or TooLong with the field that is wrong, and PlanLimit for one more than
    the tenant's plan has, or while the tenant is restricted.
    """
    values = _clean(name=name, allowed_origins=allowed_origins, look=look or {}, texts=texts or {})
    refuse(tenant.id, Act.MAKE_SITE)
    return _make(tenant, values, standing_of(tenant.id).plan, by=by)


def make_first_site(*, tenant: TenantRef, **_facts: Any) -> None:
    """Every new tenant starts with one site of its own name. No page may embed it until its owner names one."""
    _make(tenant, _clean(name=tenant.name, allowed_origins=(), look={}, texts={}), None)


def _make(tenant: TenantRef, values: Mapping[str, Any], plan: Plan | None, *, by: By = None) -> NewSite:
    with in_tenant(tenant), transaction.atomic():
        if plan is not None and plan.sites is not None:
            _refuse_more(plan, plan.sites)
        kept = {name: _filled(value) if name in _MAPS else value for name, value in values.items()}
        site = Site.objects.create(**kept)
        record(tenant, by=by, act="site.created", on=thing(site), after=_flat(kept))
    return NewSite(site.id, make_embed_key(tenant, site.id))


def _refuse_more(plan: Plan, most: int) -> None:
    """Raise PlanLimit where the plan has no more sites. Of several at once one counts after the other."""
    hold_sites()
    if (used := Site.objects.count()) >= most:
        raise PlanLimit(
            f"The plan {plan.name} has {most} {'site' if most == 1 else 'sites'}, and {used} {'is' if used == 1 else 'are'} used."
            " An owner or admin can choose a larger plan under Billing, Plans."
        )


def change_site(tenant: TenantRef, site_id: UUID, *, by: By = None, seen: Seen | None = None, **changes: Any) -> Site:
    """Change what is named; the rest stays. The site as it was before. Call it outside of the tenant.

    `look` and `texts` may name a part of theirs: the rest of them stays, and an empty value takes one back to what usually holds.
    Every process follows at once. Raises like `create_site`, NotFound, and ChangedSince if the site is not as it was seen.
    """
    values = _clean(**changes)
    with in_tenant(tenant), transaction.atomic():
        site = locked_site(site_id)
        if seen is not None:
            refuse_if_changed(seen.mark, seen.shown(site))
        change_locked(tenant, site, values, by)
    forget_everywhere(tenant.id)
    return site


def allow_origin(tenant: TenantRef, site_id: UUID, origin: str, *, by: By = None) -> None:
    """One more address that may show the site, beside those that are stored by then, whatever whoever asks has seen of them.

    Call it outside of the tenant. Raises NotFound, and BadFrame for what is no address or one too many.
    """
    with in_tenant(tenant), transaction.atomic():
        site = locked_site(site_id)
        change_locked(tenant, site, _clean(allowed_origins=[*site.allowed_origins, origin]), by)
    forget_everywhere(tenant.id)


def marks_of_parts(site: Site) -> dict[str, str]:
    """A mark of each part that another site's could take the place of."""
    return {part: mark_of({name: getattr(site, name) for name in names}) for part, names in COPIED.items()}


def copy_settings(
    tenant: TenantRef,
    site_id: UUID,
    *,
    source_id: UUID,
    parts: Iterable[str],
    by: By = None,
    seen: Mapping[str, str] | None = None,
) -> None:
    """Set a site as another one of the tenant is: the parts that are named, of COPIED. Its logo goes along with its look.

    `seen` is `marks_of_parts` as they were. Raises NotFound, BadFrame for no part, for one that is unknown, and for a site that
    would copy itself, and ChangedSince with the marks of those parts that would be lost and are not as they were seen.
    """
    chosen = list(parts)
    if unknown := [part for part in chosen if part not in COPIED]:
        raise BadFrame(f"There is no part {unknown[0]!r} to copy.", field="parts")
    if not chosen or source_id == site_id:
        raise BadFrame("Choose another site, and at least one thing to take from it.", field="parts")
    with in_tenant(tenant), transaction.atomic():
        held = {one: locked_site(one) for one in sorted((source_id, site_id))}  # in one order, as two may copy crosswise
        source, site = held[source_id], held[site_id]
        _refuse_if_parts_changed(site, chosen, seen or {})
        taken = {name: getattr(source, name) for part in chosen for name in COPIED[part]}
        _store(tenant, site, taken, by)
    forget_everywhere(tenant.id)


def _refuse_if_parts_changed(site: Site, chosen: Iterable[str], seen: Mapping[str, str]) -> None:
    now = marks_of_parts(site)
    if changed := {part: now[part] for part in chosen if seen.get(part, now[part]) != now[part]}:
        raise ChangedSince("Somebody else has changed this since you opened it.", stored=changed)


def change_locked(tenant: TenantRef, site: Site, values: Mapping[str, Any], by: By) -> None:
    """Store clean values of a site that the caller holds locked; of `look` and `texts` over what they hold.

    After the commit every process must forget the tenant's sites.
    """
    merged = {name: _filled({**getattr(site, name), **value}) if name in _MAPS else value for name, value in values.items()}
    _store(tenant, site, merged, by)


def _store(tenant: TenantRef, site: Site, values: Mapping[str, Any], by: By) -> None:
    before = {name: getattr(site, name) for name in values}
    if before == dict(values):
        return
    Site.objects.filter(id=site.id).update(**values)
    record(tenant, by=by, act="site.changed", on=thing(site), before=_flat(before), after=_flat(values))


def hold_sites() -> None:
    """Until the transaction ends nobody else counts or deletes this tenant's sites. Inside the tenant, before any site's lock."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, hashtext(current_schema()))", [ONE_AT_A_TIME])


def locked_site(site_id: UUID) -> Site:
    """The site, which nobody else changes until the transaction ends. Inside the tenant. Raises NotFound."""
    site = Site.objects.select_for_update().filter(id=site_id).first()
    if site is None:
        raise NotFound("There is no such site.")
    return site


def thing(site: Site) -> Thing:
    """The site, for the audit log."""
    return Thing("site", site.id, site.name)


def forget_everywhere(tenant_id: UUID) -> None:
    """Every process reads the tenant's sites anew, now. Call it after the commit of a change."""
    forget_sites(tenant_id)
    from_thread(lambda hub: hub.bus.say(groups.PROCESSES, {"k": "forget", "tenant": str(tenant_id)}))


def _filled(values: Mapping[str, str]) -> dict[str, str]:
    """What is set."""
    return {name: value for name, value in values.items() if value}


def _flat(values: Mapping[str, Any]) -> dict[str, Any]:
    """Each setting by itself, so that the log shows which has changed."""
    flat: dict[str, Any] = {}
    for name, value in values.items():
        if name in _MAPS:
            flat |= {f"{name}.{key}": part for key, part in value.items()}
        else:
            flat[name] = value
    return flat


def logged(settings: Mapping[str, Any]) -> list[str]:
    """What the audit log calls these settings: each one of `look` and of `texts` has a name of its own."""
    return list(_flat(settings))


def logged_parts(parts: Iterable[str]) -> list[str]:
    """The same for whole parts, of COPIED."""
    whole: Mapping[str, Any] = {"look": dict.fromkeys(LOOK_NAMES), "texts": DEFAULT_TEXTS}
    return logged({name: whole.get(name) for part in parts for name in COPIED[part]})


def _clean(**values: Any) -> dict[str, Any]:
    """The values as they are stored."""
    return {field: _CLEANERS[field](value) for field, value in values.items()}


def _clean_name(name: str) -> str:
    return clean_line(name, LONGEST_NAME, field="name")


def clean_texts(texts: Mapping[str, str]) -> dict[str, str]:
    if unknown := texts.keys() - DEFAULT_TEXTS.keys():
        raise BadFrame(f"There is no text {sorted(unknown)[0]!r}.", field="texts")
    return {name: clean_line(text, LONGEST_TEXT, field=f"texts.{name}", optional=True) for name, text in texts.items()}


_MAPS: Final = ("look", "texts")
_CLEANERS: Final[dict[str, Callable[[Any], Any]]] = {
    "name": _clean_name,
    "allowed_origins": clean_patterns,
    "look": clean_look,
    "texts": clean_texts,
    "time_zone": clean_zone,
    "hours": clean_week,
    "holidays": clean_holidays,
    "strict": bool,
}
