"""The forms of rooms. They check shapes; what a value means is checked by the services, whose refusals stand beside the field."""

from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.utils.dateformat import format as in_words

from chat.models import Participant, Room, Site
from chat.origins import clean_patterns, origin_allowed
from chat.services.ends import LONGEST, for_good, until
from chat.services.members import restraints_of
from chat.services.rooms import LONGEST_TITLE, SLOWEST, values_of
from saas.core.errors import BadFrame, ChangedSince
from saas.core.forms import SeenForm

MOST_TYPED: Final = 2_000  # characters; far above the limit: a title that is too long is answered beside the field, not cut
KINDS: Final = [
    (Room.Kind.COMMUNITY, "Community: visitors of a site talk with each other"),
    (Room.Kind.TEAM, "Team: for your agents only; visitors never see it"),
]
RULES: Final = [
    (Room.JoinRule.OPEN, "Every visitor of the site"),
    (Room.JoinRule.IDENTIFIED, "Visitors whom the site has signed in"),
    (Room.JoinRule.INVITED, "Visitors who were invited"),
]
OF_COMMUNITY: Final = ("site", "join_rule", "slow_seconds")  # fields that a team room does not have
ON_A_DATE: Final = "date"
FOR_GOOD: Final = str(int(LONGEST.total_seconds()))
LENGTHS: Final = [
    ("3600", "an hour"),
    ("86400", "a day"),
    ("604800", "a week"),
    ("2592000", "30 days"),
    (ON_A_DATE, "until a date"),
    (FOR_GOOD, "for good"),
]
STAYS: Final = [  # how long an invitation can be used
    ("3600", "an hour"),
    ("86400", "a day"),
    ("604800", "a week"),
    ("2592000", "30 days"),
    ("31536000", "a year"),
]


def title_field() -> forms.CharField:
    """The name of a room."""
    return forms.CharField(
        label="Title",
        max_length=MOST_TYPED,
        help_text=f"What people see in the list of rooms. At most {LONGEST_TITLE} characters.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "dir": "auto", "maxlength": False}),
    )


def slow_field() -> forms.IntegerField:
    """Slow mode in seconds."""
    return forms.IntegerField(
        label="Slow mode",
        required=False,
        initial=0,
        min_value=0,
        max_value=SLOWEST,
        error_messages={"invalid": "Slow mode is a whole number of seconds, such as 30."},
        help_text=f"Seconds between two messages of one member, up to {SLOWEST:,}; 0 is off. Only members wait.",
    )


class NewRoomForm(forms.Form):
    """A room that is to be made. The last three fields count for a community room only."""

    kind = forms.ChoiceField(label="Kind", choices=KINDS, initial=Room.Kind.COMMUNITY, widget=forms.RadioSelect)
    title = title_field()
    site = forms.ChoiceField(
        label="Site",
        required=False,
        help_text="Whose visitors find it in the widget.",
        error_messages={"invalid_choice": "The site that you chose is gone meanwhile. Choose one of these."},
    )
    join_rule = forms.ChoiceField(
        label="Who may join", choices=RULES, initial=Room.JoinRule.OPEN, required=False, widget=forms.RadioSelect
    )
    slow_seconds = slow_field()

    def __init__(self, *args: Any, sites: list[Site], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["site"].choices = [(str(site.id), site.name) for site in sites]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """Of a team room the last three fields are not shown: what stands in them cannot be wrong."""
        said = super().clean() or self.cleaned_data
        if said.get("kind") == Room.Kind.TEAM:
            for name in OF_COMMUNITY:
                self.errors.pop(name, None)
        return said

    @property
    def values(self) -> dict[str, Any]:
        """What `create_room` takes."""
        said = self.cleaned_data
        if said["kind"] == Room.Kind.TEAM:
            return {"kind": said["kind"], "title": said["title"]}
        return {
            "kind": said["kind"],
            "title": said["title"],
            "site_id": said["site"] or None,
            "join_rule": said["join_rule"] or Room.JoinRule.OPEN,
            "slow_seconds": said["slow_seconds"] or 0,
        }


class RoomForm(SeenForm):
    """What a room is: its title, and who may join."""

    title = title_field()
    join_rule = forms.ChoiceField(
        label="Who may join",
        choices=RULES,
        widget=forms.RadioSelect,
        help_text="With a narrower rule, whoever may not stay is out at once.",
    )

    def __init__(self, *args: Any, room: Room, **kwargs: Any) -> None:
        names = ("title", "join_rule") if room.kind == Room.Kind.COMMUNITY else ("title",)
        super().__init__(*args, shown={name: values_of(room)[name] for name in names}, **kwargs)
        if room.kind != Room.Kind.COMMUNITY:
            del self.fields["join_rule"]


class CalmForm(SeenForm):
    """How loud a community room may be."""

    slow_seconds = slow_field()
    locked = forms.BooleanField(
        label="Locked: only moderators and agents write", required=False, help_text="Everybody else reads on."
    )

    def __init__(self, *args: Any, room: Room, **kwargs: Any) -> None:
        super().__init__(*args, shown={name: values_of(room)[name] for name in ("slow_seconds", "locked")}, **kwargs)

    def clean_slow_seconds(self) -> int:
        return self.cleaned_data["slow_seconds"] or 0


class LengthForm(forms.Form):
    """For how long somebody is muted or banned."""

    length = forms.ChoiceField(label="For how long", choices=LENGTHS, initial="86400", required=False)
    date = forms.DateField(
        label="The date",
        required=False,
        error_messages={"invalid": "A date is written like 2026-12-31."},
        help_text="For “until a date”: to the end of that day, UTC.",
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )

    @property
    def end(self) -> datetime | None:
        """The moment at which it ends. Raises BadFrame for one that is more than ten years ahead."""
        said = self.cleaned_data
        if said["length"] != ON_A_DATE:
            return until(None, float(said["length"]), field="length")
        last = datetime.combine(said["date"] + timedelta(days=1), time(), UTC)
        return until(last, None, field="date")

    def refuse_no_end(self) -> None:
        """What is said must end in the future, and within ten years."""
        said = self.cleaned_data
        if "length" in said and not said["length"]:
            self.add_error("length", "Choose for how long.")
        if said.get("length") != ON_A_DATE or "date" not in said:
            return
        if said["date"] is None:
            self.add_error("date", "Choose the last day.")
            return
        today, last = datetime.now(UTC).date(), (datetime.now(UTC) + LONGEST).date() - timedelta(days=1)
        if said["date"] < today:
            self.add_error("date", f"{said['date']} is over already; choose today or a later day.")
        elif said["date"] > last:
            self.add_error("date", f"{said['date']} is more than ten years ahead; {last} is the last day that can be chosen.")


class RestrainForm(LengthForm, SeenForm):
    """Mute or ban one person. What is in force already is not overwritten in silence."""

    how = forms.ChoiceField(
        label="What",
        choices=[("muted_until", "Mute: they read, but do not write"), ("banned_until", "Ban: the room is gone for them")],
        initial="muted_until",
        widget=forms.RadioSelect,
    )
    field_order = ("how", "length", "date")

    def __init__(self, *args: Any, place: Participant | None, **kwargs: Any) -> None:
        super().__init__(*args, shown=restraints_of(place), initial={}, **kwargs)

    def clean(self) -> dict[str, Any]:
        said = super().clean() or self.cleaned_data
        self.refuse_no_end()
        return said

    def show_stored(self, error: ChangedSince, *, by: str = "") -> None:
        """The same; what is in force now stands beside the choice between a mute and a ban."""
        super().show_stored(error, by=by)
        self.stored["how"] = _in_force(error.stored)


class DecisionForm(LengthForm):
    """What is done about a message that was reported."""

    delete = forms.BooleanField(label="Delete the message", required=False)
    author = forms.ChoiceField(
        label="Its author",
        required=False,
        choices=[("", "stays as they are"), ("muted_until", "is muted"), ("banned_until", "is banned from the room")],
    )
    field_order = ("delete", "author", "length", "date")

    @property
    def dismisses(self) -> bool:
        """Whether the other button was pressed: nothing is to be done, whatever was chosen."""
        return "dismiss" in self.data

    def clean(self) -> dict[str, Any]:
        said = super().clean() or self.cleaned_data
        if said.get("author"):
            self.refuse_no_end()
        elif not said.get("delete") and not self.errors:
            self.add_error(None, "Choose what is to be done, or dismiss the reports.")
        return said


class InvitationForm(forms.Form):
    """A new invitation."""

    page = forms.URLField(
        label="Page on which the link opens",
        max_length=MOST_TYPED,
        assume_scheme="https",
        error_messages={"invalid": "This is not an address like https://shop.example/friends."},
        help_text="A page of your site that carries the script tag.",
    )
    uses = forms.IntegerField(
        label="For how many people", initial=1, error_messages={"invalid": "This is a whole number of people, such as 10."}
    )
    expires_in = forms.ChoiceField(label="Works for", choices=STAYS, initial="604800")

    def __init__(self, *args: Any, site: Site | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.site = site

    def clean_page(self) -> str:
        """A page that may not show the site would lead nobody anywhere."""
        page: str = self.cleaned_data["page"]
        try:
            (origin,) = clean_patterns([page])
        except BadFrame:
            raise ValidationError(f"{page[:80]!r} is not an address like https://shop.example/friends.") from None
        if self.site is not None and not origin_allowed(origin, self.site.allowed_origins):
            raise ValidationError(f"Pages of {origin} may not show {self.site.name}. Allow them on the site's page first.")
        return page


class SureForm(forms.Form):
    """The title, typed once more."""

    sure = forms.CharField(
        label="Type the title to delete the room",
        max_length=MOST_TYPED,
        strip=False,
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false", "dir": "auto"}),
    )


def _in_force(restraints: Mapping[str, Any]) -> str:
    """A mute and a ban in words, such as "muted for good"."""
    now, good = datetime.now(UTC), for_good()
    return (
        ", ".join(
            f"{word} for good" if end > good else f"{word} until {in_words(end, 'j M Y, H:i')}"
            for name, word in (("muted_until", "muted"), ("banned_until", "banned"))
            if (end := restraints[name]) and end > now
        )
        or "neither muted nor banned"
    )
