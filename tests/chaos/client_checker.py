"""What people did and see, as the client's own code reported it, against what is stored. Pure, but for `stored_of`.

A report of a person: `done`, what they did in the order in which they did it; `views`, the lines that they see by room;
`unsettled`, how much still waits for its answer.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Final
from uuid import UUID

from chat.models import Message, Reaction, Room

REACTABLE: Final = ("not_found", "forbidden", "room_closed", "conflict")  # refusals of a change of a message that was deleted

Frame = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Row:
    """A message as it is stored."""

    id: str
    seq: int
    changed: int
    cid: str
    author: str
    text: str
    deleted: bool
    reactions: dict[str, set[str]]  # emoji -> people


@dataclass(frozen=True, slots=True)
class Stored:
    """A room as it is stored."""

    head: int
    rows: list[Row]


@dataclass
class Findings:
    """What was found wrong, by kind."""

    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    disordered: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)  # a view or an outcome that is not what it must be

    def __bool__(self) -> bool:
        return any(vars(self).values())

    def __str__(self) -> str:
        return "; ".join(f"{name}: {len(found)}, such as {found[:3]}" for name, found in vars(self).items() if found)


@dataclass
class Wanted:
    """What the changes that were not refused make of a message, each author's in the order in which they were made."""

    text: str
    deleted: bool = False
    reactions: dict[tuple[str, str], bool] = field(default_factory=dict)  # emoji and person

    def take(self, change: Frame, who: str) -> None:
        """Only the author edits and deletes, so changes of several people never contradict each other."""
        if change["kind"] == "delete":
            self.deleted = True
        elif change["kind"] == "edit":
            self.text = change["text"]
        else:
            self.reactions[change["emoji"], who] = change["on"]

    def is_(self, row: Row) -> bool:
        """Whether the stored message is this one. Nothing is left of a deleted one."""
        there = {(emoji, who) for emoji, people in row.reactions.items() for who in people}
        if self.deleted or row.deleted:
            return (self.deleted, row.deleted, row.text, there) == (True, True, "", set())
        return (row.text, there) == (self.text, {one for one, on in self.reactions.items() if on})


def stored_of(rooms: Sequence[str]) -> dict[str, Stored]:
    """The rooms as they are stored. Inside the tenant."""
    return {room: _stored(UUID(room)) for room in rooms}


def _stored(room: UUID) -> Stored:
    reactions: dict[UUID, dict[str, set[str]]] = {}
    for one in Reaction.objects.filter(message__room_id=room):
        reactions.setdefault(one.message_id, {}).setdefault(one.emoji, set()).add(str(one.person_id))
    rows = [
        Row(
            id=str(one.id),
            seq=one.seq,
            changed=one.changed,
            cid=str(one.cid),
            author=one.author_name,
            text=one.text,
            deleted=one.deleted_at is not None,
            reactions=reactions.get(one.id, {}),
        )
        for one in Message.objects.filter(room_id=room).order_by("seq")
    ]
    return Stored(Room.objects.values_list("last_seq", flat=True).get(id=room), rows)


def judge(result: Frame, stored: dict[str, Stored], ids: dict[str, str]) -> Findings:
    """Compare what people did and see with what is stored. `ids`: name -> id of a person."""
    found = Findings()
    if not result["level"]:
        found.wrong.append("not everyone came to the end of their rooms")
    for report in result["reports"]:
        if report["unsettled"]:
            found.lost.append(f"{report['name']} still waits for {report['unsettled']} answers")
        _judge_said(found, report, stored)
        for room, view in report["views"].items():
            _judge_view(found, f"{report['name']} in {room}", view, stored[room])
    for room, here in stored.items():
        _judge_outcome(found, room, here, result["reports"], ids)
    return found


def _judge_said(found: Findings, report: Frame, stored: dict[str, Stored]) -> None:
    """Every message is stored once, in the order said."""
    said = [one for one in report["done"] if one["kind"] == "send"]
    for room, here in stored.items():
        mine = [one for one in said if one["room"] == room]
        kept = Counter(row.cid for row in here.rows)
        found.lost += [one["text"] for one in mine if not kept[one["cid"]]]
        found.doubled += [one["text"] for one in mine if kept[one["cid"]] > 1]
        places = {row.cid: row.seq for row in here.rows}
        order = [(places[one["cid"]], one["text"]) for one in mine if one["cid"] in places]
        found.disordered += [
            f"{later} ({after}) stands before {earlier} ({before})"
            for (before, earlier), (after, later) in pairwise(order)
            if after < before
        ]


def _judge_view(found: Findings, who: str, view: list[Frame], here: Stored) -> None:
    """What a person sees is what is stored, line by line."""
    seen = Counter(line["id"] for line in view)
    kept = {row.id: row for row in here.rows}
    found.lost += [f"{who} does not see {row.seq}" for row in here.rows if not seen[row.id]]
    found.doubled += [f"{who} sees {line['seq']} twice" for line in view if seen[line["id"]] > 1 or line["id"] not in kept]
    if [line["seq"] for line in view] != sorted(line["seq"] for line in view):
        found.disordered.append(who)
    found.wrong += [
        f"{who} sees {line}" for line in view if line["id"] in kept and _shape(line) != _stored_shape(kept[line["id"]])
    ]


def _shape(line: Frame) -> tuple[Any, ...]:
    reactions = {emoji: (one["n"], frozenset(one["who"])) for emoji, one in line["reactions"].items()}
    return (line["seq"], line["changed"], line["text"], line.get("deleted", False), reactions)


def _stored_shape(row: Row) -> tuple[Any, ...]:
    reactions = {emoji: (len(who), frozenset(who)) for emoji, who in row.reactions.items()}
    return (row.seq, row.changed, row.text, row.deleted, reactions)


def _judge_outcome(found: Findings, room: str, here: Stored, reports: list[Frame], ids: dict[str, str]) -> None:
    """Each message is what its people made of it, and nothing else is in the room."""
    said = {one["cid"]: one["text"] for report in reports for one in report["done"] if one["kind"] == "send"}
    found.doubled += [f"{row.text} in {room} was never said" for row in here.rows if row.cid not in said]
    deleted = {row.id for row in here.rows if row.deleted}
    wanted = {row.id: Wanted(said.get(row.cid, row.text)) for row in here.rows}
    for report in reports:
        changes = [one for one in report["done"] if one["room"] == room and one["kind"] != "send"]
        for one in changes:
            if "code" not in one:
                wanted[one["message"]].take(one, ids[report["name"]])
            elif one["code"] not in REACTABLE or one["message"] not in deleted:
                found.wrong.append(f"{report['name']} was refused {one}")
    found.wrong += [f"{row} should be {wanted[row.id]}" for row in here.rows if not wanted[row.id].is_(row)]
