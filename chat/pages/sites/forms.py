"""The forms of sites. They check shapes; what a value means is checked by the services, whose refusals stand beside the field."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, Final

from django import forms

from chat.hours import DAYS, clean_day, clean_holidays, clean_zone, read_holidays
from chat.looks import DEFAULT_TEXTS, ICONS, LONGEST_LABEL, LONGEST_TEXT
from chat.models import Site
from chat.origins import MOST
from chat.selectors.embed_keys import Key, key_shown
from chat.selectors.sites import hours_shown, logo_shown, look_shown, name_shown, origins_shown, texts_shown
from chat.services.embed_keys import GRACES
from chat.services.sites import LONGEST_NAME, marks_of_parts
from saas.core.errors import BadFrame, ChangedSince
from saas.core.forms import SeenForm

MOST_TYPED: Final = 2_000  # characters; far above the limits: what is too long is answered beside the field, not cut
PLAIN: Final = {"autocomplete": "off", "spellcheck": "false", "autocapitalize": "none"}
POSITIONS: Final = [
    ("", "Where lines end: right, or left on a page that is read from right to left"),
    ("right", "Right"),
    ("left", "Left"),
]
THEMES: Final = [("", "As the visitor's system is"), ("light", "Always light"), ("dark", "Always dark")]
ICON_NAMES: Final = {"lantern": "Lantern", "bubble": "Bubble with three dots", "question": "Question mark", "letter": "Letter"}
LAUNCHERS: Final = [
    ("", "Shown on every page with the tag"),
    ("hidden", "Hidden: your page calls Porchlight.open()"),
]
PARTS: Final = {
    "look": "Look",
    "texts": "Texts",
    "hours": "Hours",
    "origins": "Addresses of pages",
    "words": "Refused words",
}
GRACE_WORDS: Final = {"now": "at once", "day": "in a day", "week": "in seven days"}
ORIGINS_HELP: Final = (
    "One per line, such as https://shop.example. With https://*.shop.example all below it may, but not shop.example itself. "
    f"{MOST} at most."
)


def name_field() -> forms.CharField:
    """How a site is called in the console and in the panel's head."""
    return forms.CharField(
        label="Name",
        max_length=MOST_TYPED,
        help_text=f"Visitors read it in the panel's head. {LONGEST_NAME} characters at most.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "dir": "auto", "maxlength": False}),
    )


def origins_field() -> forms.CharField:
    """Which pages may show a site."""
    return forms.CharField(
        label="Addresses that may show it",
        required=False,
        max_length=20_000,
        help_text=ORIGINS_HELP,
        widget=forms.Textarea(attrs={"rows": 4, **PLAIN, "maxlength": False}),
    )


class NewSiteForm(forms.Form):
    """A site that is to be made."""

    name = name_field()
    allowed_origins = origins_field()


class NameForm(SeenForm):
    """How it is called."""

    name = name_field()

    def __init__(self, data: Any = None, *, site: Site) -> None:
        super().__init__(data, shown=name_shown(site))


class OriginsForm(SeenForm):
    """Which pages may show it."""

    allowed_origins = origins_field()

    def __init__(self, data: Any = None, *, site: Site) -> None:
        super().__init__(data, shown=origins_shown(site))


class LookForm(SeenForm):
    """How launcher and panel look."""

    color = forms.CharField(
        label="Colour", required=False, max_length=40, widget=forms.TextInput(attrs={**PLAIN, "data-colour": "", "size": 9})
    )
    position = forms.ChoiceField(label="Where the button stands", choices=POSITIONS, required=False, widget=forms.RadioSelect)
    icon = forms.ChoiceField(
        label="Icon", choices=[(name, ICON_NAMES[name]) for name in ICONS], required=False, widget=forms.RadioSelect
    )
    label = forms.CharField(
        label="Words beside the icon",
        required=False,
        max_length=MOST_TYPED,
        help_text=f"Such as “Ask us”. {LONGEST_LABEL} characters at most; empty for the icon alone.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "dir": "auto", "maxlength": False}),
    )
    theme = forms.ChoiceField(label="Light or dark", choices=THEMES, required=False, widget=forms.RadioSelect)
    launcher = forms.ChoiceField(label="The button", choices=LAUNCHERS, required=False, widget=forms.RadioSelect)

    def __init__(self, data: Any = None, *, site: Site) -> None:
        shown = look_shown(site)
        super().__init__(data, shown=shown, initial={**shown, "icon": shown["icon"] or "lantern"})

    @staticmethod
    def read(said: Any) -> dict[str, str]:
        """The look that was typed, by the names of its settings; the usual icon is none."""
        look = {name: said[name].strip() for name in ("color", "position", "icon", "label", "theme", "launcher")}
        return {**look, "icon": "" if look["icon"] == "lantern" else look["icon"]}


class TextsForm(SeenForm):
    """What it says."""

    title = forms.CharField(label="Title", required=False, max_length=MOST_TYPED, help_text="Above the messages.")
    greeting = forms.CharField(
        label="Greeting", required=False, max_length=MOST_TYPED, help_text="What a visitor reads before they write."
    )
    away = forms.CharField(
        label="While nobody is here",
        required=False,
        max_length=MOST_TYPED,
        help_text="Below the greeting, outside of your hours or while no agent is at the inbox.",
    )

    def __init__(self, data: Any = None, *, site: Site) -> None:
        super().__init__(data, shown=texts_shown(site))
        for name, words in DEFAULT_TEXTS.items():
            attrs = {"placeholder": words, "dir": "auto", "rows": 1 if name == "title" else 3, "maxlength": False}
            self.fields[name].widget = forms.Textarea(attrs=attrs)
            self.fields[name].help_text += f" {LONGEST_TEXT} characters at most; empty for the usual words."

    @staticmethod
    def read(said: Any) -> dict[str, str]:
        """The texts that were typed, by name."""
        return {name: said[name] for name in DEFAULT_TEXTS}


class HoursForm(SeenForm):
    """When it is open. Of each day two spans: four times of day, which a time zone makes count."""

    time_zone = forms.CharField(
        label="Time zone",
        required=False,
        max_length=MOST_TYPED,
        help_text="Such as Europe/Warsaw. Empty: no hours are kept, and the site is open whenever somebody is at the inbox.",
        widget=forms.TextInput(attrs={**PLAIN, "list": "zones", "maxlength": False}),
    )
    holidays = forms.CharField(
        label="Days with other hours",
        required=False,
        max_length=20_000,
        help_text="One per line: 2026-12-25 Christmas Day is closed, 2026-12-24 09:00-13:00 Christmas Eve is open so long.",
        widget=forms.Textarea(attrs={"rows": 4, **PLAIN, "maxlength": False}),
    )

    def __init__(self, data: Any = None, *, site: Site) -> None:
        super().__init__(data, shown=hours_shown(site))
        for number, day in enumerate(DAYS):
            for place, words in enumerate(("opens", "closes", "opens again", "closes again")):
                self.fields[f"day{number}_{place}"] = _time_field(f"{day} {words}")

    def clean(self) -> dict[str, Any]:
        """All that is wrong at once, each beside its own field."""
        said = self.cleaned_data
        checks: dict[str, Callable[[], object]] = {
            "time_zone": lambda: clean_zone(said.get("time_zone", "").strip()),
            "holidays": lambda: clean_holidays(read_holidays(said.get("holidays", ""))),
            **{f"day{number}_0": partial(clean_day, _day_of(said, number)) for number in range(len(DAYS))},
        }
        for name, check in checks.items():
            try:
                check()
            except BadFrame as refusal:
                self.add_error(name, refusal.message)
        return said

    @property
    def days(self) -> list[tuple[str, list[Any]]]:
        """The rows of the table: each day's name and its four fields."""
        return [(day, [self[f"day{number}_{place}"] for place in range(4)]) for number, day in enumerate(DAYS)]

    @staticmethod
    def read(said: Any) -> dict[str, Any]:
        """The hours that were typed, as `change_site` takes them. Raises BadFrame for a line that is no day."""
        week = [_day_of(said, number) for number in range(len(DAYS))]
        return {"time_zone": said["time_zone"].strip(), "hours": week, "holidays": read_holidays(said["holidays"])}


class CopyForm(forms.Form):
    """What to take over from another site. It carries a mark of each part that would be lost."""

    source = forms.ChoiceField(
        label="From", error_messages={"invalid_choice": "The site that you chose is gone meanwhile. Choose one of these."}
    )
    parts = forms.MultipleChoiceField(
        label="What", choices=list(PARTS.items()), widget=forms.CheckboxSelectMultiple, error_messages={"required": "Choose one."}
    )

    seen = forms.CharField(widget=forms.HiddenInput, required=False)

    def __init__(self, data: Any = None, *, site: Site, sites: list[Site]) -> None:
        first = {"parts": ["look", "texts", "hours"], "seen": _written(marks_of_parts(site))}
        super().__init__(data, initial=first, auto_id="copy_%s")
        self.fields["source"].choices = [(str(one.id), one.name) for one in sites]  # type: ignore[attr-defined]
        self.changed_by = ""
        self.changed: list[str] = []  # the parts that somebody else has changed, by their names for people

    def clean_seen(self) -> dict[str, str]:
        """The mark of each part as it was shown; of none, for who sends none."""
        return dict(one.split(":", 1) for one in self.cleaned_data["seen"].split() if ":" in one)

    def show_changed(self, error: ChangedSince, *, by: str) -> None:
        """Keep what was chosen, and name what would be lost. A second time it goes through. `by` is who changed it, if known."""
        self.changed_by, self.changed = by or "Somebody else", [PARTS[part] for part in PARTS if part in error.stored]
        data: Any = self.data
        self.data = data = data.copy()
        marks = {**self.cleaned_data["seen"], **{part: str(mark) for part, mark in error.stored.items()}}
        data["seen"] = _written(marks)


class RotateForm(SeenForm):
    """A new embed key in the place of the one that is shown."""

    grace = forms.ChoiceField(
        label="The key of now ends",
        choices=[(name, GRACE_WORDS[name]) for name in GRACES],
        initial="day",
        widget=forms.RadioSelect,
        help_text="Until then pages with either key show the chat. After it, pages that still have the old one show none.",
    )

    def __init__(self, data: Any = None, *, keys: Iterable[Key]) -> None:
        super().__init__(data, shown=key_shown(keys), initial={}, auto_id="rotate_%s")


class LogoForm(SeenForm):
    """A picture for the panel's head. It is chosen anew after every answer: browsers keep no file."""

    logo = forms.FileField(
        label="Picture",
        help_text="A PNG, JPEG or WebP, square, 64 KB at most. It stands in a circle of 40 pixels.",
        widget=forms.FileInput(attrs={"accept": "image/png,image/jpeg,image/webp"}),
    )

    def __init__(self, data: Any = None, files: Any = None, *, site: Site) -> None:
        super().__init__(data, files, shown=logo_shown(site), initial={}, auto_id="picture_%s")


class StrictForm(SeenForm):
    """Whether everybody may write."""

    strict = forms.BooleanField(label="Only visitors whom your site has signed in", required=False)

    def __init__(self, data: Any = None, *, site: Site) -> None:
        super().__init__(data, shown={"strict": site.strict}, auto_id="strict_%s")


class SureForm(forms.Form):
    """The site's name, once more."""

    sure = forms.CharField(
        label="Its name, to be sure", max_length=MOST_TYPED, widget=forms.TextInput(attrs={"autocomplete": "off", "dir": "auto"})
    )


def _written(marks: Mapping[str, str]) -> str:
    return " ".join(f"{part}:{mark}" for part, mark in marks.items())


def _time_field(label: str) -> forms.CharField:
    return forms.CharField(
        label=label, required=False, max_length=20, widget=forms.TimeInput(attrs={"type": "time", "aria-label": label})
    )


def _day_of(said: Mapping[str, str], number: int) -> list[list[str]]:
    return _spans([said.get(f"day{number}_{place}", "") for place in range(4)])


def _spans(times: list[str]) -> list[list[str]]:
    """Pairs of times; a pair of which both are empty is none."""
    cut = [moment.strip()[:5] if len(moment.strip()) == len("09:00:00") else moment.strip() for moment in times]
    return [pair for pair in (cut[:2], cut[2:]) if any(pair)]
