"""Pages of the console for those of the staff who may do something (billing/roles.py)."""

from collections.abc import Callable
from functools import wraps

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse

from billing.roles import StaffMay, may

View = Callable[..., HttpResponse]


def for_staff_who(what: StaffMay) -> Callable[[View], View]:
    """A page for those who may."""

    def gate(view: View) -> View:
        @wraps(view)
        def gated(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
            if not may(request.user, what):  # type: ignore[arg-type]  # admin_view lets nobody else in
                raise PermissionDenied
            return view(request, *args, **kwargs)

        return gated

    return gate
