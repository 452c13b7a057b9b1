"""A browser that is signed in on the platform's host: the id of its sign-in, which everything has that comes of it."""

from datetime import datetime
from typing import Any

from django.http import HttpRequest

from saas.core.clock import database_time
from tenants import services
from tenants.models import User
from tenants.selectors import has_second_factor

SID = "sid"  # where the session keeps it
PROOFS = "proofs"  # where it keeps whose they are, and by method when the last one was
SECOND = "mfa"  # allauth's word for a code, a passkey or a recovery code


def sid_of(request: HttpRequest, user: User) -> str:
    """The id of this browser's sign-in; a session that has none, or one that nobody noted, gets one."""
    kept: str | None = request.session.get(SID)
    if kept is None or not services.is_noted(kept, user.id):
        kept = _note(request, user)
    return kept


def proven_at(request: HttpRequest, user: User) -> datetime | None:
    """When this person proved last in this browser who they are, by the database's clock; None if nobody knows.

    Where they have a second factor the password alone proves nothing: signing in takes more than that, too.
    """
    kept = _proofs(request, user)
    moments = [kept[SECOND]] if SECOND in kept else []
    if not has_second_factor(user.id):
        moments = list(kept.values())
    return max(map(datetime.fromisoformat, moments), default=None)


def proven(*, request: HttpRequest, user: User, method: str, **_facts: Any) -> None:
    """After each password, code or passkey that was right, on the way in or when asked again. allauth notes the moment by the
    process's own clock, which `must_prove` cannot compare."""
    times = {**_proofs(request, user), method: database_time().isoformat()}
    request.session[PROOFS] = {"user": str(user.id), "times": times}


def signed_in(*, request: HttpRequest | None, user: Any, **_facts: Any) -> None:
    """After any sign-in on the platform's host. Those on a tenant's host are noted where their code is used."""
    if request is not None and getattr(request, "tenant", request) is None and isinstance(user, User):
        sid_of(request, user)


def _proofs(request: HttpRequest, user: User) -> dict[str, str]:
    kept = request.session.get(PROOFS, {})
    return dict(kept["times"]) if kept.get("user") == str(user.id) else {}


def _note(request: HttpRequest, user: User) -> str:
    if request.session.session_key is None:
        request.session.save()  # it gets its key with the first save
    sid = str(services.note_browser(user_id=user.id, session_key=str(request.session.session_key)))
    request.session[SID] = sid
    return sid
