"""No text of ours holds a NUL, since PostgreSQL stores none: who sends one is told so before a page looks for it."""

from collections.abc import Callable
from typing import Any, Final

from django.http import HttpRequest, HttpResponse, UnreadablePostError

from saas.core.errors import BadFrame
from saas.core.http import json_error

NUL: Final = "\0"
OF_PROGRAMS: Final = ("/api/", "/w/")  # where errors are JSON


class NulMiddleware:
    """Answers 400 where the path, the query, a cookie or a field of a form holds a NUL. JSON is for its views to refuse."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        where = _where(request)
        return _refusal(request, where) if where else self._get_response(request)

    def process_view(self, request: HttpRequest, view: Any, *_args: Any) -> HttpResponse | None:
        """A form, which the CSRF check reads next. What is exempt of that reads its body itself."""
        if request.method != "POST" or getattr(view, "csrf_exempt", False):
            return None
        try:
            fields = request.POST.lists()
        except UnreadablePostError:  # the client went away
            return None
        name = next((name for name, values in fields if NUL in name or any(NUL in value for value in values)), None)
        return None if name is None else _refusal(request, f"The field {name!r}")


def _where(request: HttpRequest) -> str:
    """What of the address or the cookies holds one, in words; empty if nothing does."""
    asked: str = request.META.get("QUERY_STRING", "")
    if NUL in request.path:
        return "The path of this address"
    if "%00" in asked or NUL in asked:
        return "The query of this address"
    return "A cookie" if any(NUL in value for value in request.COOKIES.values()) else ""


def _refusal(request: HttpRequest, where: str) -> HttpResponse:
    words = f"{where} holds a NUL character (%00), which is refused. Nothing was stored."
    if request.path.startswith(OF_PROGRAMS):
        return json_error(BadFrame(words))
    return HttpResponse(words, status=BadFrame.status, content_type="text/plain; charset=utf-8")
