"""Which words a site does not want to read in its community rooms. Pure.

A word of the list stands for itself alone, whatever its case, its width and what invisible signs were put between its letters;
with `*` at its end for every word that begins with it. Words of the list may hold spaces: they are found in a row.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from saas.core.errors import BadFrame, TooLong

MOST: Final = 500
LONGEST: Final = 50  # characters, with the `*`

# Signs that draw nothing: zero-width spaces and joiners, soft hyphens, marks of direction, variation selectors, fillers.
_INVISIBLE: Final = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f"
    "\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e0fff]"
)
_SPACES: Final = re.compile(r"\s+")


_TOKEN: Final = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class WordList:
    """A list made ready; without words it finds nothing."""

    words: frozenset[str] = frozenset()
    starts: frozenset[str] = frozenset()
    lengths: tuple[int, ...] = ()  # of `starts`
    rows: re.Pattern[str] | None = None  # what is not one row of letters and digits

    def find(self, text: str) -> str | None:
        """The first refused word in the text, as it reads without its disguise; None if there is none."""
        if not (self.words or self.starts or self.rows):
            return None
        bare = plain(text)
        for token in _TOKEN.findall(bare):
            if token in self.words or any(token[:length] in self.starts for length in self.lengths):
                return str(token)
        found = self.rows.search(bare) if self.rows else None
        return found.group() if found else None


def word_list(words: Sequence[str]) -> WordList:
    """The list that finds these words, which `clean_words` has let through."""
    simple = [word for word in words if _TOKEN.fullmatch(word.removesuffix("*"))]
    others = [_expression(word) for word in words if word not in simple]
    starts = frozenset(word.removesuffix("*") for word in simple if word.endswith("*"))
    return WordList(
        words=frozenset(word for word in simple if not word.endswith("*")),
        starts=starts,
        lengths=tuple(sorted({len(start) for start in starts})),
        rows=re.compile(rf"(?<![^\W_])(?:{'|'.join(others)})(?![^\W_])") if others else None,
    )


def clean_words(words: Sequence[str]) -> list[str]:
    """The list as it is stored: each word once, as `plain` writes it. Raises BadFrame or TooLong with field `words`."""
    if len(words) > MOST:
        raise BadFrame(f"There are {len(words)} words; {MOST} is the most.", field="words")
    return list(dict.fromkeys(_clean(word) for word in words))


def plain(text: str) -> str:
    """The text without case, width and disguise: what two words must have in common to be the same word."""
    bare = _INVISIBLE.sub("", unicodedata.normalize("NFKC", text))
    return _SPACES.sub(" ", unicodedata.normalize("NFKC", bare.casefold())).strip()


def _clean(word: str) -> str:
    bare = plain(word.removesuffix("*").removesuffix("\uff0a"))
    written = f"{bare}*" if word.rstrip().endswith(("*", "\uff0a")) else bare
    if len(written) > LONGEST:
        raise TooLong(f"A word has at most {LONGEST} characters.", field="words")
    if not bare or "*" in bare or not re.search(r"\w", bare) or not bare.isprintable():
        raise BadFrame(f"{word[:LONGEST]!r} is no word.", field="words")
    return written


def _expression(word: str) -> str:
    escaped = re.escape(word.removesuffix("*"))
    return rf"{escaped}\w*" if word.endswith("*") else escaped
