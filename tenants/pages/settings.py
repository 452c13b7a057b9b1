"""A tenant's settings: its name, how its people sign in, and who owns it."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from saas.core.errors import AppError
from saas.core.forms import UNPROCESSABLE, SeenForm
from tenants import people, services
from tenants.access import Do
from tenants.authentication import member_of, tenant_of
from tenants.forms import NameForm, SecurityForm, TransferForm
from tenants.models import Tenant
from tenants.pages.desk import is_owner, page, refuse, show, who_changed
from tenants.selectors import has_second_factor, tenant_url


@page("GET", "HEAD", do=Do.MANAGE_PEOPLE, to_change=Do.MANAGE_TENANT)
def settings(request: HttpRequest) -> HttpResponse:
    """All of it on one page; admins read, owners change."""
    return _settings(request)


@page("POST", do=Do.MANAGE_TENANT)
def rename(request: HttpRequest) -> HttpResponse:
    """Another name, for everybody at once; the address stays."""
    form = _name_form(request, request.POST)
    if form.is_valid():
        try:
            services.rename_tenant(tenant_of(request).id, by=member_of(request), **_said(form, "name"))
        except AppError as refusal:
            return _settings(request, name=form, status=_refuse(request, form, refusal, "tenant.renamed"))
        messages.success(request, f"The name is {form.cleaned_data['name']} now.")
        return redirect("settings")
    return _settings(request, name=form, status=UNPROCESSABLE)


@page("POST", do=Do.MANAGE_TENANT)
def security(request: HttpRequest) -> HttpResponse:
    """Ask everybody for two-factor, or ask no more."""
    form = _security_form(request, request.POST)
    if form.is_valid():
        try:
            without = services.change_security(tenant_of(request).id, by=member_of(request), **_said(form, "needs_two_factor"))
        except AppError as refusal:
            status = _refuse(request, form, refusal, "tenant.security_changed")
            return _settings(request, security=form, status=status)
        messages.success(request, _kept(form.cleaned_data["needs_two_factor"], without))
        return redirect("settings")
    return _settings(request, security=form, status=UNPROCESSABLE)


@page("POST", do=Do.MANAGE_TENANT)
def transfer(request: HttpRequest) -> HttpResponse:
    """Hand over to another member. Both sign in anew."""
    form = _transfer_form(request, request.POST)
    if form.is_valid():
        try:
            heir = services.transfer(tenant_of(request).id, by=member_of(request), to=form.cleaned_data["heir"])
        except AppError as refusal:
            return _settings(request, transfer=form, status=refuse(form, refusal))
        return show(request, "handed_over", section="settings", heir=heir)
    return _settings(request, transfer=form, status=UNPROCESSABLE)


def _settings(request: HttpRequest, *, status: int = 200, **refused: Any) -> HttpResponse:
    tenant = tenant_of(request)
    forms = {
        "name": refused.get("name") or _name_form(request),
        "security": refused.get("security") or _security_form(request),
        "transfer": refused.get("transfer") or _transfer_form(request),
    }
    context = {
        "forms": forms,
        "may_change": is_owner(request),
        "address": tenant_url(tenant.slug, "/inbox/"),
        "without": people.without_factor(tenant.id),
        "has_factor": has_second_factor(member_of(request).user_id),
        "candidates": people.candidates(tenant.id, member_of(request)),
        "needs_two_factor": _stored(request).needs_two_factor,
    }
    return show(request, "settings", section="settings", status=status, **context)


def _refuse(request: HttpRequest, form: SeenForm, refusal: AppError, act: str) -> int:
    return refuse(form, refusal, by=who_changed(request, "tenant", tenant_of(request).id, act))


def _stored(request: HttpRequest) -> Tenant:
    found: Tenant = Tenant.objects.get(id=tenant_of(request).id)  # as it is, and not as this process remembers it
    return found


def _name_form(request: HttpRequest, data: Any = None) -> NameForm:
    return NameForm(data, shown={"name": _stored(request).name}, auto_id="name_%s")


def _security_form(request: HttpRequest, data: Any = None) -> SecurityForm:
    return SecurityForm(data, shown={"needs_two_factor": _stored(request).needs_two_factor}, auto_id="security_%s")


def _transfer_form(request: HttpRequest, data: Any = None) -> TransferForm:
    tenant = tenant_of(request)
    return TransferForm(data, heirs=people.candidates(tenant.id, member_of(request)), slug=tenant.slug, auto_id="transfer_%s")


def _said(form: NameForm | SecurityForm, field: str) -> dict[str, Any]:
    return {field: form.cleaned_data[field], "seen": form.cleaned_data["seen"]}


def _kept(needs: bool, without: int) -> str:  # noqa: FBT001 - the one thing that is said
    if not needs:
        return "Two-factor is everybody's own choice again."
    if not without:
        return "Everybody needs two-factor from now on. All of your people have it already."
    return f"Everybody needs two-factor from now on. {without} of your people must set it up before anything opens for them."
