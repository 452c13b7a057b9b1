"""Each check of the checker finds what it is there for, in a room that differs from a good one in one thing."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.chaos.checker import _check_room, _check_words
from tests.chaos.doorbells import Replies
from tests.chaos.logs import Line, Log, Said, Tenant, note_word, room_word
from tests.chaos.stored import Stored
from tests.chaos.verdict import Verdict
from tests.chaos.view import View

ROOM, VIC, BEN = "room-000000000001", "vic", "ben"
ACME, GLOBEX = Tenant("acme", "t_acme", "canary-acme"), Tenant("globex", "t_globex", "canary-globex")


def line(seq: int, changed: int = 0) -> Line:
    """A line of Vic's."""
    return Line(seq, f"id{seq}", changed or seq, f"cid{seq}", f"canary-acme {seq}", False, ())


class Day:
    """Three lines of Vic's that Ben heard, the last of them edited, and all is well."""

    def __init__(self) -> None:
        lines = {one.id: one for one in (line(1), line(2), replace(line(3, 4), text="canary-acme edited"))}
        self.stored = Stored(4, dict(lines), dict.fromkeys(lines, VIC), {(VIC, "cid4"): (4, "id3")})
        self.vic = Log("Vic", VIC, "visitor", "acme", [ROOM], shown={ROOM: dict(lines)})
        self.ben = Log("Ben", BEN, "agent", "acme", [ROOM, "notes"], shown={ROOM: dict(lines)})
        self.vic.said = [Said("send", ROOM, f"cid{n}", text=f"canary-acme {n}", acks={(n, f"id{n}")}) for n in (1, 2, 3)]
        self.vic.said.append(Said("edit", ROOM, "cid4", message="id3", text="canary-acme edited", acks={(4, "id3")}))

    def judge(self) -> Verdict:
        verdict = Verdict()
        _check_room(verdict, ROOM, self.stored, [self.vic, self.ben])
        _check_words(verdict, ACME, [ACME, GLOBEX], [self.vic, self.ben], {ROOM: self.stored, "notes": self.stored})
        return verdict


def not_stored(day: Day) -> None:
    day.stored.lines.pop("id2")
    for log in (day.vic, day.ben):
        log.shown[ROOM].pop("id2")


def stored_elsewhere(day: Day) -> None:
    day.vic.said[1].acks = {(9, "id2")}


def never_seen(day: Day) -> None:
    day.ben.shown[ROOM].pop("id2")


def old_words_seen(day: Day) -> None:
    day.ben.shown[ROOM]["id3"] = line(3)


def edit_not_stored(day: Day) -> None:
    day.stored.changes.clear()


def edit_reverted(day: Day) -> None:
    for lines in (day.stored.lines, day.vic.shown[ROOM], day.ben.shown[ROOM]):
        lines["id3"] = line(3, 4)


def words_left_by_a_deletion(day: Day) -> None:
    for lines in (day.stored.lines, day.vic.shown[ROOM], day.ben.shown[ROOM]):
        lines["id1"] = replace(line(1), deleted=True)


def stored_twice(day: Day) -> None:
    day.stored.lines["id2b"] = replace(line(2), id="id2b", seq=5, changed=5, cid="another")
    day.stored.authors["id2b"] = VIC


def shown_but_not_stored(day: Day) -> None:
    day.ben.shown[ROOM]["ghost"] = replace(line(3), id="ghost")


def a_gap(day: Day) -> None:
    day.stored = replace(day.stored, last_seq=5)


def one_seq_twice(day: Day) -> None:
    day.stored.lines["id2"] = replace(line(2), seq=1)


def seen_elsewhere(day: Day) -> None:
    day.ben.shown[ROOM]["id2"] = replace(line(2), seq=3)


def overtaken(day: Day) -> None:
    day.vic.said[0], day.vic.said[1] = day.vic.said[1], day.vic.said[0]


def two_answers(day: Day) -> None:
    day.vic.said[0].acks.add((2, "id2"))


def a_clash(day: Day) -> None:
    day.ben.clashes.append("seq 1 is id1 and id9")


def a_strangers_word(day: Day) -> None:
    day.ben.heard.append('{"t":"err","message":"canary-globex 1"}')


def a_strangers_word_stored(day: Day) -> None:
    for lines in (day.stored.lines, day.vic.shown[ROOM], day.ben.shown[ROOM]):
        lines["id1"] = replace(line(1), text="canary-globex 1")


def a_word_of_another_room(day: Day) -> None:
    day.vic.heard.append(room_word("notes"))


def a_note(day: Day) -> None:
    day.vic.heard.append(note_word("canary-acme"))


def not_answered(day: Day) -> None:
    day.vic.said.append(Said("react", ROOM, "cid5"))


FAULTS: list[tuple[str, Callable[[Day], None]]] = [
    *(("lost", one) for one in (not_stored, stored_elsewhere, never_seen, old_words_seen, edit_not_stored, edit_reverted)),
    ("lost", words_left_by_a_deletion),
    *(("doubled", one) for one in (stored_twice, shown_but_not_stored)),
    *(("disordered", one) for one in (a_gap, one_seq_twice, seen_elsewhere, overtaken, two_answers, a_clash)),
    *(("foreign", one) for one in (a_strangers_word, a_strangers_word_stored, a_word_of_another_room, a_note)),
    ("unanswered", not_answered),
]


def test_a_good_day_is_clean() -> None:
    verdict = Day().judge()
    assert verdict.findings == {}
    assert verdict.acked == 4


@pytest.mark.parametrize(("check", "harm"), FAULTS, ids=[harm.__name__ for _check, harm in FAULTS])
def test_each_fault_is_found(check: str, harm: Callable[[Day], None]) -> None:
    day = Day()
    harm(day)
    assert day.judge().counts[check] > 0


def test_a_refused_line_may_be_overtaken() -> None:
    day = Day()
    overtaken(day)
    day.vic.said[0].refused = "busy"
    assert day.judge().is_clean


def frame(seq: int, born: int = 0) -> dict[str, object]:
    """A message of the wire."""
    return {"id": f"id{born or seq}", "seq": born or seq, "changed": seq, "text": f"{seq}", "cid": "c"}


def test_a_view_puts_lines_in_order_and_keeps_what_stands_beyond_a_hole() -> None:
    view = View()
    view.joined({"resumed": False, "epoch": "e", "head": 1, "more": False, "messages": [frame(1)]})
    for seq in (3, 3, 5, 1):
        view.hear(seq, frame(seq))
    assert (view.last, view.broken) == (1, True)
    view.joined({"resumed": True, "epoch": "e", "head": 4, "more": False, "messages": [frame(2), frame(4, born=3)]})
    assert (view.last, view.position, view.broken) == (5, 5, False)
    assert [(line.seq, line.text) for line in sorted(view.lines.values(), key=lambda one: one.seq)] == [
        (1, "1"),
        (2, "2"),
        (3, "4"),
        (5, "5"),
    ]


def test_a_view_leaves_older_lines_to_history() -> None:
    view = View()
    view.joined({"resumed": False, "epoch": "e", "head": 30, "more": True, "messages": [frame(29), frame(30)]})
    view.hear(31, frame(31, born=5))
    assert (view.last, view.oldest, sorted(view.lines)) == (31, 29, ["id29", "id30"])
    view.older({"messages": [frame(31, born=5), frame(6)], "more": True})
    assert (view.oldest, view.lines["id5"].changed) == (5, 31)


def test_a_view_resumes_in_the_middle_of_a_catch_up() -> None:
    view = View()
    view.joined({"resumed": True, "epoch": "e", "head": 9, "more": True, "messages": [frame(1), frame(2)]})
    view.hear(10, frame(10))
    assert (view.position, view.paging) == (2, True)
    view.cut()
    assert view.position == 2
    view.joined({"resumed": True, "epoch": "e", "head": 10, "more": True, "messages": [frame(3)]})
    view.page({"more": False, "messages": [frame(10)]})
    assert (view.last, view.position, view.paging) == (10, 10, False)


def test_a_redis_stream_falls_into_whole_replies() -> None:
    bell = b"*3\r\n$7\r\nmessage\r\n$4\r\nroom\r\n$6\r\n\r\n*1\r\n\r\n"
    other = b"*3\r\n$9\r\nsubscribe\r\n$4\r\nroom\r\n:1\r\n"
    stream = b"+PONG\r\n" + bell + other + b"$-1\r\n*-1\r\n" + b">" + bell[1:] + b"%1\r\n+a\r\n:1\r\n"
    replies = Replies()
    found = [piece for byte in stream for piece in replies.feed(bytes([byte]))]
    assert b"".join(found) == stream
    assert [piece for piece in found if replies.touchable(piece)] == [bell, b">" + bell[1:]]
    assert len(found) == 7
