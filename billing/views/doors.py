"""Out of these pages and back: Stripe's portal, the way back from Checkout, taking the data along, and closing."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.shortcuts import redirect

from billing.clock import now
from billing.forms import CloseForm
from billing.services.closing import close_tenant
from billing.services.details import note_export
from billing.services.export import a_export
from billing.services.stripe.checkout import confirmed
from billing.services.stripe.customer import portal_url
from billing.views.gate import READ, Desk, page
from billing.views.pages import UNPROCESSABLE, Refusal, refuse, show, words_of
from tenants.access import Do
from tenants.selectors import platform_url


@page(*READ)
def confirming(request: HttpRequest, desk: Desk) -> HttpResponse:
    """Back from Checkout. Only what Stripe told us makes the plan; until then the page waits."""
    if confirmed(desk.id):
        messages.success(request, "It is done: the plan is yours.")
        return redirect("billing")
    return show(request, desk, "confirming", is_waiting=True)


@page(*READ)
def is_confirmed(request: HttpRequest, desk: Desk) -> HttpResponse:
    """What the waiting page asks: whether the plan is there."""
    return JsonResponse({"confirmed": confirmed(desk.id)})


@page("POST")
def portal(request: HttpRequest, desk: Desk) -> HttpResponse:
    """On to Stripe's pages for the card, the address and the tax ID."""
    try:
        return redirect(portal_url(desk.tenant, actor=desk.actor))
    except Refusal as refusal:
        messages.error(request, words_of(refusal))
        return redirect("billing")


@page("POST")
def export(request: HttpRequest, desk: Desk) -> StreamingHttpResponse:
    """Everything of the tenant, sent while it is read."""
    note_export(desk.id, actor=desk.actor)
    answer = StreamingHttpResponse(a_export(desk.id), content_type="application/zip")
    answer["Content-Disposition"] = f'attachment; filename="{desk.tenant.slug}-{now():%Y-%m-%d}.zip"'
    return answer


@page(*READ, "POST", do=Do.MANAGE_TENANT)
def close(request: HttpRequest, desk: Desk) -> HttpResponse:
    """The owner closes the tenant for good. What is still owed is paid first; rooms and files are deleted, bills are kept."""
    form = CloseForm(request.POST or None, slug=desk.tenant.slug)
    if request.method == "POST" and form.is_valid():
        try:
            close_tenant(desk.id, desk.actor)
            return redirect(platform_url("/home/"))
        except Refusal as refusal:
            refuse(form, refusal)
    return show(request, desk, "close", form=form, status=UNPROCESSABLE if form.errors else 200)
