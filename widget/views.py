"""The widget host: the loader, and for each embed key its config, its frame and its sessions.

Everything here is asked for by other people's pages, so each answer says who may use it: the loader and the config anybody, the
frame the site's own pages, a session only our own frame.
"""

import gzip
import hashlib
from collections.abc import Callable
from functools import lru_cache, wraps
from pathlib import Path
from typing import Any, Final

from django.contrib.staticfiles import finders
from django.http import HttpRequest, HttpResponse, HttpResponseNotModified, JsonResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from chat.hours import Outlook, outlook
from chat.looks import ICONS
from chat.origins import is_pattern
from chat.realtime.presence import agents_here
from chat.realtime.protocol.codes import MAX_TEXT
from chat.services.logos import read_logo
from saas.core.errors import AppError, BadFrame, NotFound, TooLarge
from saas.core.http import client_ip, json_error
from saas.core.ratelimit import check
from widget import limits
from widget.authentication import refuse_other_origins, widget_origin
from widget.services import Embed, Started, active_embed_for, embed_for, read_session_request, real_embed_for, start_session

View = Callable[..., HttpResponse]

LOADER: Final = "built/porchlight.js"
CONFIG_LIFE: Final = 60  # seconds that a browser may keep a config
COOKIE: Final = "__Host-v"  # in full with the end of the site's id, so that the sites that one page embeds keep apart
PROBE: Final = "__Host-c"  # set with the frame: a session request that brings it shows that cookies are kept
COOKIE_LIFE: Final = 400 * 24 * 3600  # seconds; browsers cut longer ones to this
COOKIE_RULES: Final = "Path=/; Secure; HttpOnly; SameSite=None; Partitioned"
FRAME_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self' {sockets}; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; frame-ancestors {ancestors}"
)

PREVIEW_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; frame-src 'self'; "
    "base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; frame-ancestors {ancestors}"
)


def json_errors(view: View) -> View:
    """Refusals in the one JSON shape, never cached."""

    @wraps(view)
    def shell(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except AppError as error:
            answer = json_error(error)
            answer.headers["Cache-Control"] = "no-store"
            return answer

    return shell


def for_anybody(view: View) -> View:
    """Any page may read the answer."""

    @wraps(view)
    def shell(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        answer = view(request, *args, **kwargs)
        answer.headers["Access-Control-Allow-Origin"] = "*"
        answer.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
        return answer

    return shell


@for_anybody
@require_safe
def loader(request: HttpRequest) -> HttpResponse:
    """`GET /porchlight.js`: the evergreen loader. A few minutes old at most, and cheap to ask again."""
    plain, packed, etag = _loader(*_built(LOADER))
    takes_gzip = "gzip" in request.headers.get("Accept-Encoding", "")
    etag = f'"{etag}-gz"' if takes_gzip else f'"{etag}"'
    if etag in request.headers.get("If-None-Match", ""):
        answer: HttpResponse = HttpResponseNotModified()
    else:
        answer = HttpResponse(packed if takes_gzip else plain, content_type="text/javascript; charset=utf-8")
        if takes_gzip:
            answer.headers["Content-Encoding"] = "gzip"
    answer.headers["Cache-Control"] = "public, max-age=300"
    answer.headers["ETag"] = etag
    patch_vary_headers(answer, ["Accept-Encoding"])
    return answer


@for_anybody
@json_errors
@require_safe
def config(request: HttpRequest, key: str) -> HttpResponse:
    """`GET /w/<key>/config`: how the launcher looks and what it says. Public.

    It may be kept for a minute, but not past the next opening or closing.
    """
    embed, now = active_embed_for(key), timezone.now()
    hours = outlook(embed.site.hours, now)
    is_online = hours.is_open and agents_here(embed.key.tenant) > 0
    said = {**_site(embed, hours), "limits": {"text": MAX_TEXT}, "online": is_online}
    left = (hours.next_change - now).total_seconds() if hours.next_change else CONFIG_LIFE
    return JsonResponse(said, headers={"Cache-Control": f"public, max-age={min(CONFIG_LIFE, int(left))}"})


@for_anybody
@json_errors
@require_safe
def logo(request: HttpRequest, key: str, name: str) -> HttpResponse:
    """`GET /w/<key>/logo/<name>`: the picture in the panel's head. Another picture has another name, so it is kept for good."""
    embed = embed_for(key)
    if embed.site.look.get("logo") != name:
        raise NotFound("There is no such picture.")
    content, kind = read_logo(embed.key.tenant, name)
    return HttpResponse(content, content_type=kind, headers={"Cache-Control": "public, max-age=31536000, immutable"})


@require_safe
def preview(request: HttpRequest, key: str) -> HttpResponse:
    """`GET /w/<key>/preview`: an empty page with the site's tag on it, as it would be with values that are not kept yet.

    Only the console that made the address may show it.
    """
    try:
        embed = embed_for(key)
    except NotFound as error:
        return _page(request, "widget/unavailable.html", {"reason": "This preview is over."}, status=error.status)
    if not embed.is_preview:
        return _page(request, "widget/unavailable.html", {"reason": "There is no preview here."}, status=NotFound.status)
    return _page(request, "widget/preview.html", {"key": key, "site": embed.site}, embed, policy=PREVIEW_POLICY)


@require_safe
def frame(request: HttpRequest, key: str) -> HttpResponse:
    """`GET /w/<key>/frame`: the page inside the iframe. Only the site's pages may frame it.

    While the tenant is suspended, too: the panel hears of it with its session, and has the words and the way back.
    """
    try:
        embed = embed_for(key)
    except NotFound as error:
        return _page(request, "widget/unavailable.html", {"reason": "There is no chat at this address."}, status=error.status)
    answer = _page(request, "widget/frame.html", {"boot": _boot(embed), "site": embed.site}, embed)
    answer.headers["Set-Cookie"] = f"{PROBE}=1; {COOKIE_RULES}"
    return answer


@csrf_exempt
@json_errors
@require_POST
def session(request: HttpRequest, key: str) -> HttpResponse:
    """`POST /w/<key>/session`: a token for the visitor who holds the handle, by cookie or in the body, or for a new one.

    Exempt from the CSRF token, which needs a session: only our own frame may ask, as its Origin shows, and only with JSON.
    """
    _refuse_other_pages(request)
    embed = real_embed_for(key)
    check(limits.SESSION_IP, embed.key.tenant.id, client_ip(request))
    asked = read_session_request(_body(request))
    handle = request.COOKIES.get(_cookie_of(embed)) or asked.handle
    started = start_session(embed, asked, handle=handle, address=client_ip(request))
    cookies_stay = asked.cookies and not request.COOKIES.keys().isdisjoint({PROBE, _cookie_of(embed)})
    answer = JsonResponse(_session(embed, started, tell_handle=not cookies_stay), headers={"Cache-Control": "no-store"})
    answer.headers["Set-Cookie"] = f"{_cookie_of(embed)}={started.handle}; Max-Age={COOKIE_LIFE}; {COOKIE_RULES}"
    return answer


def _refuse_other_pages(request: HttpRequest) -> None:
    refuse_other_origins(request)
    if request.content_type != "application/json":
        raise BadFrame("A session request is application/json.", field="Content-Type")


def _body(request: HttpRequest) -> bytes:
    """The body, if it is small. (The declared length first, so that a large one is not read.)"""
    declared = request.headers.get("Content-Length", "0")
    if not declared.isdecimal() or int(declared) > limits.MAX_BODY or len(request.body) > limits.MAX_BODY:
        raise TooLarge(f"A session request has at most {limits.MAX_BODY} bytes.")
    return request.body


def _session(embed: Embed, started: Started, *, tell_handle: bool) -> dict[str, Any]:
    said = {
        "token": started.token,
        "expires_in": started.expires_in,
        "visitor": {"id": str(started.visitor_id), "name": started.name, "identified": started.is_user},
        "socket": _socket(embed),
    }
    return {**said, "handle": started.handle} if tell_handle else said


def _site(embed: Embed, hours: Outlook) -> dict[str, Any]:
    """What launcher and panel show. With hours come the moments at which they change, so that an open page follows by itself."""
    site = embed.site
    said: dict[str, Any] = {
        "site": {"id": str(site.id), "name": site.name},
        "look": _look(embed),
        "texts": dict(site.texts),
    }
    if site.hours.are_kept:
        said["hours"] = {"open": hours.is_open, "changes": [int(moment.timestamp() * 1000) for moment in hours.changes]}
    return said


def _look(embed: Embed) -> dict[str, str]:
    """The look as the browser draws it: the icon as its path, the logo as its address."""
    look = dict(embed.site.look)
    icon = ICONS[look.pop("icon", "lantern")]
    picture = look.pop("logo", "")
    return look | ({"icon": icon} if icon else {}) | ({"logo": f"/w/{embed.key.key}/logo/{picture}"} if picture else {})


def _boot(embed: Embed) -> dict[str, Any]:
    """What the panel starts from. Nothing in it is about the visitor, so that the page is the same for everybody."""
    boot = {
        "key": embed.key.key,
        **_site(embed, outlook(embed.site.hours, timezone.now())),
        "origins": _origins(embed),
        "session": f"/w/{embed.key.key}/session",
        "socket": _socket(embed),
    }
    return {**boot, "preview": "away" if embed.is_away else "here"} if embed.is_preview else boot


def _origins(embed: Embed) -> list[str]:
    """The pages that may show the panel; of a preview, our own empty one."""
    return [widget_origin()] if embed.is_preview else list(embed.site.allowed_origins)


def _page(
    request: HttpRequest,
    template: str,
    context: dict[str, Any],
    embed: Embed | None = None,
    *,
    status: int = 200,
    policy: str = FRAME_POLICY,
) -> HttpResponse:
    """A page that only the site's pages may frame; without a site, nobody."""
    answer = render(request, template, context, status=status)
    answer.headers["Content-Security-Policy"] = policy.format(sockets=widget_origin("ws"), ancestors=_ancestors(embed))
    answer.headers["Referrer-Policy"] = "no-referrer"
    answer.headers["Cache-Control"] = "private, no-cache"
    answer.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return answer


def _ancestors(embed: Embed | None) -> str:
    """The site's patterns are what the policy's grammar takes, and are checked once more so that none can end the directive.

    A preview stands in the console: its empty page by itself, the panel on that page.
    """
    if embed and embed.is_preview:
        return f"{embed.console} {widget_origin()}"
    origins = [origin for origin in embed.site.allowed_origins if is_pattern(origin)] if embed else []
    return " ".join(origins) or "'none'"


def _cookie_of(embed: Embed) -> str:
    return f"{COOKIE}-{embed.site.id.hex[-12:]}"


def _socket(embed: Embed) -> str:
    return f"{widget_origin('ws')}/ws/w/{embed.key.key}/"


def _built(name: str) -> tuple[Path, int]:
    """A file that the client's build made, and when. Raises NotFound before the first build."""
    path = finders.find(name)
    if path is None:
        raise NotFound("The client has not been built.")
    return Path(path), Path(path).stat().st_mtime_ns


@lru_cache(maxsize=2)
def _loader(path: Path, _made: int) -> tuple[bytes, bytes, str]:
    """Its bytes, the same packed, and its tag."""
    plain = path.read_bytes()
    return plain, gzip.compress(plain, mtime=0), hashlib.sha256(plain).hexdigest()[:16]
