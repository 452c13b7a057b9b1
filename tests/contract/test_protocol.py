"""Golden examples of every frame, which both languages read. The client's half is widget/client/test/protocol.test.ts."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args
from uuid import UUID

import msgspec
import pytest

from chat.realtime.protocol.codes import MAX_FRAME, MAX_TEXT, VERSION
from chat.realtime.protocol.incoming import ClientFrame, Open, PageChange, Send, clean_emoji, clean_text, decode
from chat.realtime.protocol.outgoing import ServerFrame, encode, refusal
from saas.core.errors import AppError, BadFrame, RateLimited, TooLarge, TooLong

GOLDEN: dict[str, Any] = json.loads((Path(__file__).parent / "frames.json").read_text())
ID = "3b241101-e2bb-4255-8caf-4136c566a962"


def tags(union: Any) -> set[str]:
    """The names of a union's frames."""
    return {str(member.__struct_config__.tag) for member in get_args(union)}


def examples(side: str) -> list[Any]:
    """Every example of one side, named after its frame."""
    frames: dict[str, list[dict[str, Any]]] = GOLDEN[side]
    return [pytest.param(one, id=f"{name}-{place}") for name, found in frames.items() for place, one in enumerate(found)]


def written(frame: ClientFrame) -> dict[str, Any]:
    """The frame as a client writes it: what has its default is not there."""
    defaults = {one.encode_name: one.default for one in msgspec.structs.fields(frame)}
    found: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(frame))
    return {key: value for key, value in found.items() if key == "t" or (value != [] and value != defaults[key])}


def refused(text: str) -> str | None:
    """The code with which a text is refused before anything is asked of the database."""
    try:
        frame = decode(text)
        if isinstance(frame, Send | Open):
            clean_text(frame.text)
    except AppError as error:
        return error.code
    return None


def test_the_examples_are_of_this_version() -> None:
    assert GOLDEN["version"] == VERSION


@pytest.mark.parametrize(("side", "union"), [("client", ClientFrame), ("server", ServerFrame)])
def test_every_frame_has_an_example(side: str, union: Any) -> None:
    assert set(GOLDEN[side]) == tags(union)


@pytest.mark.parametrize("side", ["client", "server"])
def test_every_example_stands_under_its_own_name(side: str) -> None:
    assert all(one["t"] == name for name, found in GOLDEN[side].items() for one in found)


@pytest.mark.parametrize("example", examples("client"))
def test_a_clients_frame_is_read_whole(example: dict[str, Any]) -> None:
    assert written(decode(json.dumps(example))) == example


@pytest.mark.parametrize("example", examples("server"))
def test_a_servers_frame_is_written_as_promised(example: dict[str, Any]) -> None:
    frame = msgspec.json.decode(json.dumps(example), type=ServerFrame)
    assert json.loads(encode(frame)) == example


@pytest.mark.parametrize("example", examples("client"))
def test_a_field_too_many_is_refused(example: dict[str, Any]) -> None:
    """In the frame itself, and in each object inside of it; but the names in a `form` are free."""
    found = list(surprising(example))
    assert found
    assert {refused(json.dumps(one)) for one in found} == {"bad_frame"}


def surprising(value: Any) -> Iterator[Any]:
    """The same with one more field, at each place where there is an object in turn."""
    if isinstance(value, dict):
        yield {**value, "surprise": "!"}
    places = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for place, part in places:
        for changed in surprising(part) if place != "form" else ():
            yield {**value, place: changed} if isinstance(value, dict) else [*value[:place], changed, *value[place + 1 :]]


@pytest.mark.parametrize("case", [pytest.param(one, id=one["name"]) for one in GOLDEN["refused"]])
def test_what_is_no_frame_is_refused_with_its_code(case: dict[str, str]) -> None:
    assert refused(case["text"]) == case["code"]


def test_a_frame_may_have_64_kib_and_not_a_byte_more() -> None:
    page = json.dumps({"t": "page", "url": ""})
    assert decode(page + " " * (MAX_FRAME - len(page))) == PageChange(url="")
    with pytest.raises(TooLarge):
        decode(page + " " * (MAX_FRAME - len(page) + 1))


def test_bytes_are_counted_not_characters() -> None:
    with pytest.raises(TooLarge):
        decode(json.dumps({"t": "auth", "token": "é" * (MAX_FRAME // 2)}, ensure_ascii=False))


def test_a_text_may_have_4000_characters_after_trimming_and_not_one_more() -> None:
    assert len(clean_text(" " + "🪔" * MAX_TEXT + "\n")) == MAX_TEXT
    with pytest.raises(TooLong):
        clean_text("🪔" * (MAX_TEXT + 1))


def test_line_breaks_and_tabs_are_kept_and_made_alike() -> None:
    assert clean_text("a\r\nb\rc\td") == "a\nb\nc\td"


def test_writing_marks_of_other_scripts_are_text() -> None:
    family = "\U0001f468\u200d\U0001f469\u200d\U0001f467 \u202bשלום\u202c e\u0301"
    assert clean_text(family) == family


@pytest.mark.parametrize("emoji", ["👍", "👍🏽", "❤️", "👩‍👩‍👧", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "🇺🇦", "1️⃣", "#️⃣", "‼️", "ℹ️", "™️", "↔️"])
def test_an_emoji_is_a_reaction(emoji: str) -> None:
    assert clean_emoji(emoji) == emoji


@pytest.mark.parametrize("text", ["ok", "1", "12", "!", " ", "👍 ", "👍ok", "️", "‍", "привет", "é", "\u202e", "a️", "^"])
def test_words_and_marks_are_no_reaction(text: str) -> None:
    with pytest.raises(BadFrame) as refused:
        clean_emoji(text)
    assert refused.value.field == "emoji"


def test_depth_is_refused_without_falling_over() -> None:
    assert refused('{"t":"hello","v":1,"token":' + "[" * 20_000) == "bad_frame"


def test_a_ref_may_be_a_number_or_a_word_and_nothing_else() -> None:
    assert refused(json.dumps({"t": "leave", "ref": "x" * 65, "room": ID})) == "bad_frame"
    assert refused(json.dumps({"t": "leave", "ref": None, "room": ID})) == "bad_frame"
    assert UUID(ID) == decode(json.dumps({"t": "leave", "ref": "x" * 64, "room": ID})).room  # type: ignore[union-attr]


def test_the_shortest_wait_is_never_told_as_none() -> None:
    """Whole milliseconds, rounded up: a client that is told 0 would come back too soon."""
    assert refusal(RateLimited("Too often.", retry_after=0.0001)).retry_after == 0.001
