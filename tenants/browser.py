"""A browser that is signed in on the platform's host: the id of its sign-in, which everything has that comes of it."""

from datetime import UTC, datetime
from typing import Any

from allauth.account.authentication import get_authentication_records
from django.http import HttpRequest

from tenants import services
from tenants.models import User

SID = "sid"  # where the session keeps it


def sid_of(request: HttpRequest, user: User) -> str:
    """The id of this browser's sign-in; a session that has none, or one that nobody noted, gets one."""
    kept: str | None = request.session.get(SID)
    if kept is None or not services.is_noted(kept, user.id):
        kept = _note(request, user)
    return kept


def proven_at(request: HttpRequest, user: User) -> datetime | None:
    """When this person proved last in this browser who they are, by password, code or passkey; None if nobody knows."""
    moments = [record["at"] for record in get_authentication_records(request, user)]
    return datetime.fromtimestamp(max(moments), UTC) if moments else None


def signed_in(*, request: HttpRequest | None, user: Any, **_facts: Any) -> None:
    """After any sign-in on the platform's host. Those on a tenant's host are noted where their code is used."""
    if request is not None and getattr(request, "tenant", request) is None and isinstance(user, User):
        sid_of(request, user)


def _note(request: HttpRequest, user: User) -> str:
    if request.session.session_key is None:
        request.session.save()  # it gets its key with the first save
    sid = str(services.note_browser(user_id=user.id, session_key=str(request.session.session_key)))
    request.session[SID] = sid
    return sid
