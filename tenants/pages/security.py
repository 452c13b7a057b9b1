"""Where a person is signed in, and a second factor that a tenant asks for: on the platform's host."""

from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import cast
from uuid import UUID

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes import views as codes
from allauth.mfa.totp.views import activate_totp
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import IntegrityError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from saas.core.errors import NotFound
from tenants import people, services
from tenants.browser import sid_of
from tenants.models import User
from tenants.resolve import membership_for
from tenants.selectors import has_second_factor, tenant_by_slug, tenant_url
from tenants.token_keys import Unreadable

WANTED = "wanted"  # where the session keeps which tenant waits for a second factor: its name and slug


@never_cache
@require_GET
@login_required
def sessions(request: HttpRequest) -> HttpResponse:
    """Every place where this person is signed in."""
    user = _user(request)
    return render(request, "people/sessions.html", {"spots": people.spots_of(user, sid_of(request, user))})


@require_POST
@login_required
def end_session(request: HttpRequest, sid: UUID) -> HttpResponse:
    """Sign out of one place."""
    try:
        services.end_one(_user(request), sid)
        messages.success(request, "Signed out there.")
    except NotFound as nowhere:
        messages.error(request, nowhere.message)
    return redirect("sessions")


@require_POST
@login_required
def end_other_sessions(request: HttpRequest) -> HttpResponse:
    """Sign out everywhere but here."""
    user = _user(request)
    services.end_others(user, but=sid_of(request, user))
    messages.success(request, "Signed out everywhere else.")
    return redirect("sessions")


def set_up_app(request: HttpRequest) -> HttpResponse:
    """allauth's page of an authenticator app, for which it does not see that its form was sent twice at the same moment."""
    try:
        answer: HttpResponse = activate_totp(request)
    except IntegrityError:
        if not Authenticator.objects.filter(user=_user(request), type=Authenticator.Type.TOTP).exists():
            raise
        return redirect("mfa_index")  # the other one was faster: this page says what is set up by now
    return answer


def readable(page: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """A page of allauth's of recovery codes, for which it does not see that nobody can read them any more."""

    @wraps(page)
    def shown(request: HttpRequest) -> HttpResponse:
        try:
            return page(request)
        except Unreadable:
            return render(request, "mfa/recovery_codes/unreadable.html", status=HTTPStatus.GONE)

    return shown


recovery_codes = readable(codes.view_recovery_codes)
make_recovery_codes = readable(codes.generate_recovery_codes)
download_recovery_codes = readable(codes.download_recovery_codes)


@never_cache
@require_GET
@login_required
def needed(request: HttpRequest) -> HttpResponse:
    """A tenant asks for a second factor: the way to one, and back once it is there."""
    user = _user(request)
    slug = request.GET.get("tenant") or request.session.get(WANTED, {}).get("slug", "")
    tenant = tenant_by_slug(slug)
    if tenant is None or membership_for(tenant.id, user.id) is None:
        return redirect("home")
    if has_second_factor(user.id):
        request.session.pop(WANTED, None)
        return redirect(tenant_url(tenant.slug, "/sign-in/"))
    request.session[WANTED] = {"slug": tenant.slug, "name": tenant.name}
    unverified = EmailAddress.objects.filter(user=user, verified=False).order_by("-primary", "id").first()  # allauth asks for all
    return render(request, "people/needed.html", {"wanted": tenant, "unverified": unverified})


def _user(request: HttpRequest) -> User:
    return cast(User, request.user)
