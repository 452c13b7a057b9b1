"""Who is signed in where: the browser on the platform's host, those on tenants' hosts that came through it, and programs."""

import secrets
from datetime import datetime, timedelta
from functools import partial
from hashlib import sha256
from time import monotonic
from typing import Any, Final
from uuid import UUID

from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from saas.core import registry
from saas.core.errors import Forbidden, NotFound, Unauthenticated
from tenants.access import may_change_member
from tenants.audit import Thing, record
from tenants.models import SIGN_IN_CODE_LIFE, Membership, SignIn, SignInCode, User
from tenants.resolve import MemberRef
from tenants.source import came_from

SEEN_EVERY: Final = 300.0  # seconds for which a sign-in that is used is not written down again
KEPT: Final = timedelta(days=90)
MOST_SEEN: Final = 20_000  # sign-ins that a process remembers to have written down


def issue_sign_in_code(
    *, user: User, tenant_id: UUID, nonce_hash: bytes, platform_sid: UUID, proven_at: datetime | None = None
) -> str:
    """A code that signs this user in to this tenant: once, within 60 s, in the browser that holds the nonce.

    It keeps `proven_at`, on which `must_prove` was asked, and is asked again by `hold_door`.
    """
    code = secrets.token_urlsafe(32)
    SignInCode.objects.filter(expires_at__lt=timezone.now()).delete()
    SignInCode.objects.create(
        code_hash=_digest(code),
        nonce_hash=nonce_hash,
        user=user,
        tenant_id=tenant_id,
        platform_sid=platform_sid,
        proven_at=proven_at,
        expires_at=timezone.now() + SIGN_IN_CODE_LIFE,
    )
    return code


def use_sign_in_code(*, code: str, nonce: str, tenant_id: UUID) -> SignInCode:
    """Use a code up and return it with its user. Raises Unauthenticated for anything but the first use in the right place.

    The code is spent even if the nonce is wrong, in one statement, so that two requests cannot both use it. Who uses it asks
    `hold_door`, and only then signs anybody in.
    """
    now = timezone.now()
    unused = SignInCode.objects.filter(code_hash=_digest(code), tenant_id=tenant_id, used_at=None, expires_at__gt=now)
    if not unused.update(used_at=now):
        raise Unauthenticated("This sign-in link has been used or has run out.")
    found = SignInCode.objects.select_related("user").get(code_hash=_digest(code))
    if not secrets.compare_digest(bytes(found.nonce_hash), _digest(nonce)) or not found.user.is_active:
        raise Unauthenticated("This sign-in was started in another browser.")
    return found


def hold_door(code: SignInCode) -> None:
    """From here to the end of the caller's transaction nobody ends this person's sign-ins. Record the new one in it.

    Whoever ends them holds the same rows before they look which there are: the membership where it is about one tenant, else the
    person. So they either came first and are seen here, or come later and find what was recorded. Raises Unauthenticated for a
    code that was overtaken: its browser or its member was signed out since it was asked for, or they are no member any more,
    and no staff who may look in.
    """
    is_in = _hold_way_in(code.tenant_id, code.user_id)
    known = _hold(id=code.user_id, is_active=True) and is_in and is_noted(code.platform_sid, code.user_id)
    if not known or must_prove(code.tenant_id, code.user_id, proven_at=code.proven_at):
        raise Unauthenticated("You were signed out meanwhile.")


def hold_door_by_password(user: User, tenant_id: UUID) -> bool:
    """The same for who has given a password. `user` is as read before it was checked: hashing is slow, and holds nothing.

    False if it was overtaken: another password is stored by now (or the same one hashed anew, for who may simply ask again), they
    were switched off, or they are no member any more, and no staff who may look in.
    """
    is_in = _hold_way_in(tenant_id, user.id)
    return _hold(id=user.id, is_active=True, password=user.password) and is_in


def record_sign_in(*, user_id: UUID, tenant_id: UUID, session_key: str = "", platform_sid: UUID | None = None) -> SignIn:
    """Remember where a user signed in to a tenant, so that it can be seen and ended."""
    return _remember(user_id=user_id, tenant_id=tenant_id, session_key=session_key, platform_sid=platform_sid)


def note_browser(*, user_id: UUID, session_key: str) -> UUID:
    """Remember a browser that signed in on the platform's host. Its id, which is the `platform_sid` of what comes of it."""
    return _remember(user_id=user_id, session_key=session_key).id


def is_noted(sid: UUID | str, user_id: UUID) -> bool:
    """Whether this is a browser on the platform's host in which the user is signed in, as far as we know."""
    return SignIn.objects.filter(id=sid, user_id=user_id, tenant=None, ended_at=None).exists()


def saw(sid: UUID | str, session_key: str = "") -> None:
    """Write down that a sign-in is used, from where and by which browser: once in five minutes, and when its session got another
    key. What is ended stays as it was."""
    name, now = f"{sid}.{session_key}", monotonic()
    if now - _seen.get(name, -SEEN_EVERY) < SEEN_EVERY:
        return
    _note_seen(name, now)
    source = came_from()
    values = {"seen_at": timezone.now(), "address": source.address[:45], "browser": source.browser}
    key = {"session_key": session_key} if session_key else {}
    SignIn.objects.filter(id=sid, ended_at=None).update(**values, **key)


def end_sign_in(sid: UUID | str) -> None:
    """Sign out of one place. Ending it twice changes nothing."""
    _end(SignIn.objects.filter(id=sid))


def end_sign_ins_through(platform_sid: UUID | str) -> None:
    """Sign a browser out of the platform's host and of every tenant that was entered through it."""
    _end(SignIn.objects.filter(Q(platform_sid=platform_sid) | Q(id=platform_sid, tenant=None)), sign_ins=platform_sid)


def end_sign_ins_of(user: User, *, but: UUID | str | None = None) -> None:
    """Sign out everywhere: after a new password, or when the user is switched off. `but` names a browser on the platform's host
    that stays signed in there; the tenants that were entered through it end like the others."""
    _end(SignIn.objects.filter(user=user).exclude(id=but) if but else SignIn.objects.filter(user=user), id=user.pk)


def end_one(user: User, sid: UUID) -> None:
    """Sign this person out of one of their places, and of what was entered through it. Raises NotFound for anybody else's."""
    if not SignIn.objects.filter(user=user, id=sid, ended_at=None).exists():
        raise NotFound("You are not signed in there.")
    end_sign_ins_through(sid)
    end_sign_in(sid)


def end_others(user: User, *, but: UUID | str) -> None:
    """Sign this person out everywhere but in this browser, on the platform's host and wherever it went from there."""
    _end(SignIn.objects.filter(user=user).exclude(id=but).exclude(platform_sid=but), id=user.pk)


def end_of_member(tenant_id: UUID, user: User, *, by: MemberRef, sid: UUID | None = None) -> None:
    """Sign a member out of this tenant: everywhere, or of one place. Their sockets close.

    What they have open on the platform's host and in other tenants is theirs and stays. But none of it lets them in here again
    before they have proven who they are (`must_prove`). Raises Forbidden where only an owner may, NotFound with field
    `sid` for a place that is not theirs in this tenant, and without a field for who is no member.
    """
    places = SignIn.objects.filter(tenant_id=tenant_id, user=user, ended_at=None)
    with transaction.atomic():
        member = _held_for(by, tenant_id, user)
        if sid is not None:
            places = places.filter(id=sid)
        place = "everywhere" if sid is None else _named(places.first())
        Membership.objects.filter(id=member.id).update(signed_out_at=Now())
        SignInCode.objects.filter(tenant_id=tenant_id, user=user).delete()
        _end(places)
        record(tenant_id, by=by, act="session.ended", on=Thing("member", user.id, str(user)), after={"place": place})


def must_prove(tenant_id: UUID, user_id: UUID, *, proven_at: datetime | None) -> bool:
    """Whether an admin of the tenant has signed this member out since they proved last, in this browser, who they are.

    Both moments are the database's (`database_time`): the clocks of two processes may be seconds apart.
    """
    rows = Membership.objects.filter(tenant_id=tenant_id, user_id=user_id)
    signed_out_at = rows.values_list("signed_out_at", flat=True).first()
    return signed_out_at is not None and (proven_at is None or proven_at <= signed_out_at)


def end_in_tenant(tenant_id: UUID, user_id: UUID) -> None:
    """Sign a user out of one tenant, in the caller's transaction, which holds their membership."""
    _end(SignIn.objects.filter(user_id=user_id, tenant_id=tenant_id))


def close_sockets(tenant_id: UUID, user_id: UUID) -> None:
    """Once the caller's transaction is committed, close every socket of this user in the tenant, opened by whatever way."""
    transaction.on_commit(partial(registry.sessions_ended, tenant_id=tenant_id, user_id=user_id, sid=None))


def forget_old() -> None:
    """Delete sign-ins that ended or were last used `KEPT` ago, and sessions that have run out."""
    old = timezone.now() - KEPT
    SignIn.objects.filter(Q(ended_at__lt=old) | Q(seen_at__lt=old)).delete()
    Session.objects.filter(expire_date__lt=timezone.now()).delete()


def _end(sign_ins: QuerySet[SignIn], /, **person: Any) -> None:
    """Mark them ended and delete their sessions in one transaction; their live sockets close after the commit. `person`, by a
    filter of users, is held before it is read which sign-ins there are (`hold_door`)."""
    with transaction.atomic():
        if person:
            _hold(**person)
        live = list(sign_ins.filter(ended_at=None).order_by("id").select_for_update())  # two who end the same take turns
        SignIn.objects.filter(id__in=[sign_in.id for sign_in in live]).update(ended_at=timezone.now())
        Session.objects.filter(session_key__in=[sign_in.session_key for sign_in in live if sign_in.session_key]).delete()
    for sign_in in live:
        if sign_in.tenant_id is not None:
            facts = {"tenant_id": sign_in.tenant_id, "user_id": sign_in.user_id, "sid": str(sign_in.id)}
            transaction.on_commit(partial(registry.sessions_ended, **facts))


def _held_for(by: MemberRef, tenant_id: UUID, user: User) -> Membership:
    """The membership, held until the caller's transaction ends (`hold_door`), if `by` may end what was opened with it."""
    member = Membership.objects.select_for_update(no_key=True).filter(tenant_id=tenant_id, user=user).first()
    if member is None:
        raise NotFound("They are no member any more.")
    if by.user_id != user.id and not may_change_member(by.role, member.role):
        raise Forbidden("Only an owner signs an owner out.")
    return member


def _named(place: SignIn | None) -> str:
    """The place as the audit log names it."""
    if place is None:
        raise NotFound("They are not signed in there.", field="sid")
    return f"{place.what}, from {place.address}" if place.address else place.what


def _hold(**person: Any) -> bool:
    """Whether there is this person. Whoever holds them, too, waits until the caller's transaction ends; what only names them does
    not."""
    return bool(User.objects.select_for_update(no_key=True, of=("self",)).filter(**person))


def _hold_way_in(tenant_id: UUID, user_id: UUID) -> bool:
    """Whether they are an active member, who is held, or staff who may look in now."""
    members = Membership.objects.select_for_update(no_key=True)
    member = members.filter(tenant_id=tenant_id, user_id=user_id, disabled_at=None).first()
    return member is not None or any(registry.support_visit(tenant_id=tenant_id, user_id=user_id))


def _remember(**values: Any) -> SignIn:
    source = came_from()
    made = SignIn.objects.create(**values, address=source.address[:45], browser=source.browser)
    _note_seen(f"{made.id}.{made.session_key}", monotonic())
    return made


def _note_seen(name: str, now: float) -> None:
    _seen.pop(name, None)
    _seen[name] = now
    while len(_seen) > MOST_SEEN:
        _seen.pop(next(iter(_seen)), None)


def _digest(secret: str) -> bytes:
    return sha256(secret.encode()).digest()


_seen: dict[str, float] = {}  # when this process wrote a sign-in down, by its id and session
