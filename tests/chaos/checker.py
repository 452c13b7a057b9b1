"""Compares what people said and heard with what the database holds. Plain SQL and plain logs: nothing of the product is used.

- lost: acknowledged and not stored as acknowledged, or stored and not shown to somebody in the room
- doubled: stored or shown twice
- disordered: a seq that is missing or stands twice, one sender's lines out of the order sent, two people who see two orders, two
  answers to one question
- foreign: a word of another tenant, of a room of others, of a private note, of a deleted message, or of a room from which one is
  banned, where it must never be
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from itertools import pairwise

from tests.chaos.logs import Log, Said, Tenant, note_word, room_word
from tests.chaos.outcomes import check_bans, check_breaches, check_deletions, check_notifications, check_reactions
from tests.chaos.stored import Stored, read_notifications, read_rooms
from tests.chaos.verdict import Verdict


def check(
    database: str,
    tenants: Sequence[Tenant],
    logs: Sequence[Log],
    texts: Iterable[str] = (),
    *,
    early: AbstractSet[str],
    prompt: bool = False,
) -> Verdict:
    """Compare everything. `database` is a superuser's address; `texts` are other outputs that must hold no word of a tenant.

    `early` are the notifications that were stored before everybody looked for the last time: some are made a while after a line.
    `prompt`: nothing was broken, so that notifications must have come at once, and not only with a welcome after the run.
    """
    verdict = Verdict()
    for tenant in tenants:
        theirs = [log for log in logs if log.tenant == tenant.slug]
        rooms = read_rooms(database, tenant.schema, sorted({room for log in theirs for room in log.rooms}))
        for room, stored in rooms.items():
            _check_room(verdict, room, stored, theirs)
        _check_words(verdict, tenant, tenants, theirs, rooms)
        told = [replace(one, early=one.id in early) for one in read_notifications(database, tenant.schema)]
        check_deletions(verdict, rooms, theirs, told)
        check_notifications(verdict, told, theirs, prompt=prompt)
        check_bans(verdict, theirs)
        check_breaches(verdict, theirs)
    for text in texts:
        for tenant in tenants:
            if times := text.count(tenant.canary):
                verdict.find("foreign", f"a word of {tenant.slug} stands in an output that is no tenant's", times=times)
    return verdict


def _check_room(verdict: Verdict, room: str, stored: Stored, logs: Sequence[Log]) -> None:
    _check_numbers(verdict, room, stored)
    _check_doubles(verdict, room, stored)
    check_reactions(verdict, room, stored)
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
    """Everything said is unique, so the same words stored twice are one message stored twice. (System lines are nobody's.)"""
    said = [line for line in stored.lines.values() if stored.authors[line.id]]
    texts = Counter(line.text for line in said if line.text)
    cids = Counter((stored.authors[line.id], line.cid) for line in said if line.cid)
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
        for text in (*log.heard, *log.looked):
            if any(word in text for word in words):
                verdict.find("foreign", f"{log.name} of {tenant.slug} heard {text[:200]}")
