"""Loading sample data, and taking it out again: two buttons of the first run."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from chat.services.sample import load_sample, remove_sample
from saas.core.errors import AppError
from tenants.access import Do
from tenants.authentication import agent_of, tenant_of
from tenants.permissions import needs


@needs(Do.MANAGE_ROOMS)
@require_POST
def load(request: HttpRequest) -> HttpResponse:
    """Put it in. Twice is once."""
    try:
        loaded = load_sample(tenant_of(request), agent_of(request))
    except AppError as refusal:
        messages.error(request, refusal.message)
    else:
        messages.success(request, f"Loaded: {loaded.rooms} rooms with {loaded.messages} messages of {loaded.people} visitors.")
    return redirect("start")


@needs(Do.MANAGE_ROOMS)
@require_POST
def remove(request: HttpRequest) -> HttpResponse:
    """Take all of it out."""
    gone = remove_sample(tenant_of(request), agent_of(request))
    if gone.is_loaded:
        messages.success(request, f"Removed: {gone.rooms} rooms with {gone.messages} messages of {gone.people} visitors.")
    return redirect("start")
