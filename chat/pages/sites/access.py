"""Who may show a site and who may write there: addresses, identity keys, strict mode."""

from typing import Any, Final
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from chat.models import Site, TagSeen
from chat.origins import clean_patterns, origin_allowed
from chat.pages.sites.desk import done, keep, show, site_on
from chat.pages.sites.forms import OriginsForm, StrictForm
from chat.pages.sites.signing import signing_for
from chat.selectors.embed_keys import key_shown, keys_of
from chat.selectors.sites import identity_keys_shown, origins_shown
from chat.selectors.tags import tags_of
from chat.services.identity import IdentityKey, delete_identity_key, key_named, make_identity_key, set_strict
from chat.services.sites import allow_origin
from saas.core.errors import AppError, ChangedSince, NotFound
from saas.core.seen import mark_of
from tenants.access import Do
from tenants.authentication import agent_of, tenant_of
from tenants.pages.desk import page, who_changed

MADE: Final = "identity_key_made"  # where the session keeps the newest key's id and its site, until the secret was shown


@page("GET", "HEAD", "POST", do=Do.MANAGE_SITES)
def access(request: HttpRequest, site_id: UUID) -> HttpResponse:
    """The addresses of pages that may show it."""
    site = site_on(request, site_id)
    form = OriginsForm(request.POST or None, site=site)
    read = {"allowed_origins": form.data.get("allowed_origins", "").split()}
    if request.method == "POST" and keep(request, site, form, origins_shown, lambda _said: read):
        return done(request, site, "site_access")
    return _access(request, site, form=form, status=form.status)


@page("POST", do=Do.MANAGE_SITES)
def attempt(request: HttpRequest, site_id: UUID) -> HttpResponse:
    """Whether a page could show it with the addresses as they stand in the form, kept or not."""
    site_on(request, site_id)
    address = request.POST.get("address", "").strip()
    context: dict[str, Any] = {"address": address}
    try:
        patterns = clean_patterns(request.POST.get("allowed_origins", "").split())
        origin = _origin_of(address)
    except AppError as refusal:
        context["problem"] = refusal.message
    else:
        by = next((pattern for pattern in patterns if origin_allowed(origin, [pattern])), "")
        context |= {"origin": origin, "by": by}
    return render(request, "sites/part_attempt.html", context)


@page("POST", do=Do.MANAGE_SITES)
def allow(request: HttpRequest, site_id: UUID) -> HttpResponse:
    """Add an address on which the tag was seen."""
    site, origin, back = site_on(request, site_id), request.POST.get("origin", ""), request.POST.get("back")
    try:
        allow_origin(tenant_of(request), site.id, origin, by=agent_of(request))
        messages.success(request, f"{origin} may show {site.name} now.")
    except NotFound:
        raise
    except AppError as refusal:
        messages.error(request, refusal.message)
    if request.htmx:  # type: ignore[attr-defined]
        return _allowed(request, before=site, origin=origin)
    if back == "start":
        return redirect("start")
    return redirect("site_install" if back == "install" else "site_access", site_id=site.id)


@page("POST", do=Do.MANAGE_SITES)
def strict(request: HttpRequest, site_id: UUID) -> HttpResponse:
    """Let in only those whom the site has signed in, or everybody."""
    site = site_on(request, site_id)
    form = StrictForm(request.POST, site=site)
    if form.is_valid():
        wanted, seen = form.cleaned_data["strict"], form.cleaned_data["seen"]
        try:
            set_strict(tenant_of(request), agent_of(request), site.id, strict=wanted, seen=seen)
        except NotFound:
            raise
        except AppError as refusal:
            form.refuse(refusal, by=who_changed(request, "site", site.id, "site.changed", fields=["strict"]))
        else:
            words = "Only visitors whom your site has signed in may write now." if wanted else "Everybody may write now."
            return done(request, site, "site_access", words)
    return _access(request, site, strictness=form, status=form.status)


@page("POST", do=Do.MANAGE_SITES)
def add_key(request: HttpRequest, site_id: UUID) -> HttpResponse:
    """A new identity key. Its secret stands on the page after this one, once."""
    site = site_on(request, site_id)
    try:
        made = make_identity_key(tenant_of(request), agent_of(request), site.id)
    except NotFound:
        raise
    except AppError as refusal:
        messages.error(request, refusal.message)
        return redirect("site_access", site_id=site.id)
    request.session[MADE] = {"site": str(site.id), "key": made.kid}
    return redirect(f"{reverse('site_access', args=[site.id])}#identity")


@page("POST", do=Do.MANAGE_SITES)
def remove_key(request: HttpRequest, site_id: UUID, kid: str) -> HttpResponse:
    """What it signs counts no more."""
    site = site_on(request, site_id)
    try:
        delete_identity_key(tenant_of(request), agent_of(request), site.id, kid, seen=request.POST.get("seen"))
    except NotFound:
        raise
    except ChangedSince as refusal:
        by = who_changed(request, "site", site.id, "identity_key.added", "identity_key.removed")
        return _access(request, site_on(request, site_id), keys_changed_by=by or "Somebody else", status=refusal.status)
    except AppError as refusal:
        messages.error(request, refusal.message)
        return redirect("site_access", site_id=site.id)
    return done(request, site, "site_access", "The key is gone. What it signed counts no more.")


def _access(
    request: HttpRequest,
    site: Site,
    *,
    form: OriginsForm | None = None,
    strictness: StrictForm | None = None,
    keys_changed_by: str = "",
    status: int = 200,
) -> HttpResponse:
    tenant, kid = tenant_of(request), next(reversed(site.identity_keys), "")
    key = key_shown(keys_of(tenant, site.id))["key"]
    return show(
        request,
        site,
        "site_access",
        status=status,
        form=form or OriginsForm(site=site),
        strictness=strictness or StrictForm(site=site),
        made=_made(request, site),
        keys_seen=mark_of(identity_keys_shown(site)),
        keys_changed_by=keys_changed_by,
        embed_key=key,
        signing=signing_for(key, kid),
        signing_kid=kid,
        strangers=strangers(site, tags_of(tenant, site.id)),
    )


def _allowed(request: HttpRequest, *, before: Site, origin: str) -> HttpResponse:
    """The page as it stood beside the button, and with what was typed the address that is allowed now.

    It may be kept from here, unless somebody else has changed the addresses, too: then its mark stays as it was.
    """
    now, typed, seen = site_on(request, before.id), request.POST.get("allowed_origins", ""), request.POST.get("seen", "")
    lines = typed.split()
    if seen == mark_of({"allowed_origins": "\n".join(lines)}):
        return _access(request, now)
    alone = [*before.allowed_origins, origin]
    if seen == mark_of(origins_shown(before)) and now.allowed_origins in (before.allowed_origins, alone):
        seen = mark_of(origins_shown(now))
    if origin in now.allowed_origins and origin not in lines:
        lines.append(origin)
    return _access(request, now, form=OriginsForm({"allowed_origins": "\n".join(lines), "seen": seen}, site=now))


def _made(request: HttpRequest, site: Site) -> IdentityKey | None:
    """The key that was just made for this site, the first time that somebody looks."""
    if request.method != "GET" or request.session.get(MADE, {}).get("site") != str(site.id):
        return None
    kid = request.session.pop(MADE)["key"]
    return key_named(tenant_of(request), site.id, kid) if kid in site.identity_keys else None


def strangers(site: Site, seen: list[TagSeen]) -> list[TagSeen]:
    """Where the tag was seen on pages that may not show it, each origin once."""
    found = {tag.origin: tag for tag in reversed(seen) if not origin_allowed(tag.origin, site.allowed_origins)}
    return sorted(found.values(), key=lambda tag: tag.seen_at, reverse=True)


def _origin_of(address: str) -> str:
    """The origin of a page's address. Raises BadFrame for what is none."""
    return clean_patterns([address if "://" in address else f"https://{address}"])[0]
