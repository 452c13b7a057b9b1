"""Who is in a community room: the list, one person with what may be decided about them, and taking somebody in."""

from typing import Any, Final
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from chat.models import Participant, Room
from chat.pages.rooms.desk import page, room_on, show
from chat.pages.rooms.forms import RestrainForm
from chat.selectors.places import Only, counts_in, places_in, visitors_named
from chat.services.ends import for_good
from chat.services.members import MemberChange, remove_member, restraints_of, set_member
from saas.core.errors import BadFrame, ChangedSince, Conflict, NotFound
from saas.core.paging import numbered, with_query
from saas.core.seen import mark_of
from tenants.access import Do
from tenants.authentication import agent_of, tenant_of
from tenants.context import in_tenant
from tenants.pages.desk import refuse, who_set

WORDS: Final = {Only.ALL: "All", Only.MODERATORS: "Moderators", Only.MUTED: "Muted", Only.BANNED: "Banned"}
ROLES: Final = {"moderator": "{name} keeps order here now.", "member": "{name} is a plain member now."}
RESTRAINED: Final = {"muted_until": "{name} is muted.", "banned_until": "{name} is banned."}
LIFTED: Final = {"muted_until": "{name} may write again.", "banned_until": "{name} may come back."}


@page("GET", "HEAD", do=Do.READ_ROOMS)
def people(request: HttpRequest, room_id: UUID) -> HttpResponse:
    """Its members, or some of them; who looks for a name also finds visitors of the site who are not in yet."""
    room, asked = _community(request, room_id), request.GET
    only = Only(asked["only"]) if asked.get("only") in set(Only) else Only.ALL
    named = asked.get("named", "").strip()[:80]
    with in_tenant(tenant_of(request)):
        found = numbered(places_in(room_id, only=only, named=named), asked)
        counts = counts_in(room_id)
        others = visitors_named(room.site_id, room_id, named) if named and room.site_id else []
    filters = [(with_query(asked, only=one, page=None), WORDS[one], counts[one], one == only) for one in Only]
    context: dict[str, Any] = {
        "page": found,
        "filters": filters,
        "only": only,
        "named": named,
        "others": others,
        "now": timezone.now(),
    }
    return show(request, room, "room_people", for_good=for_good(), **context)


@page("GET", "HEAD", "POST", do=Do.READ_ROOMS, to_change=Do.MODERATE, back="room_people")
def person(request: HttpRequest, room_id: UUID, person_id: UUID) -> HttpResponse:
    """One of them, and a form to mute or ban them."""
    room = _community(request, room_id)
    form = RestrainForm(request.POST or None, place=_seat(request, room_id, person_id))
    if request.method == "POST" and form.is_valid() and _restrain(request, room, person_id, form):
        return redirect("room_person", room_id=room_id, person_id=person_id)
    place = _place(request, room_id, person_id)
    context = {"place": place, "seen": mark_of(restraints_of(place)), "form": form, "now": timezone.now(), "for_good": for_good()}
    return show(request, room, "room_people", template="room_person", status=form.status, **context)


@page("POST", do=Do.MODERATE, back="room_people")
def lift(request: HttpRequest, room_id: UUID, person_id: UUID) -> HttpResponse:
    """End a mute or a ban."""
    what, of_all_rooms = request.POST.get("what", ""), request.POST.get("back") == "moderation"
    if what not in LIFTED:
        raise NotFound("There is no such thing to lift.")
    ended: dict[str, Any] = {what: None, "seen": _seen(request), "takes_in": False}
    try:
        _set(request, room_id, person_id, LIFTED[what], MemberChange(**ended))
    except ChangedSince as refusal:
        _tell_changed(request, room_id, person_id, refusal)
    except Conflict as refusal:
        if not of_all_rooms:
            raise
        messages.error(request, refusal.message)
    if of_all_rooms:
        return redirect("moderation_people")
    return redirect("room_person", room_id=room_id, person_id=person_id)


@page("POST", do=Do.MANAGE_ROOMS, back="room_people")
def appoint(request: HttpRequest, room_id: UUID, person_id: UUID) -> HttpResponse:
    """Make a member a moderator, or a plain member again."""
    role = request.POST.get("role", "")
    if role not in ROLES:
        raise NotFound("There is no such role in a room.")
    _set(request, room_id, person_id, ROLES[role], MemberChange(role=role, takes_in=False))
    return redirect("room_person", room_id=room_id, person_id=person_id)


@page("POST", do=Do.MODERATE, back="room_people")
def take_in(request: HttpRequest, room_id: UUID, person_id: UUID) -> HttpResponse:
    """Make a visitor of the site a member."""
    _set(request, room_id, person_id, "{name} is in the room.", MemberChange())
    return redirect("room_person", room_id=room_id, person_id=person_id)


@page("POST", do=Do.MODERATE, back="room_people")
def remove(request: HttpRequest, room_id: UUID, person_id: UUID) -> HttpResponse:
    """End somebody's place, on every socket at once."""
    place = _place(request, room_id, person_id)
    try:
        remove_member(tenant_of(request), agent_of(request), room_id=room_id, person_id=person_id, seen=_seen(request))
    except ChangedSince as refusal:
        _tell_changed(request, room_id, person_id, refusal)
        return redirect("room_person", room_id=room_id, person_id=person_id)
    messages.success(request, f"{place.name} is out of the room.")
    return redirect("room_people", room_id=room_id)


def _set(request: HttpRequest, room_id: UUID, person_id: UUID, words: str, change: MemberChange) -> None:
    found = set_member(tenant_of(request), agent_of(request), room_id=room_id, person_id=person_id, change=change)
    messages.success(request, words.format(name=found.name))


def _restrain(request: HttpRequest, room: Room, person_id: UUID, form: RestrainForm) -> bool:
    """Mute or ban them; False leaves the form with what is wrong.

    A ban also keeps out who has just gone, where everybody may come in; nobody comes back by it, nor by a mute.
    """
    how, seen = form.cleaned_data["how"], form.cleaned_data["seen"]
    keeps_out = how == "banned_until" and room.join_rule != Room.JoinRule.INVITED
    try:
        until: dict[str, Any] = {how: form.end}
        _set(request, room.id, person_id, RESTRAINED[how], MemberChange(**until, seen=seen, takes_in=keeps_out))
    except ChangedSince as refusal:
        form.refuse(refusal, by=_who(request, room, person_id, refusal))
    except BadFrame as refusal:
        refuse(form, refusal)
    else:
        return True
    return False


def _seen(request: HttpRequest) -> str | None:
    """The mark of the mute and the ban as the page with the button showed them."""
    return request.POST.get("seen") or None


def _tell_changed(request: HttpRequest, room_id: UUID, person_id: UUID, refusal: ChangedSince) -> None:
    by = _who(request, _community(request, room_id), person_id, refusal) or "Somebody else"
    messages.error(request, f"{by} changed this meanwhile. Nothing was done: look at what holds now, and decide again.")


def _who(request: HttpRequest, room: Room, person_id: UUID, refusal: ChangedSince) -> str:
    return who_set(request, "participant", person_id, refusal.stored, within={"room": room.title})


def _community(request: HttpRequest, room_id: UUID) -> Room:
    room = room_on(request, room_id)
    if room.kind != Room.Kind.COMMUNITY:
        raise Conflict("Only a community room has members.")
    return room


def _seat(request: HttpRequest, room_id: UUID, person_id: UUID) -> Participant | None:
    with in_tenant(tenant_of(request)):
        return Participant.objects.filter(room=room_id, person_id=person_id, kind="visitor").first()


def _place(request: HttpRequest, room_id: UUID, person_id: UUID) -> Participant:
    """Their place. Without one there is no page, and to whoever has it open still that is told."""
    found = _seat(request, room_id, person_id)
    if found is None and request.method == "POST":
        raise Conflict("They are not in this room any more.")
    if found is None:
        raise NotFound("They are not in this room.")
    return found
