"""What was reported in all rooms, one message after another, and settling it in one go."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from chat.models import Room
from chat.pages.rooms.desk import page
from chat.pages.rooms.forms import DecisionForm
from chat.selectors.queue import SIZE, Case, cases, open_cases, reported
from chat.services.ends import for_good
from chat.services.settling import Decision, settle_message
from saas.core.errors import AppError, NotFound
from saas.core.forms import UNPROCESSABLE
from saas.core.paging import numbered, with_query
from tenants.access import Do
from tenants.authentication import agent_of, tenant_of
from tenants.context import in_tenant
from tenants.models import User
from tenants.pages.desk import refuse

DONE = {"deleted": "message deleted", "muted": "author muted", "banned": "author banned"}


@page("GET", "HEAD", do=Do.MODERATE)
def queue(request: HttpRequest) -> HttpResponse:
    """What waits for a decision, or what was decided."""
    return _queue(request)


@page("POST", do=Do.MODERATE, back="moderation")
def settle(request: HttpRequest, message_id: UUID) -> HttpResponse:
    """Do what was decided and close the reports. With htmx the answer is the message's card alone."""
    form = DecisionForm(request.POST, auto_id=f"{message_id}_%s")
    if (form.dismisses or form.is_valid()) and (done := _settled(request, message_id, form)) is not None:
        if getattr(request, "htmx", False):
            with in_tenant(tenant_of(request)):
                waiting = open_cases()
            return render(request, "moderation/part_settled.html", {"done": done, "message_id": message_id, "waiting": waiting})
        messages.success(request, f"Settled: {done}.")
        return redirect("moderation")
    return _refused(request, message_id, form)


def _refused(request: HttpRequest, message_id: UUID, form: DecisionForm) -> HttpResponse:
    """What was chosen, with what is wrong about it. Raises NotFound for a message that is gone meanwhile."""
    with in_tenant(tenant_of(request)):
        found = cases([message_id])
    if not found:
        raise NotFound("This message is gone, and so are the reports about it.")
    if getattr(request, "htmx", False):
        context = {"case": found[0], "form": form, "now": timezone.now(), "for_good": for_good()}
        return render(request, "moderation/part_case.html", context, status=UNPROCESSABLE)
    return _queue(request, refused={message_id: form})


def _settled(request: HttpRequest, message_id: UUID, form: DecisionForm) -> str | None:
    """What was done, in words; None if a field was refused. Whatever else stands in the way is told above the list."""
    try:
        decision = _decision(form)
        settle_message(tenant_of(request), agent_of(request), message_id=message_id, decision=decision)
    except AppError as refusal:
        if refusal.field not in form.fields:
            raise
        refuse(form, refusal)
        return None
    return ", ".join(DONE[word] for word in decision.done) or "dismissed, nothing was done"


def _decision(form: DecisionForm) -> Decision:
    if form.dismisses:
        return Decision()
    said = form.cleaned_data
    ends = {said["author"]: form.end} if said["author"] else {}
    return Decision(delete=said["delete"], **ends)


def _queue(request: HttpRequest, *, refused: dict[UUID, DecisionForm] | None = None) -> HttpResponse:
    asked, bad = request.GET, refused or {}
    settled = asked.get("show") == "settled"
    with in_tenant(tenant_of(request)):
        room = _room(asked.get("room", ""))
        found = numbered(reported(settled=settled, room_id=room.id if room else None), asked, size=SIZE)
        shown = cases(found.rows)
        waiting = open_cases()
    forms = [(case, bad.get(case.message.id) or DecisionForm(auto_id=f"{case.message.id}_%s")) for case in shown]
    context = {
        "section": "moderation",
        "tab": "settled" if settled else "open",
        "tabs": _tabs(request, waiting, settled=settled),
        "cases": forms,
        "page": found,
        "room": room,
        "names": _names(shown) if settled else {},
        "words": DONE,
        "now": timezone.now(),
        "for_good": for_good(),
    }
    return render(request, "moderation/queue.html", context, status=UNPROCESSABLE if bad else 200)


def _tabs(request: HttpRequest, waiting: int, *, settled: bool) -> list[tuple[str, str, int | None, bool]]:
    asked = request.GET
    return [
        (with_query(asked, show=None, page=None), "Waiting", waiting, not settled),
        (with_query(asked, show="settled", page=None), "Settled", None, settled),
    ]


def _room(asked: str) -> Room | None:
    """The room to which the list is narrowed."""
    try:
        return Room.objects.filter(id=UUID(asked)).first()
    except ValueError:
        return None


def _names(shown: list[Case]) -> dict[UUID, str]:
    """Who settled what."""
    users = User.objects.filter(id__in={case.settled_by for case in shown if case.settled_by})
    return dict(users.values_list("id", "name"))
