"""Compares what people said and heard with what the database holds. Plain SQL and plain logs: nothing of the product is used.

- lost: acknowledged and not stored as acknowledged, or stored and not shown to somebody in the room
- doubled: stored or shown twice
- disordered: a seq that is missing or stands twice, one sender's lines out of the order sent, two people who see two orders, two
  answers to one question
- foreign: a word of another tenant, of a room of others, or of a private note where it must never be
"""

import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Final

import psycopg
from psycopg import sql

from tests.chaos.logs import Line, Log, Said, Tenant, note_word, room_word

CHECKS: Final = ("lost", "doubled", "disordered", "foreign")
RECOVERY_SECONDS: Final = 60.0  # that the database may take to come back before it is judged
MOST_FINDINGS: Final = 40  # words are kept of so many of each kind; all are counted


@dataclass
class Verdict:
    """What was found. `unanswered` is what was neither acknowledged nor refused for good when the run ended."""

    acked: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    findings: dict[str, list[str]] = field(default_factory=dict)

    def find(self, check: str, words: str, *, times: int = 1) -> None:
        """Note that something is wrong."""
        self.counts[check] += times
        known = self.findings.setdefault(check, [])
        if len(known) < MOST_FINDINGS:
            known.append(words)

    @property
    def is_clean(self) -> bool:
        return not self.counts

    def totals(self) -> dict[str, int]:
        """The figures that are published."""
        return {"acked": self.acked, **{check: self.counts[check] for check in CHECKS}}


@dataclass(frozen=True, slots=True)
class Stored:
    """A room as the database holds it."""

    last_seq: int
    lines: dict[str, Line]  # by message id
    authors: dict[str, str]  # message id -> person id
    changes: dict[tuple[str, str], tuple[int, str]]  # person id and cid -> seq and message id


def check(database: str, tenants: Sequence[Tenant], logs: Sequence[Log], texts: Iterable[str] = ()) -> Verdict:
    """Compare everything. `database` is a superuser's address; `texts` are other outputs that must hold no word of a tenant."""
    verdict = Verdict()
    for tenant in tenants:
        theirs = [log for log in logs if log.tenant == tenant.slug]
        rooms = read_rooms(database, tenant.schema, sorted({room for log in theirs for room in log.rooms}))
        for room, stored in rooms.items():
            _check_room(verdict, room, stored, theirs)
        _check_words(verdict, tenant, tenants, theirs, rooms)
    for text in texts:
        for tenant in tenants:
            if times := text.count(tenant.canary):
                verdict.find("foreign", f"a word of {tenant.slug} stands in an output that is no tenant's", times=times)
    return verdict


def read_rooms(database: str, schema: str, rooms: Sequence[str]) -> dict[str, Stored]:
    """The rooms of a tenant in one snapshot."""
    with _connected(database) as connection:
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        connection.execute(sql.SQL("SET search_path = {}").format(sql.Identifier(schema)))
        return {room: _read_room(connection, room) for room in rooms}


def _connected(database: str) -> psycopg.Connection[Any]:
    """A connection, as soon as the database takes one: it may be recovering from its log."""
    over = time.monotonic() + RECOVERY_SECONDS
    while True:
        try:
            return psycopg.connect(database, connect_timeout=5)
        except psycopg.OperationalError:
            if time.monotonic() > over:
                raise
            time.sleep(0.2)


def read_heads(database: str, schema: str, rooms: Sequence[str]) -> dict[str, tuple[int, int]]:
    """The last seq of each room, and how many messages it has: how far a view must have come."""
    with psycopg.connect(database, connect_timeout=5) as connection:
        connection.execute(sql.SQL("SET search_path = {}").format(sql.Identifier(schema)))
        found = connection.execute(
            "SELECT r.id::text, r.last_seq, (SELECT count(*) FROM chat_message m WHERE m.room_id = r.id) FROM chat_room r"
            " WHERE r.id = ANY (%s::uuid[])",
            [list(rooms)],
        ).fetchall()
    return {room: (head, count) for room, head, count in found}


def _read_room(connection: psycopg.Connection[Any], room: str) -> Stored:
    head = connection.execute("SELECT last_seq FROM chat_room WHERE id = %s", [room]).fetchone()
    rows = connection.execute(
        "SELECT id::text, seq, changed, coalesce(cid::text, ''), coalesce(author_id::text, ''), text, deleted_at IS NOT NULL,"
        " reactions FROM chat_message WHERE room_id = %s ORDER BY seq",
        [room],
    ).fetchall()
    changes = connection.execute(
        "SELECT author_id::text, cid::text, seq, message_id::text FROM chat_change WHERE room_id = %s", [room]
    ).fetchall()
    return Stored(
        last_seq=head[0] if head else 0,
        lines={row[0]: Line(row[1], row[0], row[2], row[3], row[5], row[6], _reactions(row[7])) for row in rows},
        authors={row[0]: row[4] for row in rows},
        changes={(author, cid): (seq, message) for author, cid, seq, message in changes},
    )


def _reactions(column: dict[str, Any]) -> tuple[tuple[str, int], ...]:
    """However the sum is kept: as a number, a list of people, or an object with `n`."""
    counts = {emoji: said.get("n", 0) if isinstance(said, dict) else said for emoji, said in (column or {}).items()}
    return tuple(sorted((emoji, len(said) if isinstance(said, list) else int(said)) for emoji, said in counts.items()))


def _check_room(verdict: Verdict, room: str, stored: Stored, logs: Sequence[Log]) -> None:
    _check_numbers(verdict, room, stored)
    _check_doubles(verdict, room, stored)
    for log in logs:
        if room in log.rooms:
            said = [one for one in log.said if one.room == room]
            for one in said:
                _check_answer(verdict, log, one, stored)
            _check_own_order(verdict, log, said, stored)
            _check_own_edits(verdict, log, said, stored)
            _check_shown(verdict, log, room, stored)


def _check_numbers(verdict: Verdict, room: str, stored: Stored) -> None:
    """Births and changes together are 1, 2, 3 and so on to the room's last seq; a change that changed nothing took none."""
    births = Counter(line.seq for line in stored.lines.values())
    taken = births.keys() | {seq for seq, _message in stored.changes.values()}
    for seq in sorted(set(range(1, stored.last_seq + 1)) ^ taken):
        verdict.find("disordered", f"room {room}: seq {seq} of {stored.last_seq} is {'unknown' if seq in taken else 'missing'}")
    for seq, times in births.items():
        if times > 1:
            verdict.find("disordered", f"room {room}: seq {seq} stands {times} times", times=times - 1)


def _check_doubles(verdict: Verdict, room: str, stored: Stored) -> None:
    """Everything said is unique, so the same words stored twice are one message stored twice."""
    texts = Counter(line.text for line in stored.lines.values() if line.text and line.cid)
    cids = Counter((stored.authors[line.id], line.cid) for line in stored.lines.values() if line.cid)
    for words, times in [*texts.items(), *cids.items()]:
        if times > 1:
            verdict.find("doubled", f"room {room}: {words!r:.120} is stored {times} times", times=times - 1)


def _check_answer(verdict: Verdict, log: Log, one: Said, stored: Stored) -> None:
    if not one.acks:
        if not one.given_up:
            verdict.find("unanswered", f"{log.name}: {one.kind} {one.text!r:.60}, last refused as {one.refused or None}")
        return
    verdict.acked += 1
    if len(one.acks) > 1:
        verdict.find("disordered", f"{log.name}: {one.cid} was acknowledged as {sorted(one.acks)}")
    for seq, message in one.acks:
        if one.kind == "send":
            line = stored.lines.get(message)
            found = line is not None and (line.seq, line.cid) == (seq, one.cid)
        else:
            found = stored.changes.get((log.person, one.cid)) == (seq, message)
        if not found:
            verdict.find("lost", f"{log.name}: {one.kind} {one.text!r:.60} was acknowledged as {seq} and is not stored so")


def _check_own_order(verdict: Verdict, log: Log, said: Sequence[Said], stored: Stored) -> None:
    """Lines of one sender in one room stand in the order sent, but for those that were refused and sent again."""
    seqs = {line.cid: line.seq for line in stored.lines.values() if stored.authors[line.id] == log.person}
    mine = [seqs[one.cid] for one in said if one.kind == "send" and not one.refused and one.cid in seqs]
    for before, after in pairwise(mine):
        if after < before:
            verdict.find("disordered", f"{log.name}: said in the order {before}, {after}")


def _check_own_edits(verdict: Verdict, log: Log, said: Sequence[Said], stored: Stored) -> None:
    """The last acknowledged edit is what stands, unless the message was deleted; a deletion leaves nothing of the words."""
    last: dict[str, tuple[int, Said]] = {}
    for one in said:
        if one.kind in {"edit", "delete"} and one.acks:
            place = (max(seq for seq, _id in one.acks), one)
            last[one.message] = max(last.get(one.message, place), place, key=lambda found: found[0])
    for message, (_seq, one) in last.items():
        line = stored.lines.get(message)
        if line is None or (one.kind == "edit" and not line.deleted and line.text != one.text):
            verdict.find("lost", f"{log.name}: an edit to {one.text!r:.60} was acknowledged and does not stand")
    for line in stored.lines.values():
        if line.deleted and line.text:
            verdict.find("lost", f"{log.name}: a deletion left {line.text!r:.60}")


def _check_shown(verdict: Verdict, log: Log, room: str, stored: Stored) -> None:
    """What the person sees at the end is what the database holds, line by line."""
    shown = log.shown.get(room, {})
    for message, line in stored.lines.items():
        seen = shown.get(message)
        if seen is None:
            verdict.find("lost", f"{log.name} never saw seq {line.seq} of {room}")
        elif seen.seq != line.seq:
            verdict.find("disordered", f"{log.name} saw {message} at {seen.seq}, not {line.seq}")
        elif seen != line:
            verdict.find("lost", f"{log.name} saw {seen!r:.200}, not {line!r:.200}")
    for message in shown.keys() - stored.lines.keys():
        verdict.find("doubled", f"{log.name} saw {shown[message]!r:.200}, which is not stored")
    for clash in log.clashes:
        verdict.find("disordered", f"{log.name}: {clash}")


def _check_words(
    verdict: Verdict, tenant: Tenant, tenants: Sequence[Tenant], logs: Sequence[Log], rooms: dict[str, Stored]
) -> None:
    others = [other.canary for other in tenants if other is not tenant]
    for room, stored in rooms.items():
        for line in stored.lines.values():
            if any(word in line.text for word in others):
                verdict.find("foreign", f"{tenant.slug} stores {line.text!r:.80} in {room}")
    for log in logs:
        words = list(others)
        if log.kind == "visitor":  # agents hear of all rooms
            words += [note_word(tenant.canary), *(room_word(room) for room in rooms if room not in log.rooms)]
        for text in log.heard:
            if any(word in text for word in words):
                verdict.find("foreign", f"{log.name} of {tenant.slug} heard {text[:200]}")
