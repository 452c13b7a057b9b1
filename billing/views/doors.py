"""Out of these pages and back: Stripe's portal, the way back from Checkout, and the tenant's data."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.shortcuts import redirect

from billing.clock import now
from billing.services.details import note_export
from billing.services.export import a_export
from billing.services.stripe.checkout import confirmed
from billing.services.stripe.customer import portal_url
from billing.views.gate import READ, Desk, page
from billing.views.pages import Refusal, show, words_of


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
