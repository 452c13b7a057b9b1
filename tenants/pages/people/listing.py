"""The list of members, with who is invited, and the page of roles."""

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from saas.core.paging import numbered
from tenants import people
from tenants.access import Do, may
from tenants.authentication import member_of, tenant_of
from tenants.models import Role
from tenants.pages.desk import page, show


@page("GET", "HEAD", do=Do.READ_ROOMS)
def listing(request: HttpRequest) -> HttpResponse:
    """Everybody in the team; who may change people also sees who is invited."""
    tenant, asked = tenant_of(request), request.GET
    chosen = {name: asked.get(name, "").strip() for name in ("text", "role", "state")}
    manages = may(member_of(request).role, Do.MANAGE_PEOPLE)
    return show(
        request,
        "list",
        page=numbered(people.members_page(tenant.id, **chosen), asked),
        invited=numbered(people.invitations_open(tenant.id), asked, name="invited") if manages else None,
        chosen=chosen,
        is_filtered=any(chosen.values()),
        roles=Role,
        states=people.STATES,
        now=timezone.now(),
    )


@page("GET", "HEAD", do=Do.READ_ROOMS)
def roles(request: HttpRequest) -> HttpResponse:
    """What each role may do: the table that the code asks."""
    return show(request, "roles", roles=Role, rows=people.roles_table())
