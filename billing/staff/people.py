"""People who cannot come in: found by their address, and helped where all that proves who they are is lost."""

from typing import Any, cast
from uuid import UUID

from django.contrib import messages
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from billing.models import FactorRemoval
from billing.roles import StaffMay, may
from billing.selectors.staff.people import MOST, Person, find_people, person
from billing.selectors.staff.removals import removals_waiting
from billing.services import second_factors
from billing.staff.forms import DeclineForm, RemovalForm
from billing.staff.lists import page_of
from billing.staff.roles import for_staff_who
from billing.staff.tables import BAD, GOOD, PLAIN, WARN, Cell, Table, label, moment, number, show
from saas.core.errors import AppError
from saas.core.forms import UNPROCESSABLE
from tenants.models import Membership, User
from tenants.selectors import Factor, user_by_email


@for_staff_who(StaffMay.LOOK)
def people(request: HttpRequest) -> HttpResponse:
    """A search. An address as it is leads to its person; what waits for a second person stands above."""
    words = request.GET.get("q", "").strip()[:254]
    whose = user_by_email(words) if "@" in words else None
    if whose is not None and not request.GET.get("csv"):
        return redirect("admin:person", whose.id)
    rows = find_people(words) if words else []
    columns = ("Name", "Address", "Two-factor", "Signed in last", "Tenants")
    table = Table("people", columns, [_found(row) for row in rows], empty=f"Nobody has {words} in their address or name.")
    context: dict[str, Any] = {"words": words, "table": table, "is_cut": len(rows) == MOST, "waiting": removals_waiting()}
    decline = DeclineForm(auto_id=False)
    return show(request, "people", "Help with signing in", can=_may_help(request), decline=decline, **context)


@for_staff_who(StaffMay.LOOK)
def one(request: HttpRequest, user_id: UUID) -> HttpResponse:
    """What somebody belongs to, and how they prove who they are."""
    return _page(request, user_id)


@require_POST
@for_staff_who(StaffMay.HELP_IN)
def ask(request: HttpRequest, user_id: UUID) -> HttpResponse:
    """Ask for their second factors to go."""
    form = RemovalForm(request.POST)
    if not form.is_valid():
        return _page(request, user_id, form=form, status=UNPROCESSABLE)
    try:
        second_factors.ask(user_id, by=_staff(request), **form.cleaned_data)
    except AppError as error:
        status = form.refuse(error)
        return _page(request, user_id, form=form, status=status)
    messages.success(request, "Asked. Nothing is taken away before somebody else of the staff approves it here.")
    return redirect("admin:person", user_id)


@require_POST
@for_staff_who(StaffMay.HELP_IN)
def approve(request: HttpRequest, removal_id: UUID) -> HttpResponse:
    """Do what somebody else asked for."""
    user_id = _whose(removal_id)
    try:
        done = second_factors.approve(removal_id, by=_staff(request))
        gone = ", ".join(done.removed)
        messages.success(request, f"Taken away: {gone}. {done.user.email} is signed out everywhere and reads it by mail.")
    except AppError as error:
        messages.error(request, error.message)
    return redirect("admin:person", user_id)


@require_POST
@for_staff_who(StaffMay.HELP_IN)
def decline(request: HttpRequest, removal_id: UUID) -> HttpResponse:
    """Say no to what was asked for; one's own may be taken back."""
    user_id, form = _whose(removal_id), DeclineForm(request.POST, auto_id=False)
    if not form.is_valid():
        return _page(request, user_id, decline=form, status=UNPROCESSABLE)
    try:
        done = second_factors.decline(removal_id, by=_staff(request), reason=form.cleaned_data["reason"])
        messages.success(request, f"Declined. {done.user.email} keeps their second factor.")
    except AppError as error:
        messages.error(request, error.message)
    return redirect("admin:person", user_id)


def _page(request: HttpRequest, user_id: UUID, *, status: int = 200, **forms: Form) -> HttpResponse:
    """With `form`, which asks, and `decline` as they were filled in. Links lead to the page itself, whatever form was sent."""
    shown = _person(user_id)
    said: dict[str, Any] = {"form": RemovalForm(), "decline": DeclineForm(auto_id=False), "can": _may_help(request), **forms}
    at = reverse("admin:person", args=(user_id,))
    waiting = [shown.waiting] if shown.waiting else []
    return show(request, "person", str(shown.user), status=status, at=at, person=shown, waiting=waiting, **said, **_tables(shown))


def _tables(shown: Person) -> dict[str, Table]:
    return {
        "tenants": Table("tenants", TENANTS, [_membership(row) for row in shown.memberships], empty="They belong to no tenant."),
        "factors": Table("factors", FACTORS, [_factor(row) for row in shown.factors], empty="The password alone lets them in."),
        "removals": Table("removals", REMOVALS, [_removal(row) for row in shown.removals], empty="Nobody asked for this yet."),
    }


def _person(user_id: UUID) -> Person:
    found = person(user_id)
    if found is None:
        raise Http404
    return found


def _whose(removal_id: UUID) -> UUID:
    user_id: UUID | None = FactorRemoval.objects.filter(id=removal_id).values_list("user_id", flat=True).first()
    if user_id is None:
        raise Http404
    return user_id


def _staff(request: HttpRequest) -> User:
    return cast(User, request.user)


def _may_help(request: HttpRequest) -> bool:
    return may(_staff(request), StaffMay.HELP_IN)


def _found(row: Any) -> list[Cell]:
    return [
        Cell(row.name, href=reverse("admin:person", args=[row.id])),
        Cell(row.email),
        Cell("yes", tone=GOOD) if row.is_secured else Cell("no", tone=PLAIN),
        moment(row.last_login),
        number(row.tenants),
    ]


def _membership(row: Membership) -> list[Cell]:
    return [
        Cell(row.tenant.name, href=page_of(row.tenant_id)),
        Cell(row.get_role_display()),
        Cell("disabled", tone=BAD) if row.disabled_at else Cell("active", tone=GOOD),
        Cell("asked for", tone=WARN) if row.tenant.needs_two_factor else Cell("their own choice", tone=PLAIN),
        moment(row.created_at),
    ]


def _factor(row: Factor) -> list[Cell]:
    return [Cell(row.what.capitalize()), moment(row.since), moment(row.used_at)]


def _removal(row: FactorRemoval) -> list[Cell]:
    return [
        moment(row.requested_at),
        label(row.status),
        Cell(row.reason),
        Cell(row.requested_by.email),
        Cell(row.settled_by.email if row.settled_by else ""),
        moment(row.settled_at),
        Cell(row.answer or ", ".join(row.removed)),
    ]


TENANTS = ("Tenant", "Role", "State", "Two-factor", "Member since")
FACTORS = ("What", "Set up", "Used last")
REMOVALS = ("Asked at", "State", "Why", "Asked by", "Settled by", "Settled at", "What came of it")
