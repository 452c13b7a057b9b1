"""Whether a site's own colour can be seen, and what can be read on it. Pure.

Contrast is that of WCAG 2.2, section "contrast ratio": 1 for the same colour, 21 for black on white. The widget puts white or ink
on a colour, whichever reads better (`widget/client/src/ui/color.ts`).
"""

from dataclasses import dataclass
from typing import Final

WHITE: Final = "#FFFFFF"
INK: Final = "#1B1E27"
BLACK: Final = "#000000"
DARK_PAGE: Final = "#14161C"
SEEN: Final = 3.0  # least contrast of a button with the page around it


@dataclass(frozen=True, slots=True)
class Sight:
    """How a colour stands against what is on it and around it."""

    on: str  # what stands on it
    text: float  # contrast of that
    light_page: float
    dark_page: float

    @property
    def is_faint(self) -> bool:
        """Whether a page, light or dark, swallows a button of this colour."""
        return min(self.light_page, self.dark_page) < SEEN


def sight_of(color: str) -> Sight:
    """The colour is `#rrggbb`."""
    light = luminance(color)
    on = INK if light > 0.24 else BLACK if light > 0.18 else WHITE
    return Sight(on, contrast(color, on), contrast(color, WHITE), contrast(color, DARK_PAGE))


def contrast(one: str, other: str) -> float:
    """Between 1 and 21."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def luminance(color: str) -> float:
    """Relative luminance, from 0 to 1."""
    red, green, blue = (_linear(int(color[at : at + 2], 16) / 255) for at in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
