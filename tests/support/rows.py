"""What edits and read marks do to the rows of a room."""

from uuid import UUID

from django.db.models import F

from chat.models import Message, Participant, Room
from chat.selectors import summary_of
from tenants.tokens import Principal


def edit(room_id: UUID, seq: int, text: str) -> None:
    """What an edit does to the rows: one more seq, which the message remembers as its last change."""
    Room.objects.filter(id=room_id).update(last_seq=F("last_seq") + 1)
    head = Room.objects.values_list("last_seq", flat=True).get(id=room_id)
    Message.objects.filter(room=room_id, seq=seq).update(text=text, changed=head)


def mark(room_id: UUID, who: Principal, seq: int) -> None:
    Participant.objects.update_or_create(
        room_id=room_id, person_id=who.id, defaults={"read_seq": seq, "kind": who.kind, "name": who.name}
    )


def unread(who: Principal, room_id: UUID) -> object:
    return summary_of(room_id, who).unread
