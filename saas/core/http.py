"""Errors on the way to HTTP: one JSON shape, `{"error": {"code", "message", "field"?, "retry_after"?}}`."""

import json
import logging
import math
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, JsonResponse
from rest_framework import exceptions, status
from rest_framework.response import Response

from saas.core.errors import AppError, BadFrame, Forbidden, Internal, NotFound, RateLimited, TooLarge, Unauthenticated

log = logging.getLogger(__name__)


def json_error(error: AppError) -> JsonResponse:
    """The answer of a plain Django view to a refusal."""
    return JsonResponse(_body(error), status=error.status, headers=_headers(error))


async def send_error(send: Callable[[dict[str, Any]], Awaitable[None]], error: AppError) -> None:
    """The answer of an ASGI application to a refusal. Nothing happens if the client went first."""
    body = json.dumps(_body(error)).encode()
    said = {"content-type": "application/json", "content-length": str(len(body)), "cache-control": "no-store", **_headers(error)}
    lines = [(name.lower().encode(), value.encode()) for name, value in said.items()]
    try:
        await send({"type": "http.response.start", "status": error.status, "headers": lines})
        await send({"type": "http.response.body", "body": body})
    except OSError:
        pass


def exception_handler(exc: Exception, context: dict[str, Any]) -> Response:
    """DRF's exceptions and ours, in the one shape. A fault of ours is logged here and says nothing of itself outside."""
    error = _as_app_error(exc)
    if isinstance(error, Internal):
        log.error("Unhandled error in %s", context.get("view"), exc_info=exc)
    kept = exc.status_code if isinstance(exc, exceptions.APIException) else error.status
    return Response(_body(error), status=kept, headers=_headers(error))


def client_ip(request: HttpRequest) -> str:
    """The address of the client. Behind proxies of ours (TRUST_PROXY, how many) it is what the first of them wrote down."""
    return _believed(str(request.META.get("REMOTE_ADDR", "")), request.headers.get("X-Forwarded-For", ""))


def scope_ip(scope: Mapping[str, Any]) -> str:
    """The same of an ASGI scope. Headers of one name are one list (RFC 9110, section 5.3)."""
    forwarded = [value for name, value in scope["headers"] if name == b"x-forwarded-for"]
    return _believed((scope.get("client") or ("", 0))[0] or "", b",".join(forwarded).decode("latin-1"))


def _believed(peer: str, forwarded: str) -> str:
    """Each proxy adds whom it heard it from, so that what a client claims stands before what ours say."""
    if not forwarded or not settings.TRUST_PROXY:
        return peer
    said = forwarded.split(",")
    return said[-min(settings.TRUST_PROXY, len(said))].strip()


def _body(error: AppError) -> dict[str, Any]:
    said: dict[str, Any] = {"code": error.code, "message": error.message}
    if error.field:
        said["field"] = error.field
    if error.retry_after is not None:
        said["retry_after"] = error.retry_after
    return {"error": said}


def _headers(error: AppError) -> dict[str, str]:
    if error.retry_after is not None:
        return {"Retry-After": str(math.ceil(error.retry_after))}
    if error.status == status.HTTP_401_UNAUTHORIZED:
        return {"WWW-Authenticate": "Bearer"}
    return {}


def _as_app_error(exc: Exception) -> AppError:  # noqa: C901 - one line for each kind of exception
    match exc:
        case AppError():
            return exc
        case exceptions.ValidationError():
            return _first_of(exc.detail)
        case exceptions.NotAuthenticated() | exceptions.AuthenticationFailed():
            return Unauthenticated("Sign in first.")
        case exceptions.PermissionDenied() | PermissionDenied():
            return Forbidden("You may not do this.")
        case exceptions.NotFound() | Http404():
            return NotFound("There is nothing here.")
        case exceptions.Throttled():
            return RateLimited("That was too often; wait a moment.", retry_after=getattr(exc, "wait", None) or 1)
        case exceptions.APIException() if exc.status_code == status.HTTP_413_REQUEST_ENTITY_TOO_LARGE:
            return TooLarge("The request is too large.")
        case exceptions.APIException() if exc.status_code < status.HTTP_500_INTERNAL_SERVER_ERROR:
            return BadFrame(str(exc.detail))  # another method or media type; keeps its own status
    return Internal("Something went wrong on our side; nothing was stored.")


def _first_of(detail: Any, field: str | None = None) -> AppError:
    """The first complaint of a serializer, with the field it is about."""
    if isinstance(detail, dict):
        name, inner = next(iter(detail.items()))
        return _first_of(inner, field if name == "non_field_errors" else str(name))
    if isinstance(detail, list):
        return _first_of(detail[0], field)
    return BadFrame(str(detail), field=field)
