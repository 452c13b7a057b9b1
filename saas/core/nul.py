"""No text of ours holds a NUL, since PostgreSQL stores none: who sends one is told so before a page looks for it."""

from collections.abc import Callable, Iterable
from typing import Any, Final

from django.http import HttpRequest, HttpResponse, UnreadablePostError

from saas.core.errors import BadFrame
from saas.core.http import json_error

NUL: Final = "\0"
OF_PROGRAMS: Final = ("/api/", "/w/")  # where errors are JSON, and an id of any shape that is nobody's is not found
READS_ITSELF: Final = "/staff/"  # pages that read fields without a form, which would say it beside the field


class NulMiddleware:
    """Answers 400 where the path, the query or a cookie holds a NUL. Forms and bodies of JSON refuse it in their own words."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if NUL in request.path and not request.path.startswith(OF_PROGRAMS):
            return _refusal(request, "The path of this address")
        if (name := _holder(request.GET.lists())) is not None:
            return _refusal(request, f"{name!r} in this address", field=name)
        if (name := _holder((name, [value]) for name, value in request.COOKIES.items())) is not None:
            return _refusal(request, f"The cookie {name!r}")
        return self._get_response(request)

    def process_view(self, request: HttpRequest, *_view: Any) -> HttpResponse | None:
        """The fields of the staff console, which the check against forgery reads next."""
        if request.method != "POST" or not request.path.startswith(READS_ITSELF):
            return None
        try:
            name = _holder(request.POST.lists())
        except UnreadablePostError:  # the client went away
            return None
        return None if name is None else _refusal(request, f"The field {name!r}")


def _holder(pairs: Iterable[tuple[str, list[Any]]]) -> str | None:
    """The first name that holds one itself, or with a value of its."""
    return next((name for name, values in pairs if any(NUL in text for text in (name, *values))), None)


def _refusal(request: HttpRequest, where: str, *, field: str | None = None) -> HttpResponse:
    words = f"{where} holds a NUL character (%00), which is refused. Nothing was stored."
    if request.path.startswith(OF_PROGRAMS):
        return json_error(BadFrame(words, field=field))
    return HttpResponse(words, status=BadFrame.status, content_type="text/plain; charset=utf-8")
