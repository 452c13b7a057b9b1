"""Visitors: who they are by the handle in their browser, and which page they have before them. Runs inside the tenant.

The handle is a secret of 256 bits of which only the hash is kept. It changes at each exchange, and the next one follows from the
one before by a key of ours: two tabs that show the same handle at the same time get the same new one, and so does a browser that
repeats an exchange whose answer was lost.
"""

import base64
import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.crypto import salted_hmac

from chat.models import Visitor
from chat.realtime.protocol.incoming import Page
from chat.services.identity import Identity
from saas.core.ids import uuid7

# How long the handle before the current one still counts, unless the current one is shown earlier. Long enough for a phone that
# lost the answer in a tunnel: a handle that is lost is a visitor who has lost their history.
GRACE: Final = timedelta(days=1)
NAME_LETTERS: Final = "23456789ABCDEFGHJKMNPQRSTVWXYZ"  # none that could be read as another
LOCALE: Final = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8}){0,3}")
ROUTES: Final = ("/", "!")  # with which the fragments begin that a page's own router reads
INVITED: Final = "#porchlight="  # before the code of an invitation
UNSTORABLE: Final = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


class NotAdmittedError(Exception):
    """Somebody new would be made, and the caller has not let them in. Nothing is stored."""


@dataclass(frozen=True, slots=True)
class VisitorSession:
    """A visitor, and the handle that proves them at the next exchange."""

    visitor_id: UUID
    name: str
    handle: str
    is_user: bool  # of the customer's, as their backend has vouched


def ensure_visitor(
    site_id: UUID, handle: str | None, locale: str = "", page: Page | None = None, *, is_admitted: bool = True
) -> VisitorSession:
    """The visitor of this site who holds the handle, with their next handle; a new one, if nobody does.

    Raises NotAdmittedError for a new one who is not admitted.
    """
    facts = {"seen_at": timezone.now()} | _facts(locale, page)
    return (handle and _known_visitor(site_id, handle, facts)) or _new_visitor(site_id, facts, is_admitted=is_admitted)


def ensure_identified(
    site_id: UUID,
    handle: str | None,
    identity: Identity,
    locale: str = "",
    page: Page | None = None,
    *,
    is_admitted: bool = True,
) -> VisitorSession:
    """The visitor who is this user of the customer's, with their next handle. Needs a transaction. Raises as above.

    At first sight it is the holder of the handle, if that is nobody yet, and else a new visitor. What an anonymous visitor wrote
    never becomes a known user's: whoever shows such a handle and an identity that is known goes on as the one they proved to be.
    """
    facts = {"seen_at": timezone.now()} | _facts(locale, page) | ({"name": identity.name} if identity.name else {})
    _one_at_a_time(site_id, identity.sub)
    holder, known = _candidates(site_id, handle, identity.sub)
    if known is not None:
        return _turn(known, handle, facts) if handle and holder == known else _hand_over(known, facts)
    facts["external_id"] = identity.sub
    if handle and holder is not None and holder.external_id is None:
        return _turn(holder, handle, facts)
    return _new_visitor(site_id, facts, is_admitted=is_admitted)


def take_back(site_id: UUID, handle: str) -> str | None:
    """The handle, if nobody known holds it; a user of the customer's has signed out, so theirs proves nothing from now on.

    Needs a transaction. Other browsers of that user come back with their next identity.
    """
    held = Visitor.objects.select_for_update().filter(_holds(handle), site_id=site_id, external_id__isnull=False).first()
    if held is None:
        return handle
    nobodys = _hash(secrets.token_urlsafe(32))
    Visitor.objects.filter(id=held.id).update(handle_hash=nobodys, old_handle_hash=None, handle_grace=None)
    return None


def moved_to(visitor_id: UUID, page: Page) -> None:
    """The visitor has another page before them."""
    Visitor.objects.filter(id=visitor_id).update(page=clean_page(page), seen_at=timezone.now())


def clean_page(page: Page) -> dict[str, str]:
    """The page as agents see it: web addresses only, nothing invisible in the title."""
    return {
        "url": _web_address(page.url),
        "title": UNSTORABLE.sub(" ", page.title).strip(),
        "referrer": _web_address(page.referrer),
    }


def next_handle(handle: str, secret: str | None = None) -> str:
    """The handle that follows: as unguessable as the one before, and the same whoever asks twice.

    `secret` is a SECRET_KEY before this one, under which it was asked for the first time.
    """
    digest = salted_hmac("chat.visitor.handle", handle, secret=secret, algorithm="sha256").digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def _holds(handle: str) -> Q:
    shown = _hash(handle)
    return Q(handle_hash=shown) | Q(old_handle_hash=shown, handle_grace__gt=timezone.now())


def _known_visitor(site_id: UUID, handle: str, facts: dict[str, object]) -> VisitorSession | None:
    """Who holds the handle, which is turned under their row's lock: of two exchanges at once the second finds it turned."""
    with transaction.atomic():
        visitor = Visitor.objects.select_for_update().filter(_holds(handle), site_id=site_id).first()
        return _turn(visitor, handle, facts) if visitor else None


def _turn(visitor: Visitor, handle: str, facts: dict[str, object]) -> VisitorSession:
    """The next handle of a visitor whose row is locked; the same for a browser of theirs that is not the last one."""
    shown, new = _hash(handle), _turned(visitor, handle) or next_handle(handle)
    if visitor.old_handle_hash == shown and visitor.handle_hash != _hash(new):
        Visitor.objects.filter(id=visitor.id).update(**facts)
        return _session(visitor, handle, facts)
    first = {"old_handle_hash": shown, "handle_grace": timezone.now() + GRACE}
    turned = {} if visitor.old_handle_hash == shown else first
    Visitor.objects.filter(id=visitor.id).update(handle_hash=_hash(new), **turned, **facts)
    return _session(visitor, new, facts)


def _turned(visitor: Visitor, handle: str) -> str | None:
    """What this handle was turned into under a SECRET_KEY before this one, if the visitor still has that."""
    asked_before = (next_handle(handle, secret) for secret in settings.SECRET_KEY_FALLBACKS)
    return next((new for new in asked_before if visitor.handle_hash == _hash(new)), None)


def _hand_over(visitor: Visitor, facts: dict[str, object]) -> VisitorSession:
    """A handle for another browser of a visitor whose row is locked; that of the browser before is honoured for a while."""
    new = secrets.token_urlsafe(32)
    before = {"old_handle_hash": visitor.handle_hash, "handle_grace": timezone.now() + GRACE}
    Visitor.objects.filter(id=visitor.id).update(handle_hash=_hash(new), **before, **facts)
    return _session(visitor, new, facts)


def _session(visitor: Visitor, handle: str, facts: dict[str, object]) -> VisitorSession:
    """Of a visitor of whom these facts are stored now."""
    ident, name = facts.get("external_id", visitor.external_id), facts.get("name", visitor.name)
    return VisitorSession(visitor.id, str(name), handle, is_user=ident is not None)


def _candidates(site_id: UUID, handle: str | None, sub: str) -> tuple[Visitor | None, Visitor | None]:
    """Who holds the handle, and who is this user; locked in the order of their ids, so that two sessions never wait crosswise."""
    who = Q(external_id=sub) | _holds(handle) if handle else Q(external_id=sub)
    found = list(Visitor.objects.select_for_update().filter(who, site_id=site_id).order_by("id"))
    known = next((visitor for visitor in found if visitor.external_id == sub), None)
    shown = handle and _hash(handle)
    holder = next((visitor for visitor in found if shown in (visitor.handle_hash, visitor.old_handle_hash)), None)
    return holder, known


def _one_at_a_time(site_id: UUID, sub: str) -> None:
    """Until the end of the transaction: the first sight of a user happens once."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"{site_id}:{sub}"])


def _new_visitor(site_id: UUID, facts: dict[str, object], *, is_admitted: bool) -> VisitorSession:
    if not is_admitted:
        raise NotAdmittedError
    handle, ident = secrets.token_urlsafe(32), uuid7()
    name = "Visitor " + "".join(secrets.choice(NAME_LETTERS) for _ in range(4))
    made = Visitor.objects.create(**{"id": ident, "site_id": site_id, "name": name, "handle_hash": _hash(handle), **facts})
    return _session(made, handle, facts)


def _facts(locale: str, page: Page | None) -> dict[str, object]:
    """What the browser says of itself; what makes no sense is left as it was."""
    facts: dict[str, object] = {}
    if LOCALE.fullmatch(locale):
        facts["locale"] = locale
    if page is not None:
        facts["page"] = clean_page(page)
    return facts


def _web_address(url: str) -> str:
    """The address, if an agent may click it; else nothing. Names and passwords in it are nobody's business.

    What stands behind `#` is told to no server by browsers, and may be secret: only a page's route is kept.
    """
    try:
        parts = urlsplit(UNSTORABLE.sub("", url))
    except ValueError:
        return ""
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        return ""
    route = parts.fragment.partition(INVITED)[0] if parts.fragment.startswith(ROUTES) else ""
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], fragment=route).geturl()


def _hash(handle: str) -> bytes:
    return hashlib.sha256(handle.encode(errors="surrogatepass")).digest()
