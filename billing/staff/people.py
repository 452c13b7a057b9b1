"""People who cannot come in: found by their address, and helped where all that proves who they are is lost."""

from typing import Any, cast
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from billing.models import FactorRemoval
from billing.selectors.staff.people import MOST, Person, find_people, person, removals_waiting
from billing.services import second_factors
from billing.staff.forms import RemovalForm
from billing.staff.lists import page_of
from billing.staff.roles import StaffMay, for_staff_who, may
from billing.staff.tables import BAD, GOOD, PLAIN, WARN, Cell, Table, label, moment, number, show
from saas.core.errors import AppError, NotFound
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
    return show(request, "people", "Help with signing in", can=_may_help(request), **context)


@for_staff_who(StaffMay.LOOK)
def one(request: HttpRequest, user_id: UUID) -> HttpResponse:
    """What somebody belongs to, and how they prove who they are."""
    return _page(request, _person(user_id), RemovalForm())


@require_POST
@for_staff_who(StaffMay.HELP_IN)
def ask(request: HttpRequest, user_id: UUID) -> HttpResponse:
    """Ask for their second factors to go."""
    shown, form = _person(user_id), RemovalForm(request.POST)
    if not form.is_valid():
        return _page(request, shown, form, status=422)
    try:
        second_factors.ask(user_id, by=_staff(request), **form.cleaned_data)
    except AppError as error:
        is_of_field = error.field in form.fields
        form.add_error(error.field if is_of_field else None, error.message)
        return _page(request, shown, form, status=422 if is_of_field else error.status)
    messages.success(request, "Asked. Nothing is taken away before somebody else of the staff approves it here.")
    return redirect("admin:person", user_id)


@require_POST
@for_staff_who(StaffMay.HELP_IN)
def settle(request: HttpRequest, removal_id: UUID, verdict: str) -> HttpResponse:
    """Approve or decline what somebody else asked for; one's own may be taken back."""
    try:
        if verdict == "approve":
            done = second_factors.approve(removal_id, by=_staff(request))
            words = f"Taken away: {', '.join(done.removed)}. {done.user.email} is signed out everywhere and reads it by mail."
        else:
            done = second_factors.decline(removal_id, by=_staff(request), reason=request.POST.get("reason", ""))
            words = f"Declined. {done.user.email} keeps their second factor."
        messages.success(request, words)
    except NotFound as nowhere:
        raise Http404 from nowhere
    except AppError as error:
        messages.error(request, error.message)
    return redirect(_back(removal_id))


def _page(request: HttpRequest, shown: Person, form: RemovalForm, status: int = 200) -> HttpResponse:
    user, waiting = shown.user, shown.waiting
    return show(
        request,
        "person",
        str(user),
        status=status,
        person=shown,
        form=form,
        can=_may_help(request),
        waiting=[waiting] if waiting else [],
        tenants=Table("tenants", TENANTS, [_membership(row) for row in shown.memberships], empty="They belong to no tenant."),
        factors=Table("factors", FACTORS, [_factor(row) for row in shown.factors], empty="The password alone lets them in."),
        removals=Table("removals", REMOVALS, [_removal(row) for row in shown.removals], empty="Nobody asked for this yet."),
    )


def _person(user_id: UUID) -> Person:
    found = person(user_id)
    if found is None:
        raise Http404
    return found


def _back(removal_id: UUID) -> str:
    user_id = FactorRemoval.objects.filter(id=removal_id).values_list("user_id", flat=True).first()
    return reverse("admin:person", args=[user_id])


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
