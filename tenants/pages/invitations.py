"""Accepting an invitation, on the platform's host: by signing up, or as who signs in with the address already."""

from http import HTTPStatus
from urllib.parse import urlencode

from allauth.account.utils import perform_login
from django.db import IntegrityError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from saas.core.errors import AppError, RateLimited
from saas.core.forms import UNPROCESSABLE
from saas.core.http import client_ip
from saas.core.ratelimit import PLATFORM, check
from tenants import limits
from tenants.forms import JoinForm
from tenants.models import Invitation, Tenant, User
from tenants.selectors import tenant_url, user_by_email
from tenants.services import invitations


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def invitation(request: HttpRequest, code: str) -> HttpResponse:
    """What the link of a mail opens. A GET changes nothing: mail programs look at links, too."""
    try:
        check(limits.ACCEPT_IP, PLATFORM, client_ip(request))
    except RateLimited as refusal:
        return _page(request, None, refusal=refusal.message, status=refusal.status)
    found = invitations.invitation_for(code)
    if found is None or (why := _why_not(found)):
        why = "The link is not complete, or a newer one was sent after it." if found is None else why
        return _page(request, found, refusal=why, status=HTTPStatus.GONE)
    holder = user_by_email(found.email)
    if holder is None and not request.user.is_authenticated:
        return _join(request, found, code)
    if holder is None or holder != request.user:
        return _page(request, found, holder=holder, sign_in=f"/sign-in/?{urlencode({'next': request.path})}")
    return _accept(request, found, code, holder)


def _join(request: HttpRequest, found: Invitation, code: str) -> HttpResponse:
    """Somebody new: their name and password."""
    form = JoinForm(request.POST or None, invited=found.email)
    if request.method != "POST":
        return _page(request, found, form=form)
    if not form.is_valid():
        return _page(request, found, form=form, status=UNPROCESSABLE)
    try:
        member = invitations.accept_as_new(code, **form.cleaned_data)
    except IntegrityError:  # they signed up in another tab, just now
        return redirect(request.path)
    except AppError as refusal:
        form.add_error(None, refusal.message)
        return _page(request, found, form=form, status=refusal.status)
    answer: HttpResponse = perform_login(
        request, member.user, email_verification="optional", redirect_url=_into(found.tenant), signup=True
    )
    return answer


def _accept(request: HttpRequest, found: Invitation, code: str, user: User) -> HttpResponse:
    """Somebody who signs in with this address: a button."""
    if request.method != "POST":
        return _page(request, found, may_accept=True)
    try:
        invitations.accept(code, user)
    except AppError as refusal:
        return _page(request, found, refusal=refusal.message, status=refusal.status)
    return redirect(_into(found.tenant))


def _why_not(found: Invitation) -> str:
    """Why this invitation takes nobody in; empty if it does."""
    if found.accepted_at is not None:
        return "It was accepted already. If that was you, sign in."
    if found.withdrawn_at is not None:
        return "It was withdrawn."
    if found.expires_at <= timezone.now():
        return "It has run out: an invitation works for seven days."
    return "" if found.tenant.status == Tenant.Status.ACTIVE else f"{found.tenant.name} is not open at the moment."


def _into(tenant: Tenant) -> str:
    return tenant_url(tenant.slug, f"/sign-in/?{urlencode({'next': '/inbox/'})}")


def _page(request: HttpRequest, found: Invitation | None, *, status: int = 200, **context: object) -> HttpResponse:
    """The page, which tells no other site where its reader came from: the address holds the code."""
    answer = render(request, "people/invitation.html", {"invitation": found, "form": None, **context}, status=status)
    answer.headers["Referrer-Policy"] = "same-origin"  # not no-referrer, under which a form's own Origin is hidden from us, too
    return answer
