"""What stands beside the lines is checked, too: each check finds an evening that differs in one thing from a good one."""

import json
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.chaos.doorbells import Orders
from tests.chaos.logs import Ban, Line, Log, Said, room_word
from tests.chaos.outcomes import (
    check_bans,
    check_breaches,
    check_deletions,
    check_notifications,
    check_reactions,
    strange_times,
)
from tests.chaos.stored import Stored, Told
from tests.chaos.verdict import Verdict

ROOM, VIC, BEN = "room-000000000001", "vic", "ben"
WORD = room_word(ROOM)


def frame(name: str, **fields: Any) -> str:
    """As it comes over the wire."""
    return json.dumps({"t": name, **fields}, separators=(",", ":"))


def words(count: int) -> str:
    """What Vic says."""
    return f"canary {WORD} visitor-vic {count:05}"


class Evening:
    """Vic said three lines; two reacted to the second, the third was deleted. Ben was told of two things. Pat was banned."""

    def __init__(self) -> None:
        lines = [
            Line(1, "id1", 1, "cid1", words(1), False, ()),
            Line(2, "id2", 4, "cid2", words(2), False, (("👍", 2),)),
            Line(3, "id3", 5, "cid3", "", True, ()),
        ]
        self.stored = Stored(
            5, {one.id: one for one in lines}, {one.id: VIC for one in lines}, {}, {"id2": {"👍": {BEN, "pat"}}}, words(2)
        )
        self.vic = Log("visitor-vic", VIC, "visitor", "acme", [ROOM])
        self.vic.said = [Said("send", ROOM, f"cid{n}", text=words(n), at=float(n), acks={(n, f"id{n}")}) for n in (1, 2, 3)]
        self.vic.said.append(Said("edit", ROOM, "cid4", message="id3", text=f"{words(4)} edited", at=4.0))
        self.told = [Told("n1", BEN, "reported", seen=True), Told("n2", BEN, "reported", seen=False)]
        self.ben = Log("agent-ben", BEN, "agent", "acme", [ROOM])
        self.hears(self.ben, frame("welcome", notices=[{"id": "n1"}], unread=1), 0.5)
        self.hears(self.ben, frame("joined", room=ROOM, head=4, messages=[{"text": words(3)}]), 4.5)
        self.hears(self.ben, frame("notice", id="n2", ts=stamp()), 5.0)
        self.hears(self.ben, frame("seen", notification="n1", unread=1), 5.5)
        self.ben.looked = [frame("welcome", notices=[{"id": "n2"}], unread=1), frame("joined", head=5, messages=[])]
        self.pat = Log("visitor-pat", "pat", "visitor", "acme", [ROOM], bans=[Ban(ROOM, 1.5, 3.5, 1.0)])
        self.hears(self.pat, frame("msg", message={"text": words(2)}), 2.1)
        self.hears(self.pat, frame("left", room=ROOM, code="not_found"), 2.2)
        self.hears(self.pat, frame("joined", room=ROOM, head=4, messages=[{"text": words(3)}]), 3.6)

    def hears(self, log: Log, text: str, moment: float) -> None:
        log.hear(text, moment)

    def judge(self) -> Verdict:
        verdict, logs = Verdict(), [self.vic, self.ben, self.pat]
        check_reactions(verdict, ROOM, self.stored)
        check_deletions(verdict, {ROOM: self.stored}, logs, self.told)
        check_notifications(verdict, self.told, logs, prompt=True)
        check_bans(verdict, logs)
        check_breaches(verdict, logs)
        return verdict


def stamp(ahead: float = 0.0) -> str:
    """A moment of the wire."""
    return datetime.fromtimestamp(time.time() + ahead, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def a_sum_too_high(evening: Evening) -> None:
    evening.stored.reactions["id2"]["👍"].discard(BEN)


def a_sum_of_nothing(evening: Evening) -> None:
    evening.stored.reactions.clear()


def a_row_without_a_sum(evening: Evening) -> None:
    evening.stored.reactions["id1"] = {"👀": {BEN}}


def a_reaction_outlives_its_message(evening: Evening) -> None:
    evening.stored.reactions["id3"] = {"👀": {BEN}}
    evening.stored.lines["id3"] = replace(evening.stored.lines["id3"], reactions=(("👀", 1),))


def a_list_keeps_words(evening: Evening) -> None:
    evening.stored = replace(evening.stored, last_text=words(3))


def a_notification_keeps_words(evening: Evening) -> None:
    evening.told[0] = Told("n1", BEN, f"Pat reported a message {words(3)}", seen=True)


def words_before_an_edit_are_kept(evening: Evening) -> None:
    evening.told[0] = Told("n1", BEN, f"Pat reported a message {words(4)} edited", seen=True)


def a_later_answer_has_words(evening: Evening) -> None:
    evening.hears(evening.ben, frame("joined", room=ROOM, head=5, messages=[{"text": words(3)}]), 6.0)


def a_last_look_has_words(evening: Evening) -> None:
    evening.vic.looked.append(json.dumps({"rooms": [{"last": {"text": words(3)}}]}))


def a_banned_person_hears_on(evening: Evening) -> None:
    evening.hears(evening.pat, frame("msg", message={"text": words(3)}), 3.1)


def a_strange_room_opens(evening: Evening) -> None:
    evening.vic.breaches.append("the strange room was opened")


def told_twice(evening: Evening) -> None:
    evening.hears(evening.ben, frame("notice", id="n2"), 6.0)


def told_of_anothers(evening: Evening) -> None:
    evening.told[1] = replace(evening.told[1], recipient="ada")


def not_told(evening: Evening) -> None:
    evening.ben.heard[2], evening.ben.looked[0] = frame("pong", n=1), frame("welcome", notices=[{"id": "n2"}], unread=1)


def seen_and_not_stored_so(evening: Evening) -> None:
    evening.told[0] = replace(evening.told[0], seen=False)


def welcomed_without_it(evening: Evening) -> None:
    evening.ben.looked[0] = frame("welcome", notices=[], unread=1)


def counted_wrong(evening: Evening) -> None:
    evening.ben.looked[0] = frame("welcome", notices=[{"id": "n2"}], unread=2)


FAULTS: list[tuple[str, Callable[[Evening], None]]] = [
    *(("lost", one) for one in (a_sum_too_high, a_sum_of_nothing, a_row_without_a_sum, a_reaction_outlives_its_message)),
    *(("foreign", one) for one in (a_list_keeps_words, a_notification_keeps_words, words_before_an_edit_are_kept)),
    *(("foreign", one) for one in (a_later_answer_has_words, a_last_look_has_words, a_banned_person_hears_on)),
    *(("foreign", one) for one in (a_strange_room_opens, told_of_anothers)),
    ("doubled", told_twice),
    *(("lost", one) for one in (not_told, seen_and_not_stored_so, welcomed_without_it, counted_wrong)),
]


def test_a_good_evening_is_clean() -> None:
    assert Evening().judge().findings == {}


@pytest.mark.parametrize(("check", "harm"), FAULTS, ids=[harm.__name__ for _check, harm in FAULTS])
def test_each_fault_is_found(check: str, harm: Callable[[Evening], None]) -> None:
    evening = Evening()
    harm(evening)
    assert evening.judge().counts[check] > 0


def test_what_is_told_again_since_hints_were_lost_is_not_told_twice() -> None:
    evening = Evening()
    evening.hears(evening.ben, frame("resync"), 5.5)
    told_twice(evening)
    assert evening.judge().findings == {}
    told_twice(evening)
    assert evening.judge().counts["doubled"] == 1


def test_a_moment_a_wait_and_an_end_that_only_a_clock_can_cause() -> None:
    now = time.time()
    log = Evening().ben
    log.codes = [1000, 1012, 4001, 4409]
    log.hear(frame("err", code="rate_limited", retry_after=0.5), 7.0)
    assert strange_times(log, now, now) == []
    for text in (frame("notice", id="n3", ts=stamp(3_600)), frame("notice", id="n3", ts=stamp(-3_600))):
        log.looked = [text]
        assert "not in the run" in strange_times(log, now, now)[0]
    log.looked = [frame("err", code="rate_limited", retry_after=3_599.5)]
    assert "wait too long" in strange_times(log, now, now)[0]
    log.looked, log.codes = [], [4401]
    assert "stop for good" in strange_times(log, now, now)[0]


def test_orders_are_told_from_other_doorbells() -> None:
    head = b"*3\r\n$7\r\nmessage\r\n"
    assert Orders().touchable(head + b"$4\r\nroom\r\n$9\r\n\x81\xa1k\xa3out..\r\n")
    assert not Orders().touchable(head + b"$4\r\nroom\r\n$9\r\n\x81\xa1k\xa1m....\r\n")
    assert not Orders().touchable(b"+\xa3out\r\n")


def test_what_is_stored_after_the_last_look_need_not_be_in_it() -> None:
    evening = Evening()
    evening.told.append(Told("n3", BEN, "wrote", seen=False, early=False))
    assert evening.judge().findings == {}
