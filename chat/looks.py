"""What a site may look like and say: the names of its settings, what they may hold, and what holds where nothing is set."""

import re
from collections.abc import Mapping
from typing import Final

from saas.core.errors import BadFrame

COLOR: Final = re.compile(r"#[0-9A-Fa-f]{6}")
POSITIONS: Final = ("left", "right")
THEMES: Final = ("light", "dark")
LAUNCHERS: Final = ("hidden",)  # the page opens the chat by itself
LOGO: Final = re.compile(r"[0-9a-f-]{36}\.(?:png|jpg|webp)")
LONGEST_LABEL: Final = 24  # characters beside the launcher's icon
LONGEST_TEXT: Final = 300

# Where a launcher stands without a position: right, or left on a page that is read from right to left.
DEFAULT_LOOK: Final[Mapping[str, str]] = {"color": "#B45309"}
DEFAULT_TEXTS: Final[Mapping[str, str]] = {
    "title": "Write to us",
    "greeting": "Hello. Ask us anything; we answer here.",
    "away": "Nobody is here right now. Leave a message: the answer will wait for you in this window.",
}

_BUBBLE: Final = "M32 5a28 25 0 0 0-22 41q1 7-4 12 10 0 17-6A28 25 0 1 0 32 5Z"
_DOT: Final = "a4 4 0 1 0 0 8 4 4 0 0 0 0-8Z"
# Drawn on 64 by 64 in one colour, where paths overlap they cut each other out. The lantern is the loader's own.
ICONS: Final[Mapping[str, str]] = {
    "lantern": "",
    "bubble": f"{_BUBBLE}M20 26{_DOT}M32 26{_DOT}M44 26{_DOT}",
    "question": f"{_BUBBLE}M22 24a10 10 0 1 1 13 9q-1 1-1 3h-4q0-5 4-7a6 6 0 1 0-8-5ZM30 39h4v4h-4Z",
    "letter": "M8 14h48v36H8ZM14 20l18 14 18-14Z",
}


LOOK_NAMES: Final = ("color", "position", "theme", "icon", "label", "launcher", "logo")


def clean_look(look: Mapping[str, str]) -> dict[str, str]:
    """The look, checked; an empty value is what usually holds. Raises BadFrame with the field that is wrong."""
    if unknown := look.keys() - _CHECKS.keys():
        names = ", ".join(_CHECKS)
        raise BadFrame(f"A look has {names}, not {sorted(unknown)[0]!r}.", field="look")
    for name, value in look.items():
        allowed, words = _CHECKS[name]
        if value and not allowed.fullmatch(value):
            raise BadFrame(f"{value[:40]!r} is not possible here: {words}.", field=f"look.{name}")
    return dict(look)


def _one_of(names: tuple[str, ...]) -> tuple[re.Pattern[str], str]:
    return re.compile("|".join(names)), f"it is {' or '.join(names)}"


_CHECKS: Final[dict[str, tuple[re.Pattern[str], str]]] = {
    "color": (COLOR, "a colour is written like #B45309"),
    "position": _one_of(POSITIONS),
    "theme": _one_of(THEMES),
    "icon": _one_of(tuple(ICONS)),
    "label": (
        re.compile(rf"[^\x00-\x1f\x7f]{{1,{LONGEST_LABEL}}}"),
        f"it has {LONGEST_LABEL} characters at most, on one line",
    ),
    "launcher": _one_of(LAUNCHERS),
    "logo": (LOGO, "a logo is uploaded"),
}
