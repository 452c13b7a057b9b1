"""One member: their role, where they are signed in, and the ways out."""

from typing import Any, Final
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from saas.core import registry
from saas.core.errors import AppError
from saas.core.forms import UNPROCESSABLE
from tenants import people, services
from tenants.access import Do, may_change_member
from tenants.authentication import member_of, tenant_of
from tenants.forms import LeaveForm, RoleForm
from tenants.models import Membership, Role
from tenants.pages.desk import is_owner, member_on, page, refuse, say, show, who_changed
from tenants.services.members import values_of

CHANGES: Final = ("member.role_changed", "member.disabled", "member.enabled")  # of what the forms here show


@page("GET", "HEAD", "POST", do=Do.MANAGE_PEOPLE, back="people")
def person(request: HttpRequest, member_id: UUID) -> HttpResponse:
    """Who they are, and a form of their role."""
    shown = member_on(request, member_id)
    form = RoleForm(request.POST or None, shown=values_of(shown), may_make_owner=is_owner(request))
    if request.method != "POST":
        return _person(request, shown, form)
    if not form.is_valid():
        return _person(request, shown, form, status=UNPROCESSABLE)
    try:
        given = services.change_role(shown, form.cleaned_data["role"], by=member_of(request), seen=form.cleaned_data["seen"])
    except AppError as refusal:
        status = refuse(form, refusal, by=who_changed(request, "member", shown.user_id, *CHANGES))
        return _person(request, member_on(request, member_id), form, status=status)
    role = Role(shown.role).label.lower()
    messages.success(request, f"{shown.user} is {role} now. They sign in anew." if given else f"{shown.user} is {role} already.")
    return redirect("person", member_id=member_id)


@page("GET", "HEAD", "POST", do=Do.MANAGE_PEOPLE, back="people")
def disable(request: HttpRequest, member_id: UUID) -> HttpResponse:
    """Out at once, and to be let in again at any time."""
    return _leave(request, member_id, "disable", services.disable)


@page("GET", "HEAD", "POST", do=Do.MANAGE_PEOPLE, back="people")
def remove(request: HttpRequest, member_id: UUID) -> HttpResponse:
    """Out for good, unless they are invited again."""
    return _leave(request, member_id, "remove", services.remove)


@page("POST", do=Do.MANAGE_PEOPLE, back="people")
def enable(request: HttpRequest, member_id: UUID) -> HttpResponse:
    """In again, in their old role."""
    shown = member_on(request, member_id)
    try:
        services.enable(shown, by=member_of(request))
        messages.success(request, f"{shown.user} may come in again, as {shown.get_role_display().lower()}.")
    except AppError as refusal:
        say(request, refusal)
    return redirect("person", member_id=member_id)


@page("POST", do=Do.MANAGE_PEOPLE, back="people")
def end_sign_ins(request: HttpRequest, member_id: UUID) -> HttpResponse:
    """Sign them out of this tenant: of one place that the form names, or of all."""
    shown = member_on(request, member_id)
    sid = _uuid(request.POST.get("sid", ""))
    try:
        services.end_of_member(tenant_of(request).id, shown.user, by=member_of(request), sid=sid)
        messages.success(request, f"{shown.user} is signed out {'there' if sid else 'everywhere'}.")
    except AppError as refusal:
        say(request, refusal)
    return redirect("person", member_id=member_id)


def _leave(request: HttpRequest, member_id: UUID, act: str, service: Any) -> HttpResponse:
    """Ask first, with what is handed on in numbers; then do it."""
    shown, tenant = member_on(request, member_id), tenant_of(request)
    heirs = people.heirs_of(tenant.id, shown.user_id)
    form = LeaveForm(request.POST or None, shown=values_of(shown), initial={}, heirs=heirs)
    status = 200 if request.method != "POST" else UNPROCESSABLE
    if request.method == "POST" and form.is_valid():
        try:
            gone = service(shown, by=member_of(request), heir=form.cleaned_data["heir"], seen=form.cleaned_data["seen"])
        except AppError as refusal:
            status = refuse(form, refusal, by=who_changed(request, "member", shown.user_id, *CHANGES))
        else:
            messages.success(request, _said(gone, act))
            return redirect("people")
    held = sum(registry.rooms_held(tenant=tenant, user_id=shown.user_id))
    places = people.spots_in_tenant(tenant.id, shown.user_id).total
    return show(request, "leave", status=status, person=shown, act=act, form=form, counts=_counts(held, places))


def _person(request: HttpRequest, shown: Membership, form: RoleForm, status: int = 200) -> HttpResponse:
    mine = member_of(request)
    is_me, may_change = shown.user_id == mine.user_id, may_change_member(mine.role, shown.role)
    context: dict[str, Any] = {
        "person": shown,
        "form": form,
        "is_me": is_me,
        "may_change": may_change and not is_me,
        "may_sign_out": may_change or is_me,
        "spots": people.spots_in_tenant(tenant_of(request).id, shown.user_id),
    }
    return show(request, "person", status=status, **context)


def _counts(held: int, places: int) -> list[tuple[int, str]]:
    rooms = "open room they hold" if held == 1 else "open rooms they hold"
    return [(held, rooms), (places, "place where they are signed in" if places == 1 else "places where they are signed in")]


def _said(gone: services.Gone, act: str) -> str:
    rooms = "" if not gone.rooms else " One room was handed on." if gone.rooms == 1 else f" {gone.rooms} rooms were handed on."
    void = " Open invitations to them are withdrawn." if gone.invitations else ""
    return f"{gone.name} is {'disabled' if act == 'disable' else 'removed'}, and out everywhere.{rooms}{void}"


def _uuid(text: str) -> UUID | None:
    """What the form names; a text that is no id is nobody's place."""
    if not text:
        return None
    try:
        return UUID(text)
    except ValueError:
        return UUID(int=0)
