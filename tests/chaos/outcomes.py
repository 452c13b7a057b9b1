"""What must hold beside the lines themselves: reactions, deletions, bans, notifications, and what people asked in vain."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from tests.chaos.logs import Ban, Log, Said, room_word
from tests.chaos.stored import Stored, Told
from tests.chaos.verdict import Verdict

MARK: Final = re.compile(r"[\w-]+ \d{5}")  # who said it and the how-manieth it was: stands in every line, and in no two
NEWEST: Final = 20  # unseen notifications that a welcome names
COUNTED: Final = 99  # to which it counts them
STOP: Final = range(4400, 4500)  # close codes after which a client does not come back
PARKED: Final = 4409  # but for this one
LONGEST_WAIT: Final = 90.0  # seconds that anybody here is ever told to wait
MARGIN_SECONDS: Final = 120.0  # around the run, in which everything must have happened that is said to have


def mark_of(text: str) -> str:
    """What tells a line from all others."""
    found = MARK.search(text)
    return found.group() if found else text


def check_reactions(verdict: Verdict, room: str, stored: Stored) -> None:
    """The sum in each message is that of the rows; what was deleted has none."""
    for line in stored.lines.values():
        rows = {emoji: len(who) for emoji, who in stored.reactions.get(line.id, {}).items()}
        if dict(line.reactions) != rows:
            verdict.find("lost", f"room {room}: seq {line.seq} shows the reactions {line.reactions}, and the rows say {rows}")
        if line.deleted and rows:
            verdict.find("lost", f"room {room}: seq {line.seq} was deleted, its reactions were not")


def check_deletions(verdict: Verdict, rooms: Mapping[str, Stored], logs: Sequence[Log], told: Sequence[Told]) -> None:
    """The words of a deleted message are kept nowhere, and stand in no answer that was made after the deletion."""
    gone = {mark: stored.lines[message].changed for stored in rooms.values() for mark, message in _deleted(stored, logs)}
    kept = [(f"the list of rooms says, of {room}", stored.last_text) for room, stored in rooms.items()]
    kept += [(f"notification {one.id} says", one.words) for one in told]
    kept += [(f"{log.name} was answered after the run", text) for log in logs for text in log.looked]
    for where, text in kept:
        for mark in gone.keys() & set(MARK.findall(text)):
            verdict.find("foreign", f"{where} {mark!r}, which was deleted")
    for log in logs:
        for mark, head in _marks_joined(log, gone.keys()):
            if head >= gone[mark]:
                verdict.find("foreign", f"{log.name} joined at {head} and was shown {mark!r}, which was deleted at {gone[mark]}")


def _deleted(stored: Stored, logs: Sequence[Log]) -> Iterator[tuple[str, str]]:
    """Everything that deleted messages ever said, and their ids."""
    by_cid = {line.cid: line.id for line in stored.lines.values() if line.deleted and line.cid}
    for log in logs:
        for one in log.said:
            message = by_cid.get(one.cid) if one.kind == "send" else one.message if one.kind == "edit" else None
            if message and message in stored.lines and stored.lines[message].deleted:
                yield mark_of(one.text), message


def _marks_joined(log: Log, marks: Iterable[str]) -> Iterator[tuple[str, int]]:
    """Which of these stand in the beginnings of rooms that were shown, and the room's head then: one moment of the database."""
    wanted = set(marks)
    for text in log.heard:
        if text.startswith('{"t":"joined"') and (found := wanted & set(MARK.findall(text))):
            head = json.loads(text)["head"]
            yield from ((mark, head) for mark in found)


def check_bans(verdict: Verdict, logs: Sequence[Log]) -> None:
    """Who is banned hears nothing that was said after the ban, a little later, until it is taken back."""
    said = [one for log in logs for one in log.said if one.text]
    for log in logs:
        for ban in log.bans:
            late = _said_after(ban, said)
            for text, moment in zip(log.heard, log.moments, strict=True):
                if ban.since < moment < ban.until:
                    for mark in late & set(MARK.findall(text)):
                        verdict.find("foreign", f"{log.name} was banned at {ban.since:.1f} and heard {mark!r} at {moment:.1f}")


def _said_after(ban: Ban, said: Iterable[Said]) -> set[str]:
    word = room_word(ban.room)
    return {mark_of(one.text) for one in said if word in one.text and ban.since + ban.bound < one.at < ban.until}


def check_notifications(verdict: Verdict, told: Sequence[Told], logs: Sequence[Log], *, prompt: bool) -> None:
    """What each agent was told, live and in the end, is what is stored for them."""
    for log in logs:
        if log.kind == "agent":
            _check_told(verdict, log, [one for one in told if one.recipient == log.person], prompt=prompt)


def _check_told(verdict: Verdict, log: Log, mine: Sequence[Told], *, prompt: bool) -> None:
    stored = {one.id: one for one in mine}
    live = Counter(frame["id"] for frame in _frames(log.heard, "notice"))
    welcomed = {notice["id"] for frame in _frames(log.heard, "welcome") for notice in frame["notices"]}
    most = 1 + len(list(_frames(log.heard, "resync")))  # the unseen ones come again behind it
    for ident, times in live.items():
        if times > most:
            verdict.find("doubled", f"{log.name} was told of {ident} {times} times", times=times - most)
    for ident in (live.keys() | welcomed) - stored.keys():
        verdict.find("foreign", f"{log.name} was told of {ident}, which is not stored for them")
    for ident in {one.id for one in mine if one.early and prompt} - live.keys() - welcomed:
        verdict.find("lost", f"{log.name} was not told of {ident} when it was stored")
    for frame in _frames(log.heard, "seen"):
        if (ident := frame.get("notification")) in stored and not stored[ident].seen:
            verdict.find("lost", f"{log.name} has seen {ident}, and it is stored as unseen")
    _check_last_welcome(verdict, log, [one for one in mine if not one.seen])


def _check_last_welcome(verdict: Verdict, log: Log, unseen: Sequence[Told]) -> None:
    """The newest unseen ones and their number, as a welcome after the run says them. Some may have been stored after that."""
    newest, least = unseen[-NEWEST:], sum(one.early for one in unseen)
    for frame in _frames(log.looked, "welcome"):
        named = {notice["id"] for notice in frame["notices"]}
        for one in newest:
            if one.early and one.id not in named:
                verdict.find("lost", f"{log.name} was welcomed without {one.id}, one of the newest of {len(unseen)} unseen")
        if not min(COUNTED, least) <= frame["unread"] <= min(COUNTED, len(unseen)):
            verdict.find("lost", f"{log.name} has {len(unseen)} unseen notifications and was told {frame['unread']}")


def _frames(texts: Iterable[str], name: str) -> Iterator[dict[str, Any]]:
    """The frames of this name among these."""
    return (json.loads(text) for text in texts if text.startswith(f'{{"t":"{name}"'))


def check_breaches(verdict: Verdict, logs: Sequence[Log]) -> None:
    """Nobody was let into a room that is not theirs."""
    for log in logs:
        for words in log.breaches:
            verdict.find("foreign", f"{log.name}: {words}")


def strange_times(log: Log, began: float, ended: float) -> list[str]:
    """What no clock may cause: a moment that was not in the run, an endless wait, and somebody who is told to stop for good."""
    found = [f"{log.name} was told to stop for good: {code}" for code in {*log.codes} if code in STOP and code != PARKED]
    least, most = _stamp(began - MARGIN_SECONDS), _stamp(ended + MARGIN_SECONDS)
    for text in (*log.heard, *log.looked):
        if any(not least <= moment <= most for moment in re.findall(r'"ts":"([^"]+)"', text)):
            found.append(f"{log.name} heard of a moment that was not in the run: {text:.300}")
        if any(float(wait) > LONGEST_WAIT for wait in re.findall(r'"retry_after":([\d.]+)', text)):
            found.append(f"{log.name} was told to wait too long: {text:.300}")
    return found


def _stamp(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
