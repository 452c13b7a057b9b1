"""Staff help somebody in who lost their second factor and its recovery codes: asked by one person, done by another.

Staff's own second factors are a matter of superusers: whoever could take them away could become whoever may do more.
"""

from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from billing.clock import now
from billing.models import FactorRemoval
from billing.services.audit import Actor, record
from saas.core.errors import BadFrame, Conflict, Forbidden, NotFound
from tenants.models import User
from tenants.selectors import factors_of, user_by_email
from tenants.services import remove_second_factors
from tenants.source import came_from

Status = FactorRemoval.Status


def ask(user_id: UUID, *, by: User, reason: str, form_key: UUID) -> FactorRemoval:
    """Write down that this person's second factors should go, and how staff know that it is them. The same form is one.

    Raises BadFrame without a reason, Forbidden for oneself and for staff whom only superusers help, Conflict for somebody who has
    none or for whom it was asked already, NotFound for nobody.
    """
    if not reason.strip():
        raise BadFrame("Say why, and how you know that it is them.", field="reason")
    user = User.objects.filter(id=user_id).first()
    if user is None:
        raise NotFound("There is no such person.")
    _may_help(by, user)
    if not factors_of(user.id):
        raise Conflict(f"{user.email} has no second factor: the password alone lets them in.")
    try:
        with transaction.atomic():
            given = {"reason": reason.strip(), "requested_by": by, "requested_at": now(), "form_key": form_key}
            made: FactorRemoval = FactorRemoval.objects.create(user=user, **given)
            _record(made, by, "second_factor.ask", reason=made.reason)
    except IntegrityError:
        return _same(user, form_key)
    return made


def approve(removal_id: UUID, *, by: User) -> FactorRemoval:
    """A second person says yes: it is done at once.

    Raises Forbidden for the one who asked and as `ask` does, Conflict for what is settled or where nothing is left to take away.
    """
    with transaction.atomic():
        waiting = _locked(removal_id)
        if waiting.requested_by_id == by.pk:
            raise Forbidden("Somebody else must approve what you asked for.")
        _may_help(by, waiting.user)
        _settle(waiting, by, status=Status.DONE, removed=remove_second_factors(waiting.user_id))
        _record(waiting, by, "second_factor.remove", factors=", ".join(waiting.removed))
    return waiting


def decline(removal_id: UUID, *, by: User, reason: str) -> FactorRemoval:
    """Say no, or take it back. Raises BadFrame without a reason, Conflict for what is settled."""
    if not reason.strip():
        raise BadFrame("Say why.", field="reason")
    with transaction.atomic():
        waiting = _locked(removal_id)
        _settle(waiting, by, status=Status.DECLINED, answer=reason.strip())
        _record(waiting, by, "second_factor.decline", reason=waiting.answer)
    return waiting


def remove_by_operator(email: str, *, reason: str) -> list[str]:
    """The same by whoever runs the machine, where no two members of staff are left; what was taken away, in words.

    What waits for a second person is settled with it. Raises BadFrame without a reason, NotFound, Conflict for who has none.
    """
    if not reason.strip():
        raise BadFrame("Say why: it is written down.", field="reason")
    user = user_by_email(email)
    if user is None:
        raise NotFound(f"Nobody signs in with {email}.")
    with transaction.atomic():
        names = remove_second_factors(user.id)
        waiting = FactorRemoval.objects.filter(user=user, status=Status.WAITING)
        waiting.update(status=Status.DECLINED, answer="Done by a command.", settled_at=now())
        after = {"person": user.email, "factors": ", ".join(names)}
        record("second_factor.remove", tenant_id=None, actor=Actor("", is_staff=True), after=after, reason=reason.strip())
    return names


def _may_help(by: User, user: User) -> None:
    if by.pk == user.pk:
        raise Forbidden("This is you. Other members of staff must help you.")
    if user.is_staff and not by.is_superuser:
        raise Forbidden("Only superusers take the second factors of staff away.")


def _same(user: User, form_key: UUID) -> FactorRemoval:
    """What this form made when it was sent first. Raises Conflict where it was another form."""
    found: FactorRemoval | None = FactorRemoval.objects.filter(user=user, form_key=form_key).first()
    if found is None:
        raise Conflict("It was asked for already, and waits for a second person.")
    return found


def _locked(removal_id: UUID) -> FactorRemoval:
    held = FactorRemoval.objects.select_for_update(of=("self",)).select_related("user", "requested_by")
    found: FactorRemoval | None = held.filter(id=removal_id).first()
    if found is None:
        raise NotFound("Nobody asked for this.")
    if found.status != Status.WAITING:
        raise Conflict(f"This is {found.get_status_display().lower()} already.")
    return found


def _settle(removal: FactorRemoval, by: User, **values: Any) -> None:
    for name, value in {**values, "settled_by": by, "settled_at": now()}.items():
        setattr(removal, name, value)
    removal.save()


def _record(removal: FactorRemoval, by: User, action: str, *, reason: str = "", **after: str) -> None:
    """In staff's own record: it is a person's, and no single tenant's."""
    actor = Actor(by.email, is_staff=True, address=came_from().address)
    said = {"person": removal.user.email, "removal": str(removal.id), **after}
    record(action, tenant_id=None, actor=actor, after=said, reason=reason)
