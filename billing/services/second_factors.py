"""Staff help somebody in who lost their second factor and its recovery codes: asked by one person, done by another.

Staff's own second factors are a matter of superusers: whoever could take them away could become whoever may do more.
"""

from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from billing.models import FactorRemoval
from billing.selectors.staff.removals import removals, why_stale
from billing.services.audit import Actor, record
from saas.core.errors import BadFrame, Conflict, Forbidden, NotFound
from tenants.models import User
from tenants.selectors import factors_of, user_by_email
from tenants.services import remove_second_factors
from tenants.source import came_from

Status = FactorRemoval.Status


def ask(user_id: UUID, *, by: User, reason: str, form_key: UUID) -> FactorRemoval:
    """Write down that this person's second factors should go, and how staff know that it is them. The same form is one.

    What went stale is declined by it. Raises BadFrame without a reason, Forbidden for oneself and for staff whom only superusers
    help, NotFound for nobody; Conflict for somebody who has none, for whom it was asked already, or for a form that is used up.
    """
    why = _given(reason, "Say why, and how you know that it is them.")
    with transaction.atomic():
        user = _locked_person(user_id)
        _may_help(by, user)
        sent = removals().filter(form_key=form_key).first()
        return _same(sent, user) if sent else _asked(user, by, reason=why, form_key=form_key)


def approve(removal_id: UUID, *, by: User) -> FactorRemoval:
    """A second person says yes: it is done at once.

    Raises Forbidden for the one who asked and as `ask` does, Conflict for what is settled, for what went stale (`why_stale`) and
    where nothing is left to take away.
    """
    with transaction.atomic():
        waiting = _locked(removal_id)
        if waiting.requested_by_id == by.pk:
            raise Forbidden("Somebody else must approve what you asked for.")
        _may_help(by, waiting.user)
        if stale := why_stale(waiting):
            raise Conflict(f"{stale} If it is still needed, ask for it anew.")
        _settle(waiting, by, status=Status.DONE, removed=remove_second_factors(waiting.user_id))
        _record(waiting, by, "second_factor.remove", factors=", ".join(waiting.removed))
    return waiting


def decline(removal_id: UUID, *, by: User, reason: str) -> FactorRemoval:
    """Say no, or take it back. Raises BadFrame without a reason, Conflict for what is settled."""
    why = _given(reason, "Say why.")
    with transaction.atomic():
        waiting = _locked(removal_id)
        _decline(waiting, by, why)
    return waiting


def remove_by_operator(email: str, *, reason: str) -> list[str]:
    """The same by whoever runs the machine, where no two members of staff are left; what was taken away, in words.

    What waits for a second person is settled with it. Raises BadFrame without a reason, NotFound, Conflict for who has none.
    """
    why = _given(reason, "Say why: it is written down.")
    user = user_by_email(email)
    if user is None:
        raise NotFound(f"Nobody signs in with {email}.")
    with transaction.atomic():
        names = remove_second_factors(user.id)
        waiting = FactorRemoval.objects.filter(user=user, status=Status.WAITING)
        waiting.update(status=Status.DECLINED, answer="Done by a command.", settled_at=timezone.now())
        after = {"person": user.email, "factors": ", ".join(names)}
        record("second_factor.remove", tenant_id=None, actor=Actor("", is_staff=True), after=after, reason=why)
    return names


def _may_help(by: User, user: User) -> None:
    if by.pk == user.pk:
        raise Forbidden("This is you. Other members of staff must help you.")
    if user.is_staff and not by.is_superuser:
        raise Forbidden("Only superusers take the second factors of staff away.")


def _given(reason: str, otherwise: str) -> str:
    if not reason.strip():
        raise BadFrame(otherwise, field="reason")
    return reason.strip()


def _asked(user: User, by: User, *, form_key: UUID, **given: Any) -> FactorRemoval:
    """A new row. Of two forms with one key that come at once, for two people, one waits for the other's and is refused."""
    if not factors_of(user.id):
        raise Conflict(f"{user.email} has no second factor: the password alone lets them in.")
    _make_room(user, by)
    values = {"user": user, "requested_by": by, "requested_at": timezone.now(), **given}
    made, is_new = FactorRemoval.objects.get_or_create(form_key=form_key, defaults=values)
    if not is_new:
        return _same(made, user)
    _record(made, by, "second_factor.ask", reason=made.reason)
    return made


def _make_room(user: User, by: User) -> None:
    """One waits for each person: what went stale makes room. Raises Conflict where one may still be approved."""
    earlier = removals().filter(user=user, status=Status.WAITING).first()
    if earlier is None:
        return
    stale = why_stale(earlier)
    if not stale:
        raise Conflict("It was asked for already, and waits for a second person.")
    _decline(earlier, by, f"Asked for anew. {stale}")


def _same(sent: FactorRemoval, user: User) -> FactorRemoval:
    """What this form made when it was sent first, while that waits. Raises Conflict, of the form's key, for anything else."""
    if sent.user_id != user.id:
        raise Conflict(f"This form was sent for somebody else before. Send it again if it is for {user.email}.", field="form_key")
    if sent.status != Status.WAITING or why_stale(sent):
        raise Conflict("This form was settled already: see what came of it, and send it again to ask anew.", field="form_key")
    return sent


def _locked_person(user_id: UUID) -> User:
    """Whoever asks, settles or removes holds the person first, before any row of ours: so no two wait for each other."""
    found: User | None = User.objects.select_for_update(no_key=True).filter(id=user_id).first()
    if found is None:
        raise NotFound("There is no such person.")
    return found


def _locked(removal_id: UUID) -> FactorRemoval:
    user_id = FactorRemoval.objects.filter(id=removal_id).values_list("user_id", flat=True).first()
    if user_id is None:
        raise NotFound("Nobody asked for this.")
    _locked_person(user_id)
    found: FactorRemoval = removals().get(id=removal_id)
    if found.status != Status.WAITING:
        raise Conflict(f"This is {found.get_status_display().lower()} already.")
    return found


def _decline(removal: FactorRemoval, by: User, why: str) -> None:
    _settle(removal, by, status=Status.DECLINED, answer=why)
    _record(removal, by, "second_factor.decline", reason=why)


def _settle(removal: FactorRemoval, by: User, **values: Any) -> None:
    for name, value in {**values, "settled_by": by, "settled_at": timezone.now()}.items():
        setattr(removal, name, value)
    removal.save()


def _record(removal: FactorRemoval, by: User, action: str, *, reason: str = "", **after: str) -> None:
    """In staff's own record: it is a person's, and no single tenant's."""
    actor = Actor(by.email, is_staff=True, address=came_from().address)
    said = {"person": removal.user.email, "removal": str(removal.id), **after}
    record(action, tenant_id=None, actor=actor, after=said, reason=reason)
