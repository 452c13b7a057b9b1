"""How a browser becomes a visitor: from the embed key and a handle to a session token."""

from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID, uuid4

import msgspec
from django.db import transaction

from billing.metering import record_visitor
from chat.origins import origin_allowed
from chat.realtime.protocol.incoming import Page, Url
from chat.selectors import SiteRef, site_for
from chat.selectors.previews import MARK, preview_of
from chat.services.identity import take_identity
from chat.services.tags import lately, saw_tag
from chat.services.visitor_names import spread_name
from chat.services.visitors import NotAdmittedError, VisitorSession, ensure_identified, ensure_visitor, take_back
from saas.core.errors import BadFrame, Forbidden, NotFound
from saas.core.ratelimit import check
from saas.core.ratelimit.limit import network_of
from tenants.context import in_tenant
from tenants.plans import Plan, plan_of
from tenants.resolve import KeyRef, site_key
from tenants.tokens import issue_visitor
from widget import limits


class SessionRequest(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The body of `POST /w/<key>/session`."""

    parent: Url  # origin of the page around the widget
    handle: Annotated[str, msgspec.Meta(max_length=100)] | None = None
    identity: str | None = None
    signed_out: bool = False  # True: the page says that nobody is signed in there
    locale: Annotated[str, msgspec.Meta(max_length=35)] | None = None
    page: Page | None = None
    cookies: bool = True  # False: the browser showed that it keeps none for us


@dataclass(frozen=True, slots=True)
class Embed:
    """A site as its embed key found it."""

    key: KeyRef
    site: SiteRef
    console: str = ""  # origin of the console that shows a preview; empty for a site as visitors see it
    is_away: bool = False  # a preview as if nobody were here

    @property
    def is_preview(self) -> bool:
        """Whether somebody looks at what is not kept yet. Nobody is let in."""
        return bool(self.console)

    @property
    def is_suspended(self) -> bool:
        """Whether the tenant may not be served now."""
        return self.key.tenant.status != "active"


@dataclass(frozen=True, slots=True)
class Started:
    """A visitor's session. `handle` proves them at the next one."""

    token: str
    expires_in: int
    handle: str
    visitor_id: UUID
    name: str
    is_user: bool  # the site's backend has said who it is


def embed_for(key: str) -> Embed:
    """The site behind an embed key, suspended or not, or behind what stands for a preview. Raises NotFound."""
    if key.startswith(MARK):
        return _preview_for(key)
    found = site_key(key)
    site = site_for(found.tenant, found.site_id) if found else None
    if found is None or site is None:
        raise NotFound("There is no such site.")
    return Embed(found, site)


def _preview_for(key: str) -> Embed:
    found = preview_of(key)
    if found is None:
        raise NotFound("There is no such site.")
    return Embed(KeyRef(found.tenant, found.site.id, key), found.site, found.console, found.is_away)


def active_embed_for(key: str) -> Embed:
    """The same; raises Forbidden while the tenant is suspended."""
    embed = embed_for(key)
    if embed.is_suspended:
        raise Forbidden("This site's chat is not available.")
    return embed


def real_embed_for(key: str) -> Embed:
    """The same for whoever would come in: a preview lets nobody, and raises NotFound."""
    embed = active_embed_for(key)
    if embed.is_preview:
        raise NotFound("There is no such site.")
    return embed


def read_session_request(body: bytes) -> SessionRequest:
    """The request, or BadFrame with the field that is wrong."""
    try:
        return msgspec.json.decode(body, type=SessionRequest)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise BadFrame(f"Not a session request: {error}") from None


def start_session(embed: Embed, asked: SessionRequest, *, handle: str | None, address: str) -> Started:
    """A session for whoever holds the handle, or for a new visitor at an address. Call it outside of the tenant.

    Where the page says that nobody is signed in, the handle of a user of theirs is taken back, and whoever comes is new.

    Raises RateLimited when too many new ones come to the site or from the network, and Forbidden for a page that may not embed
    the site (field `parent`), for a signed identity that does not count, and for none where the site asks for one (`identity`).
    """
    if not origin_allowed(asked.parent, embed.site.allowed_origins):
        raise Forbidden("This page may not show this chat.", field="parent")
    if asked.identity is None and embed.site.strict:
        _sign_out(embed, asked, handle)
        raise Forbidden("Sign in on this page first.", field="identity")
    tenant = embed.key.tenant
    note_tag(embed, asked.parent, asked.page.url if asked.page else "")
    visitor = _enter(embed, asked, handle, address)
    if asked.identity is not None:
        spread_name(tenant, visitor.visitor_id, visitor.name)
    issued = issue_visitor(
        tenant,
        visitor_id=visitor.visitor_id,
        name=visitor.name,
        site_id=embed.site.id,
        parent=asked.parent,
        sid=uuid4().hex,
    )
    return Started(issued.token, issued.expires_in, visitor.handle, visitor.visitor_id, visitor.name, visitor.is_user)


def _sign_out(embed: Embed, asked: SessionRequest, handle: str | None) -> None:
    """Nobody comes in, but the user who was here is gone all the same, should the site be open to everybody one day."""
    if asked.signed_out and handle:
        with in_tenant(embed.key.tenant), transaction.atomic():
            take_back(embed.site.id, handle)


def _enter(embed: Embed, asked: SessionRequest, handle: str | None, address: str) -> VisitorSession:
    """Somebody new is counted before the transaction that makes them: nothing is held while the counter is asked."""
    if handle is not None or asked.identity is not None:
        with suppress(NotAdmittedError):
            return _visitor(embed, asked, handle, is_admitted=False)
    _admit(embed, address, plan_of(embed.key.tenant))
    return _visitor(embed, asked, handle, is_admitted=True)


def _admit(embed: Embed, address: str, plan: Plan) -> None:
    """Count one who was not known before."""
    tenant, site = embed.key.tenant.id, embed.site.id
    check(limits.NEW_PER_NETWORK, tenant, f"{site}:{network_of(address, wide=True)}")
    check(plan.of(limits.NEW_PER_SITE), tenant, site)


def _visitor(embed: Embed, asked: SessionRequest, handle: str | None, *, is_admitted: bool) -> VisitorSession:
    """Who it is, counted as an active visitor of the tenant if this is their first session of a period."""
    with in_tenant(embed.key.tenant), transaction.atomic():
        visitor = _ensure(embed, asked, handle, is_admitted=is_admitted)
        record_visitor(visitor.visitor_id)
    return visitor


def _ensure(embed: Embed, asked: SessionRequest, handle: str | None, *, is_admitted: bool) -> VisitorSession:
    """By the handle or by what the site's backend says. An identity is used up only if a session comes of it."""
    site_id, said = embed.site.id, (asked.locale or "", asked.page)
    if asked.identity is None:
        kept = take_back(site_id, handle) if asked.signed_out and handle else handle
        return ensure_visitor(site_id, kept, *said, is_admitted=is_admitted)
    identity = take_identity(embed.key.tenant, site_id, embed.key.key, asked.identity)
    return ensure_identified(site_id, handle, identity, *said, is_admitted=is_admitted)


def note_tag(embed: Embed, origin: str, page: str) -> None:
    """Keep that the tag was seen on a page, if nobody has noted it within a minute. Call it outside of the tenant."""
    if lately.take(embed.key.key, origin):
        saw_tag(embed.key.tenant, embed.site.id, key=embed.key.key, origin=origin, page=page)
