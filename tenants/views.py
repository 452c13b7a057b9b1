"""Pages of the platform host, and the two ends of the hand-over to a tenant's host."""

import logging
import re
import secrets
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from allauth.account import views as account
from allauth.account.decorators import reauthentication_required
from allauth.account.utils import perform_login
from allauth.core.exceptions import ReauthenticationRequired
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login, logout
from django.contrib.auth.decorators import login_required
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from saas.core.errors import NotFound, RateLimited, Unauthenticated
from saas.core.http import client_ip, json_error
from saas.core.ratelimit import PLATFORM, check
from tenants import first_run, limits, services
from tenants.access import Do, may
from tenants.authentication import member_of, tenant_of
from tenants.browser import proven_at, sid_of
from tenants.context import TenantRef
from tenants.forms import SignUpForm, TenantForm
from tenants.models import SignInCode, User
from tenants.permissions import needs
from tenants.resolve import membership_for, tenant_for_host
from tenants.selectors import default_host, places_of, platform_url, tenant_by_slug, tenant_url

log = logging.getLogger(__name__)

NONCE_COOKIE = "__Host-sign-in" if settings.SECURE else "porchlight_sign_in"
NONCE = re.compile(r"[\w-]{43}")
NONCE_LIFE = 600  # seconds to sign in on the platform host
INBOX = "/inbox/"
START = "/start/"  # where a new tenant begins
BACKEND = settings.AUTHENTICATION_BACKENDS[0]


def landing(request: HttpRequest) -> HttpResponse:
    """What Porchlight is."""
    script = f"{settings.SCHEME}://{settings.WIDGET_HOST}/porchlight.js"
    return render(request, "tenants/landing.html", {"widget_script": script})


@login_required
def home(request: HttpRequest) -> HttpResponse:
    """The tenants of the person who signed in."""
    return render(request, "tenants/home.html", {"places": places_of(_user(request))})


@never_cache
@require_http_methods(["GET", "POST"])
def sign_up(request: HttpRequest) -> HttpResponse:
    """A new tenant; and its first user, unless somebody has signed in."""
    kind = TenantForm if request.user.is_authenticated else SignUpForm
    form = kind(request.POST or None)
    if request.method != "POST":
        return _sign_up_page(request, form)
    try:
        check(limits.SIGN_UP_IP, PLATFORM, client_ip(request))
        return _founded(request, form) if form.is_valid() else _sign_up_page(request, form, status=422)
    except RateLimited:
        form.add_error(None, "Too many sign-ups came from your network. Wait an hour and send this form again.")
        return _sign_up_page(request, form, status=429)
    except IntegrityError:  # somebody was faster: what is theirs by now is said beside its field
        form.full_clean()
        if form.is_valid():
            log.warning("A sign-up was refused by the database, and its form finds nothing that is taken", exc_info=True)
            form.add_error(None, "Somebody else signed up at this moment. Send this form again.")
        return _sign_up_page(request, form, status=422)


def _founded(request: HttpRequest, form: TenantForm) -> HttpResponse:
    said = form.cleaned_data
    if request.user.is_authenticated:
        tenant = services.found_tenant(owner=_user(request), tenant_name=said["tenant_name"], slug=said["slug"])
        return redirect(tenant_url(tenant.slug, f"/sign-in/?{urlencode({'next': START})}"))
    user, tenant = services.sign_up(**said)
    onward = tenant_url(tenant.slug, f"/sign-in/?{urlencode({'next': START})}")
    answer: HttpResponse = perform_login(request, user, email_verification="optional", redirect_url=onward, signup=True)
    return answer


def _sign_up_page(request: HttpRequest, form: TenantForm, status: int = 200) -> HttpResponse:
    return render(request, "tenants/sign_up.html", {"form": form}, status=status)


def email(request: HttpRequest, **kwargs: Any) -> HttpResponse:
    """allauth's pages of addresses, for which it does not see that somebody else has signed up with one in the meantime."""
    page = account.confirm_email if kwargs else account.email
    try:
        with transaction.atomic():
            answer: HttpResponse = page(request, **kwargs)
            return answer
    except IntegrityError:
        messages.error(request, "Somebody else signs in with this address. Nothing was changed.")
        return redirect("account_email")


@login_required
def password(request: HttpRequest) -> HttpResponse:
    """allauth's page of a new password, which asks for the old one; whoever has a second factor proves that first."""
    try:
        answer: HttpResponse = reauthentication_required(app="allauth.account")(account.password_change)(request)
        return answer
    except ReauthenticationRequired:
        if request.method != "POST":
            raise
        return redirect("account_change_password")  # else both passwords would wait in the session to be sent again


# The hand-over. Tenant: a nonce goes into a cookie, its hash to the platform. Platform: signs in, answers with a code that is
# bound to the hash. Tenant: takes the code once, and only in the browser that holds the nonce. No cookie crosses a host.


@never_cache
@require_GET
def start(request: HttpRequest) -> HttpResponse:
    """Tenant host: begin to sign in."""
    tenant = tenant_of(request)
    onward = _local_path(request, request.GET.get("next"))
    if getattr(request, "member", None):
        return redirect(onward)
    kept = request.COOKIES.get(NONCE_COOKIE, "")
    nonce = kept if NONCE.fullmatch(kept) else secrets.token_urlsafe(32)  # two tabs that begin at once share it
    asked = {"tenant": tenant.slug, "nonce": sha256(nonce.encode()).hexdigest(), "next": onward, "host": request.get_host()}
    answer = HttpResponseRedirect(platform_url(f"/hand-over/?{urlencode(asked)}"))
    answer.set_cookie(NONCE_COOKIE, nonce, max_age=NONCE_LIFE, httponly=True, secure=settings.SECURE, samesite="Lax")
    return answer


@never_cache
@require_GET
@login_required
def hand_over(request: HttpRequest) -> HttpResponse:
    """Platform host: give a member a code for the tenant."""
    user = _user(request)
    tenant = tenant_by_slug(request.GET.get("tenant", ""))
    nonce_hash = request.GET.get("nonce", "")
    if tenant is None or not re.fullmatch(r"[0-9a-f]{64}", nonce_hash):
        return _no_entry(request, "This sign-in link is not complete. Start again from your inbox address.", status=400)
    member = membership_for(tenant.id, user.id)
    if member is None:
        return _no_entry(request, f"{user.email} is not a member of {tenant.name}. Ask its owner to invite you.", status=403)
    if member.is_locked:
        return redirect(f"/you/two-factor/needed/?{urlencode({'tenant': tenant.slug})}")
    proven = proven_at(request, user)
    if services.must_prove(tenant.id, user.id, proven_at=proven):
        messages.info(request, f"You were signed out of {tenant.name}. Prove who you are, and you come in again.")
        return redirect(f"{reverse('account_reauthenticate')}?{urlencode({'next': request.get_full_path()})}")
    try:
        check(limits.HAND_OVER_USER, PLATFORM, user.id)
    except RateLimited:
        return _no_entry(request, "You signed in very often just now. Wait a minute and open your inbox again.", status=429)
    sid, nonce = UUID(sid_of(request, user)), bytes.fromhex(nonce_hash)
    code = services.issue_sign_in_code(user=user, tenant_id=tenant.id, nonce_hash=nonce, platform_sid=sid, proven_at=proven)
    return _onward(request, _host_of(tenant.id, tenant.slug, request), code)


@never_cache
@require_GET
def finish(request: HttpRequest) -> HttpResponse:
    """Tenant host: take the code and sign in."""
    tenant = tenant_of(request)
    onward = _local_path(request, request.GET.get("next"))
    nonce = request.COOKIES.get(NONCE_COOKIE, "")
    try:
        code = services.use_sign_in_code(code=request.GET.get("code", ""), nonce=nonce, tenant_id=tenant.id)
        if membership_for(tenant.id, code.user_id) is None:
            return _no_entry(request, f"{code.user.email} is no longer a member of {tenant.name}.", status=403)
        _sign_in(request, tenant, code)
    except Unauthenticated:
        if getattr(request, "member", None):  # the other tab was faster
            return redirect(onward)
        return _no_entry(request, "This sign-in link has been used, has run out, or belongs to another browser.", status=403)
    answer = HttpResponseRedirect(onward)
    answer.delete_cookie(NONCE_COOKIE)
    return answer


@require_http_methods(["GET", "POST"])
def sign_out(request: HttpRequest) -> HttpResponse:
    """Tenant host: end this sign-in. The session on the platform host stays. A GET asks first."""
    if request.method == "GET":
        return render(request, "tenants/sign_out.html")
    is_of_here = request.session.get("tenant") == str(tenant_of(request).id)  # also of somebody who lacks a second factor
    sid = request.session.get("sid") if is_of_here else None
    logout(request)
    if sid:
        services.end_sign_in(sid)
    return redirect("signed_out")


@require_GET
def signed_out(request: HttpRequest) -> HttpResponse:
    """Tenant host: you are out; here is the way back in."""
    return render(request, "tenants/signed_out.html")


@never_cache
@needs(Do.READ_ROOMS)
@require_GET
def front(request: HttpRequest) -> HttpResponse:
    """Tenant host: who sets a new tenant up goes on where they were; everybody else goes to the inbox."""
    tenant, member = tenant_of(request), member_of(request)
    sets_up = may(member.role, Do.MANAGE_SITES) and first_run.begins_here(tenant.id)
    return redirect(START if sets_up else INBOX)


@transaction.atomic
def _sign_in(request: HttpRequest, tenant: TenantRef, code: SignInCode) -> None:
    """A fresh session that says which tenant it is for and which sign-in it belongs to. Raises Unauthenticated if this person was
    signed out meanwhile; once it is committed, whoever signs them out ends it like the others."""
    services.hold_door(code)
    request.session.flush()
    login(request, code.user, backend=BACKEND)
    if request.session.session_key is None:
        request.session.create()
    key = str(request.session.session_key)
    sid = code.platform_sid
    sign_in = services.record_sign_in(user_id=code.user_id, tenant_id=tenant.id, session_key=key, platform_sid=sid)
    request.session["tenant"] = str(tenant.id)
    request.session["sid"] = str(sign_in.id)


def _host_of(tenant_id: UUID, slug: str, request: HttpRequest) -> str:
    """The host that asked, if it is one of this tenant's; else the tenant's own."""
    asked = request.GET.get("host", "")
    found = tenant_for_host(asked) if asked else None
    return asked if found is not None and found.id == tenant_id else default_host(slug)


def _onward(request: HttpRequest, host: str, code: str) -> HttpResponse:
    """Back to the tenant. A domain of their own is reached by a page: `form-action` would stop a redirect."""
    onward = {"code": code, "next": _local_path(request, request.GET.get("next"))}
    url = f"{settings.SCHEME}://{host}/sign-in/code/?{urlencode(onward)}"
    if host.endswith(f".{settings.BASE_HOST}"):
        return redirect(url)
    return render(request, "tenants/onward.html", {"url": url, "host": host})


def _local_path(request: HttpRequest, path: str | None) -> str:
    """The path, if it stays on the tenant's host; else the inbox."""
    if path and path.startswith("/") and url_has_allowed_host_and_scheme(path, allowed_hosts=None):
        return path
    return INBOX


def _no_entry(request: HttpRequest, reason: str, *, status: int) -> HttpResponse:
    return render(request, "tenants/no_entry.html", {"reason": reason}, status=status)


def _user(request: HttpRequest) -> User:
    user: Any = request.user
    assert isinstance(user, User)
    return user


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """The 404 of every host: a page, or JSON under the API."""
    if request.path.startswith("/api/"):
        return json_error(NotFound("There is nothing here."))
    return render(request, "404.html", status=404)
