"""The words that a site does not want to read: found whatever they wear, and nothing else."""

from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from asgiref.sync import async_to_sync

from chat.selectors.words import clean_words, plain, word_list
from chat.services.words import refuse_words
from saas.core.errors import AppError, Forbidden
from tenants.context import TenantRef
from tests.support.api import Program, signed_in
from tests.support.community import community, member
from tests.support.talk import embed_key

LIST = ["Bad", "naughty*", "two words", "f-word", "straße", "плохо", "悪い"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("bad", "bad"),
        ("so BAD!", "bad"),
        ("(bad)", "bad"),
        ("not_bad_at_all", "bad"),
        ("b\u200bad", "bad"),  # zero width space
        ("b\u00ada\u2060d\ufeff", "bad"),  # soft hyphen, word joiner, byte order mark
        ("\u202ebad\u202c", "bad"),  # directions
        ("ｂａｄ", "bad"),  # full width
        ("𝐛𝐚𝐝", "bad"),  # mathematical bold
        ("ⓑⓐⓓ", "bad"),  # circled
        ("naughty", "naughty"),
        ("Naughtiest? no: naughtyness", "naughtyness"),
        ("two  words", "two words"),
        ("Two\nWords", "two words"),
        ("two\u00a0words", "two words"),
        ("an F-Word.", "f-word"),
        ("STRASSE", "strasse"),
        ("Straße", "strasse"),
        ("очень ПЛОХО", "плохо"),
        ("悪い", "悪い"),
        ("badly", None),
        ("embad", None),
        ("bad2", None),
        ("a naught", None),
        ("two more words", None),
        ("off-words", None),
        ("", None),
        ("\u200b", None),
        ("b a d", None),
    ],
)
def test_finds_whole_words_without_their_disguise(text: str, found: str | None) -> None:
    assert word_list(clean_words(LIST)).find(text) == found


def test_an_empty_list_finds_nothing() -> None:
    assert word_list([]).find("bad") is None


def test_each_word_is_kept_once_as_it_reads() -> None:
    assert clean_words(["Bad", "BAD", "b\u200bad", "  two   words ", "No*", "no＊"]) == ["bad", "two words", "no*"]


def test_plain_is_settled() -> None:
    for text in ("ẞ", "ﬁn", "İ", "ǅ", "ｱ", "Å", "e\u0301"):
        assert plain(plain(text)) == plain(text)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["w"] * 501, "bad_frame"),
        (["x" * 51], "too_long"),
        (["x" * 50 + "*"], "too_long"),
        ([""], "bad_frame"),
        (["*"], "bad_frame"),
        (["a*b"], "bad_frame"),
        (["**"], "bad_frame"),
        (["\u200b"], "bad_frame"),
        (["..."], "bad_frame"),
        (["a\0b"], "bad_frame"),
        (["a\ud800"], "bad_frame"),
    ],
)
def test_refuses_what_is_no_word(words: list[str], code: str) -> None:
    with pytest.raises(AppError) as refused:
        clean_words(words)
    assert (refused.value.code, refused.value.field) == (code, "words")


def test_a_full_list_and_a_long_text_cost_little() -> None:
    """No backtracking: the work grows with the text, not with the list."""
    words = word_list(clean_words([f"word{n}{'*' if n % 2 else ''}" for n in range(500)]))
    assert words.find("wor " * 1_000) is None
    assert words.find("wor " * 1_000 + "WORD499xyz") == "word499xyz"


class TestApi:
    @pytest.fixture
    def program(self, acme: TenantRef) -> Program:
        return signed_in(acme, "ada@acme.example")

    def test_a_list_is_replaced_and_counts_at_once(self, acme: TenantRef, program: Program) -> None:
        site, word, room = embed_key(acme).site_id, f"x{uuid4().hex[:10]}", community(acme)
        say = partial(async_to_sync(refuse_words), acme, member(acme, room), room, f"a {word}!")
        path = f"/sites/{site}/words"
        assert (
            program.put(
                path,
                {
                    "words": [
                        word.upper(),
                        "  ",
                    ]
                },
            ).status_code
            == 400
        )
        assert program.put(path, {"words": [word.upper()]}).json() == {"words": [word]}
        assert program.get(path).json() == {"words": [word]}
        with pytest.raises(Forbidden, match=f"the word '{word}'"):
            say()
        assert program.put(path, {"words": []}).json() == {"words": []}
        say()

    @pytest.mark.parametrize("body", [{}, {"words": "bad"}, {"words": [1]}, {"words": None}, []])
    def test_refuses_what_is_no_list(self, acme: TenantRef, program: Program, body: Any) -> None:
        answer = program.put(f"/sites/{embed_key(acme).site_id}/words", body)
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bad_frame")

    def test_agents_read_it_and_a_site_that_is_not_there_has_none(self, acme: TenantRef, program: Program) -> None:
        ben = signed_in(acme, "ben@acme.example")
        assert ben.get(f"/sites/{embed_key(acme).site_id}/words").status_code == 200
        assert program.get(f"/sites/{uuid4()}/words").status_code == 404
        assert program.get("/sites/x/words").status_code == 404
