"""Inviting somebody, sending an invitation again, withdrawing it."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from saas.core.errors import AppError
from saas.core.forms import UNPROCESSABLE
from tenants.access import Do
from tenants.authentication import member_of, tenant_of
from tenants.forms import InviteForm
from tenants.pages.desk import is_owner, page, refuse, say, show
from tenants.services import invitations


@page("GET", "HEAD", "POST", do=Do.MANAGE_PEOPLE)
def invite(request: HttpRequest) -> HttpResponse:
    """An address and a role; the mail goes out at once."""
    form = InviteForm(request.POST or None, may_make_owner=is_owner(request))
    if request.method != "POST":
        return show(request, "invite", form=form)
    if not form.is_valid():
        return show(request, "invite", form=form, status=UNPROCESSABLE)
    try:
        made = invitations.invite(tenant_of(request).id, by=member_of(request), **form.cleaned_data)
    except AppError as refusal:
        return show(request, "invite", form=form, status=refuse(form, refusal))
    messages.success(request, f"The invitation is on its way to {made.email}. Its link works for seven days.")
    return redirect("people")


@page("POST", do=Do.MANAGE_PEOPLE, back="people")
def again(request: HttpRequest, invitation_id: UUID) -> HttpResponse:
    """Send it again; the link that was sent before works no more."""
    try:
        sent = invitations.resend(tenant_of(request).id, invitation_id, by=member_of(request))
        messages.success(request, f"Sent again to {sent.email}. The link in the mail before works no more.")
    except AppError as refusal:
        say(request, refusal)
    return redirect("people")


@page("POST", do=Do.MANAGE_PEOPLE, back="people")
def withdraw(request: HttpRequest, invitation_id: UUID) -> HttpResponse:
    """Its link works no more."""
    try:
        gone = invitations.withdraw(tenant_of(request).id, invitation_id, by=member_of(request))
        messages.success(request, f"The invitation of {gone.email} is withdrawn.")
    except AppError as refusal:
        say(request, refusal)
    return redirect("people")
