"""Forms that keep what was typed, and tell who keeps a thing second what is stored meanwhile."""

from collections.abc import Iterable, Mapping
from html import escape
from typing import Any, Final, cast

from django import forms
from django.forms.boundfield import BoundField
from django.forms.utils import flatatt
from django.utils.safestring import SafeString, mark_safe

from saas.core.errors import AppError, ChangedSince
from saas.core.seen import mark_of

UNPROCESSABLE: Final = 422
NOTHING: Final = "nothing"


class LongSelect(forms.Select):
    """A select of hundreds. Django renders a template for each option, which takes longer than the rest of a page."""

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        """The same element with the same options as Django writes."""
        widget = self.get_context(name, value, attrs)["widget"]
        options = "".join(_group(label, group) for label, group, _ in widget["optgroups"])
        return mark_safe(f'<select name="{escape(name)}"{flatatt(widget["attrs"])}>{options}</select>')  # noqa: S308 - escaped


class SeenBoundField(BoundField):
    """A field that also knows what is stored of it, if somebody else has changed the thing."""

    @property
    def stored(self) -> str:
        """What is stored now, in words; empty unless it differs from what was typed."""
        stored: dict[str, str] = self.form.stored  # type: ignore[attr-defined]
        return stored.get(self.name, "")

    @property
    def aria_describedby(self) -> str | None:
        """What stands below the field, for who hears the page."""
        said: str | None = super().aria_describedby
        return f"{said or ''} {self.auto_id}_stored".strip() if self.stored else said


class SeenForm(forms.Form):
    """A form that edits something. `shown` is what it shows, by name: the values that the service compares under its lock.

    Pass `cleaned_data["seen"]` to the service, and what it raises to `refuse`; then answer with the form and its `status`.
    """

    bound_field_class = SeenBoundField
    seen = forms.CharField(widget=forms.HiddenInput, required=False)

    def __init__(
        self, data: Any = None, files: Any = None, *, shown: Mapping[str, object], initial: Any = None, **kwargs: Any
    ) -> None:
        first = {**(shown if initial is None else initial), "seen": mark_of(shown)}
        super().__init__(data, files, initial=first, **kwargs)
        self.stored: dict[str, str] = {}
        self.changed_by = ""

    def clean_seen(self) -> str | None:
        """The mark of what was shown; None for who sends none, such as a program."""
        return self.cleaned_data["seen"] or None

    def __getitem__(self, name: str) -> SeenBoundField:
        return cast(SeenBoundField, super().__getitem__(name))

    def refuse(self, error: AppError, *, by: str = "") -> None:
        """Show a service's refusal beside the field that it is about, or above the form."""
        if isinstance(error, ChangedSince):
            self.show_stored(error, by=by)
        else:
            self.add_error(error.field if error.field in self.fields else None, error.message)

    def show_stored(self, error: ChangedSince, *, by: str = "") -> None:
        """Keep what was typed, and show what is stored now beside each field where that differs. A second save goes through.

        `by` is who changed it, if that is known.
        """
        self.changed_by = by or "Somebody else"
        typed = {name: self.words_of(name, self.cleaned_data.get(name)) for name in self.fields}
        stored = {name: self.words_of(name, value) for name, value in error.stored.items() if name in self.fields}
        self.stored = {name: words for name, words in stored.items() if words != typed[name]}
        data: Any = self.data
        self.data = data = data.copy()
        data[self.add_prefix("seen")] = mark_of(error.stored)

    @property
    def status(self) -> int:
        """Of the page that shows this form."""
        if self.changed_by:
            return ChangedSince.status
        return UNPROCESSABLE if self.errors else 200

    def words_of(self, name: str, value: object) -> str:
        """A value as people read it."""
        choices = dict(_flat(getattr(self.fields[name], "choices", ())))
        if value in (None, "", [], ()):
            return NOTHING
        if isinstance(value, bool):
            return "yes" if value else "no"
        if isinstance(value, list | tuple | set | frozenset):
            return "\n".join(str(choices.get(str(one), one)) for one in value)
        return str(choices.get(str(value), value))


def _group(label: str | None, options: Iterable[Mapping[str, Any]]) -> str:
    """The options, in a group if that has a name."""
    written = "".join(_option(one) for one in options)
    return f'<optgroup label="{escape(label)}">{written}</optgroup>' if label else written


def _option(one: Mapping[str, Any]) -> str:
    attributes = flatatt(one["attrs"]) if one["attrs"] else ""
    return f'<option value="{escape(str(one["value"]))}"{attributes}>{escape(str(one["label"]))}</option>'


def _flat(choices: Iterable[Any]) -> Iterable[tuple[str, Any]]:
    """The choices of a field without their groups."""
    for value, label in choices:
        if isinstance(label, list | tuple):
            yield from _flat(label)
        else:
            yield str(value), label
