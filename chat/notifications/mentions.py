"""`@name`: who is named in a line, and telling them.

In a room of the team and in its notes the team can be named, in a community room whoever has a place there. A name is what people
are called; of the team's the first word is enough where only one begins so. Case does not matter; the longest name counts.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.db import connection, transaction

from chat.limits import MENTION_PER_PERSON
from chat.notifications.draft import cut, draft
from chat.notifications.storing import store_for
from chat.realtime.aftermath import Batch, Line, Told
from saas.core.errors import RateLimited
from saas.core.ratelimit import check
from tenants.context import TenantRef, in_tenant
from tenants.lookup import Lookup
from tenants.selectors import members_of

KIND: Final = "mention"
MOST_NAMED: Final = 10  # in one line
MOST_WORDS: Final = 6  # of a name
LONGEST_NAME: Final = 80
AT: Final = re.compile(r"(?<![\w@.+-])@(?=\w)")  # not that of an address
WORD: Final = re.compile(r"\S+")
TAIL: Final = re.compile(r"\W+$")

# Where the lines stand, and what they say by now; locked while they are quoted, as in `unheld.py`.
LINES: Final = """
    SELECT line.id, line.text, room.id, room.kind, room.notes_of_id, room.title
    FROM chat_message line JOIN chat_room room ON room.id = line.room_id
    WHERE line.id = ANY(%(lines)s) AND line.deleted_at IS NULL AND (room.kind = 'community' OR room.kind = 'team')
    FOR SHARE OF line
"""
# Who of the people of these community rooms is called so. A banned one is not there.
PEOPLE: Final = """
    SELECT place.room_id, place.person_id, lower(coalesce(visitor.name, place.name))
    FROM chat_participant place LEFT JOIN chat_visitor visitor ON visitor.id = place.person_id
    WHERE place.room_id = ANY(%(rooms)s) AND lower(coalesce(visitor.name, place.name)) = ANY(%(names)s)
      AND (place.banned_until IS NULL OR place.banned_until < now())
    LIMIT 1000
"""

Names = Mapping[str, Sequence[UUID]]  # who is called so; in small letters


@dataclass(frozen=True, slots=True)
class Named:
    """A line that may name somebody, with its room."""

    line: Line
    text: str
    room_id: UUID
    kind: str
    notes_of: UUID | None
    title: str


def spoken(text: str) -> Iterator[list[str]]:
    """For each `@` of a text what may be the name behind it, in small letters, the longest first. Pure."""
    for at in AT.finditer(text):
        rest = text[at.end() : at.end() + LONGEST_NAME].partition("\n")[0]
        ends = [word.end() for _, word in zip(range(MOST_WORDS), WORD.finditer(rest), strict=False)]
        found = (" ".join(form.split()) for end in reversed(ends) for form in (rest[:end], TAIL.sub("", rest[:end])))
        yield list(dict.fromkeys(form.lower() for form in found if form))


def named_in(text: str, names: Names) -> list[UUID]:
    """Whom a text names, each once, in order. Pure."""
    found: dict[UUID, None] = {}
    for forms in spoken(text):
        called = next((names[form] for form in forms if form in names), ())
        found |= dict.fromkeys(called)
    return list(found)[:MOST_NAMED]


def names_of(members: Iterable[tuple[UUID, str]]) -> dict[str, list[UUID]]:
    """By what the members of a team can be called: their names, and first words that only one has. Pure."""
    names: dict[str, list[UUID]] = {}
    first: dict[str, list[UUID]] = {}
    for who, name in members:
        words = name.lower().split()
        if words:
            names.setdefault(" ".join(words), []).append(who)
            first.setdefault(words[0], []).append(who)
    return {word: people for word, people in first.items() if len(people) == 1} | names


def tell_of_names(tenant: TenantRef, batch: Batch) -> list[Told]:
    """Store a notification for whoever is named in the lines of the batch. From a thread, outside of the tenant."""
    if not batch.naming:
        return []
    team = names_of(_teams.get(tenant.id) or ())
    with in_tenant(tenant), transaction.atomic():
        lines = _lines(batch.naming)
        people = _people([one for one in lines if one.kind == "community"])
        told = [_tell(tenant, one, team if one.kind == "team" else people.get(one.room_id, {}), batch.looking) for one in lines]
    return [one for one in told if one is not None]


def _lines(naming: Sequence[Line]) -> list[Named]:
    by_id = {line.id: line for line in naming}
    return [Named(by_id[row[0]], *row[1:]) for row in _rows(LINES, {"lines": list(by_id)})]


def _people(lines: Sequence[Named]) -> dict[UUID, dict[str, list[UUID]]]:
    """By community room, who of those that may be meant is there."""
    names = {form for one in lines for forms in spoken(one.text) for form in forms}
    found: dict[UUID, dict[str, list[UUID]]] = {}
    if names:
        for room, who, name in _rows(PEOPLE, {"rooms": list({one.room_id for one in lines}), "names": list(names)}):
            found.setdefault(room, {}).setdefault(name, []).append(who)
    return found


def _tell(tenant: TenantRef, one: Named, names: Names, looking: Mapping[UUID, set[UUID]]) -> Told | None:
    author, room = one.line.row.author, one.notes_of or one.room_id
    passed_over = {author.id} | looking.get(one.room_id, set())
    meant = [who for who in named_in(one.text, names) if who not in passed_over]
    if not meant or not _is_let_through(tenant, author.id):
        return None
    written = draft(
        category="mentions",
        kind=KIND,
        title=cut(f"{author.name} mentioned you in {'a note on ' if one.notes_of else ''}{one.title}", "title"),
        body=cut(one.text, "body"),
        url=f"/inbox/{room}/",
        room=room,
        key=f"mention:{one.line.id}",
    )
    sent = store_for(meant, written, strict=False)
    return Told(sent.notice, sent.to) if sent else None


def _is_let_through(tenant: TenantRef, author: UUID | None) -> bool:
    """Whoever names people all the time names them in vain."""
    try:
        check(MENTION_PER_PERSON, tenant.id, author)
    except RateLimited:
        return False
    return True


def _rows(statement: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall())


def forget_team(*, tenant_id: UUID, **_facts: Any) -> None:
    """Read the names of the team anew. Called with every change of the tenant."""
    _teams.forget(lambda tenant, _members: tenant == tenant_id)


_teams: Lookup[UUID, list[tuple[UUID, str]]] = Lookup(lambda tenant_id: [(one.id, one.name) for one in members_of(tenant_id)])
