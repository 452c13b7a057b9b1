"""Who is muted or banned, in all rooms."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from chat.pages.rooms.desk import page
from chat.selectors.places import restrained
from chat.services.ends import for_good
from chat.services.members import restraints_of
from saas.core.paging import numbered
from saas.core.seen import mark_of
from tenants.access import Do
from tenants.authentication import tenant_of
from tenants.context import in_tenant


@page("GET", "HEAD", do=Do.MODERATE)
def people(request: HttpRequest) -> HttpResponse:
    """Each with what is in force, until when, and the way to end it."""
    named = request.GET.get("named", "").strip()[:80]
    with in_tenant(tenant_of(request)):
        found = numbered(restrained(named=named), request.GET)
    places = [(place, mark_of(restraints_of(place))) for place in found.rows]
    context = {"section": "moderation", "page": found, "places": places, "named": named}
    context |= {"now": timezone.now(), "for_good": for_good()}
    return render(request, "moderation/people.html", context)
