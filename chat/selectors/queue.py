"""What is complained about, message by message, with what stood around it. Inside the tenant, evaluated.

A page costs four statements, however many complaints it shows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db.models import Exists, Max, OuterRef, QuerySet
from django.utils import timezone

from chat.models import Message, Participant, Report
from chat.selectors.rows import rows

SIZE: Final = 20  # messages on a page
AROUND: Final = 2  # lines before and after the message
CONTEXT: Final = """
    SELECT asked.id, line.seq, line.author_kind, line.author_name, line.text, line.deleted_at IS NOT NULL, line.ts
    FROM unnest(%(messages)s::uuid[], %(rooms)s::uuid[], %(seqs)s::bigint[]) AS asked (id, room_id, seq)
    CROSS JOIN LATERAL (
        (SELECT * FROM chat_message said WHERE said.room_id = asked.room_id AND said.seq < asked.seq
         ORDER BY said.seq DESC LIMIT %(around)s)
        UNION ALL
        (SELECT * FROM chat_message said WHERE said.room_id = asked.room_id AND said.seq > asked.seq
         ORDER BY said.seq LIMIT %(around)s)
    ) line
    ORDER BY asked.id, line.seq
"""


@dataclass(frozen=True, slots=True)
class Line:
    """A line beside the message."""

    seq: int
    by_kind: str  # agent, visitor, system
    by: str
    text: str
    is_deleted: bool
    at: datetime


@dataclass(frozen=True, slots=True)
class Complaint:
    """One person's complaint."""

    by: str
    reason: str
    at: datetime


@dataclass(slots=True)
class Case:
    """A message with its complaints, open ones or settled ones."""

    message: Message  # with its room and the room's site
    complaints: list[Complaint] = field(default_factory=list)
    before: list[Line] = field(default_factory=list)
    after: list[Line] = field(default_factory=list)
    muted_until: datetime | None = None  # its author, at the moment
    banned_until: datetime | None = None
    settled_at: datetime | None = None
    settled_by: UUID | None = None
    done: list[str] = field(default_factory=list)  # "deleted", "muted", "banned"

    @property
    def can_delete(self) -> bool:
        """Whether there is something left to delete."""
        return self.message.deleted_at is None

    @property
    def can_restrain(self) -> bool:
        """Whether its author can be muted or banned."""
        return self.message.author_kind == "visitor" and self.message.room.kind == "community"


def reported(*, settled: bool = False, room_id: UUID | None = None) -> QuerySet[Any, Any]:
    """The ids of messages with open complaints, or with settled ones only; what was complained about last is first.

    Not evaluated: the pager counts it.
    """
    of_message = Report.objects.filter(message=OuterRef("message_id"), settled_at=None)
    found = Report.objects.filter(~Exists(of_message)) if settled else Report.objects.filter(settled_at=None)
    if room_id:
        found = found.filter(room=room_id)
    each = found.values("message_id").annotate(last=Max("created_at")).order_by("-last", "-message_id")
    return each.values_list("message_id", flat=True)


def open_cases(room_id: UUID | None = None) -> int:
    """How many messages wait for a decision."""
    return reported(room_id=room_id).count()


def cases(messages: Sequence[UUID]) -> list[Case]:
    """These messages with all that a moderator needs to decide, in this order. Deleted ones have no words any more."""
    found = Message.objects.filter(id__in=messages).select_related("room__site")
    shown = {message.id: Case(message) for message in found}
    _add_complaints(shown)
    _add_context(shown)
    _add_restraints(shown)
    return [shown[one] for one in messages if one in shown]


def _add_complaints(shown: Mapping[UUID, Case]) -> None:
    for report in Report.objects.filter(message__in=list(shown)).order_by("created_at", "id"):
        case = shown[report.message_id]
        case.complaints.append(Complaint(report.reporter_name, report.reason, report.created_at))
        if report.settled_at:
            case.settled_at, case.settled_by, case.done = report.settled_at, report.settled_by, list(report.done)


def _add_context(shown: Mapping[UUID, Case]) -> None:
    messages = [case.message for case in shown.values()]
    asked = {
        "messages": [message.id for message in messages],
        "rooms": [message.room_id for message in messages],
        "seqs": [message.seq for message in messages],
        "around": AROUND,
    }
    for ident, *columns in rows(CONTEXT, asked):
        case, line = shown[ident], Line(*columns)
        (case.before if line.seq < case.message.seq else case.after).append(line)


def _add_restraints(shown: Mapping[UUID, Case]) -> None:
    """How their authors stand in the room now."""
    authors = {case.message.author_id for case in shown.values() if case.message.author_id}
    now = timezone.now()
    places: dict[tuple[UUID, UUID | None], Participant] = {}
    for place in Participant.objects.filter(person_id__in=authors, room__in={case.message.room_id for case in shown.values()}):
        places[place.room_id, place.person_id] = place
    for case in shown.values():
        if theirs := places.get((case.message.room_id, case.message.author_id)):
            case.muted_until = _lasting(theirs.muted_until, now)
            case.banned_until = _lasting(theirs.banned_until, now)


def _lasting(end: datetime | None, now: datetime) -> datetime | None:
    return end if end and end > now else None
