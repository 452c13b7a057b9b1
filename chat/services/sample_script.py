"""What the sample data says. Pure: people and rooms by the names of `chat/selectors/sample.py`, moments in minutes before now."""

from dataclasses import dataclass
from typing import Final

HOUR: Final = 60
DAY: Final = 24 * HOUR
TEAM: Final = "robin"  # who answers in it: nobody of the real team


@dataclass(frozen=True, slots=True)
class Said:
    """A line: by a visitor, by the team, or by nobody, if the room says it of itself."""

    by: str
    text: str
    ago: int  # minutes
    liked_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Talk:
    """A room with a visitor, and the notes on it."""

    name: str
    visitor: str
    lines: tuple[Said, ...]
    notes: tuple[Said, ...] = ()
    is_resolved: bool = False


NAMES: Final = {
    "mira": "Mira (sample)",
    "jonas": "Jonas (sample)",
    "pilar": "Pilar (sample)",
    "deals": "Deal Hunter (sample)",
    TEAM: "Robin (sample)",
}
LOCALES: Final = {"mira": "pt-PT", "jonas": "de-DE", "pilar": "es-ES", "deals": "en-GB"}
PAGES: Final = {
    "mira": ("https://www.example.com/delivery", "Delivery"),
    "jonas": ("https://www.example.com/orders", "Your orders"),
    "pilar": ("https://www.example.com/", "Home"),
    "deals": ("https://www.example.com/", "Home"),
}

TALKS: Final = (
    Talk(
        name="delivery",
        visitor="mira",
        lines=(
            Said("mira", "Hello, do you deliver to Lisbon?", 14),
            Said("mira", "And how long would it take?", 12),
        ),
        notes=(Said(TEAM, "Lisbon goes with the southern carrier: three days. Only the team sees this note.", 9),),
    ),
    Talk(
        name="invoice",
        visitor="jonas",
        lines=(
            Said("jonas", "I need the invoice of my last order once more.", DAY + 40),
            Said(TEAM, "Of course. It is on its way to the address of your order.", DAY + 32),
            Said("jonas", "Got it, thank you.", DAY + 25, liked_by=(TEAM,)),
        ),
    ),
    Talk(
        name="hours",
        visitor="pilar",
        lines=(
            Said("pilar", "Are you open on Saturday?", 3 * DAY + 50),
            Said(TEAM, "Yes, from ten to four.", 3 * DAY + 46),
            Said("pilar", "See you then.", 3 * DAY + 45),
            Said("", f"{NAMES[TEAM]} resolved this", 3 * DAY + 44),
        ),
        is_resolved=True,
    ),
)

PORCH_TITLE: Final = "Front porch (sample)"
PORCH_MODERATOR: Final = "pilar"
PORCH: Final = (
    Said("", f"{NAMES[TEAM]} opened this room", 2 * DAY),
    Said("pilar", "Welcome. Ask each other anything here; the team reads along.", 2 * DAY - 5),
    Said("mira", "Has anybody had the blue one out in the rain?", 5 * HOUR),
    Said("jonas", "Twice this week. It stays dry.", 5 * HOUR - 12, liked_by=("mira", "pilar")),
    Said("deals", "Half price in my own shop, write to me for the link", 3 * HOUR),
)
PINNED: Final = PORCH[1]
REPORTED: Final = PORCH[4]
REPORTER: Final = "mira"
REASON: Final = "Advertising"
