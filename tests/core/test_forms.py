"""A form keeps what was typed, and shows beside it what is stored meanwhile."""

from typing import Any

import pytest
from django import forms
from django.http import QueryDict
from django.template.loader import render_to_string
from django.test.html import parse_html

from saas.core.errors import BadFrame, ChangedSince, Conflict
from saas.core.forms import LongSelect, SeenForm
from saas.core.seen import mark_of, refuse_if_changed

SHOWN = {"title": "Ask us", "rule": "open", "locked": False, "words": ["a"]}


class RoomForm(SeenForm):
    title = forms.CharField(help_text="One line.")
    rule = forms.ChoiceField(choices=[("Known", [("open", "Everyone"), ("invited", "Only invited")])])
    locked = forms.BooleanField(required=False)
    words = forms.MultipleChoiceField(required=False, choices=[("a", "Apple"), ("b", "Bread")])


def sent(**typed: Any) -> QueryDict:
    """What the browser sends of the form as it was shown, with this typed over it."""
    query = QueryDict(mutable=True)
    shown = RoomForm(shown=SHOWN)
    for name, value in {"title": "Ask us", "rule": "open", "words": ["a"], "seen": shown["seen"].value(), **typed}.items():
        query.setlist(name, value if isinstance(value, list) else [value])
    return query


def bound(**typed: Any) -> RoomForm:
    form = RoomForm(sent(**typed), shown=SHOWN)
    assert form.is_valid(), form.errors
    return form


def changed(**stored: Any) -> ChangedSince:
    with pytest.raises(ChangedSince) as refused:
        refuse_if_changed(mark_of(SHOWN), SHOWN | stored)
    return refused.value


def test_what_was_seen_goes_through_while_nobody_changed_it() -> None:
    refuse_if_changed(bound(title="Ask").cleaned_data["seen"], SHOWN)


def test_both_versions_stand_beside_each_other() -> None:
    form = bound(title="Ask me")
    form.refuse(changed(title="Ask them", rule="invited"), by="Ben")
    assert form.status == 409
    assert form["title"].value() == "Ask me"
    assert form["title"].stored == "Ask them"
    assert form["rule"].stored == "Only invited"
    assert (form["locked"].stored, form["words"].stored) == ("", "")


@pytest.mark.parametrize(
    ("stored", "words"),
    [({"locked": True}, "yes"), ({"words": ["a", "b"]}, "Apple\nBread"), ({"words": []}, "nothing"), ({"title": ""}, "nothing")],
)
def test_what_is_stored_is_said_in_words(stored: dict[str, Any], words: str) -> None:
    form = bound()
    form.refuse(changed(**stored))
    assert form[next(iter(stored))].stored == words


def test_a_second_save_goes_through() -> None:
    form = bound(title="Ask me")
    now = SHOWN | {"title": "Ask them"}
    form.refuse(changed(title="Ask them"))
    again = RoomForm(sent(title="Ask me", seen=form["seen"].value()), shown=now)
    assert again.is_valid()
    refuse_if_changed(again.cleaned_data["seen"], now)


def test_a_third_person_is_noticed_too() -> None:
    form = bound(title="Ask me")
    form.refuse(changed(title="Ask them"))
    again = RoomForm(sent(title="Ask me", seen=form["seen"].value()), shown=SHOWN)
    assert again.is_valid()
    with pytest.raises(ChangedSince):
        refuse_if_changed(again.cleaned_data["seen"], SHOWN | {"title": "Ask nobody"})


def test_a_refusal_stands_beside_its_field_and_keeps_what_was_typed() -> None:
    form = bound(title="Ask?")
    form.refuse(BadFrame("A title has no question mark.", field="title"))
    assert form.status == 422
    assert form.errors["title"] == ["A title has no question mark."]
    assert form["title"].value() == "Ask?"


def test_a_refusal_about_no_field_of_it_stands_above() -> None:
    form = bound()
    form.refuse(Conflict("This room is archived.", field="room"))
    assert form.non_field_errors() == ["This room is archived."]


def test_a_field_says_for_the_ear_what_stands_below_it() -> None:
    form = bound(title="Ask me")
    assert form["title"].aria_describedby == "id_title_helptext"
    form.refuse(changed(title="Ask them"))
    assert form["title"].aria_describedby == "id_title_helptext id_title_stored"


def test_the_page_shows_who_changed_it_and_what_is_stored() -> None:
    form = bound(title="Ask me")
    form.refuse(changed(title="<b>Ask them</b>"), by="Ben")
    said = render_to_string("console/changed.html", {"form": form})
    assert "Ben changed this meanwhile" in said
    field = render_to_string("console/parts/field.html", {"field": form["title"], "form": form})
    assert "&lt;b&gt;Ask them&lt;/b&gt;" in field
    assert 'value="Ask me"' in field
    assert 'id="id_title_stored"' in field


class ZoneForm(forms.Form):
    zone = forms.ChoiceField(
        choices=[("", "None"), ("Europe", [("Europe/Paris", "Paris & Île-de-France"), ("Europe/Rome", "Rome")])],
        widget=LongSelect(attrs={"data-note": "<i>"}),
        help_text="Where you are.",
    )


def test_a_long_select_says_what_djangos_says() -> None:
    form = ZoneForm({"zone": "Europe/Rome"})
    ours = str(form["zone"])
    form.fields["zone"].widget.__class__ = forms.Select
    assert parse_html(ours) == parse_html(str(form["zone"]))
    assert "selected>Rome</option>" in ours
    assert "Paris &amp; Île-de-France" in ours
    assert 'data-note="&lt;i&gt;"' in ours


def test_what_came_back_with_an_error_above_the_form_is_marked_as_unsent() -> None:
    """No field says that it was not kept; the page asks all the same before it is left."""
    form = bound(title="Ask me")
    assert "data-unsent" not in render_to_string("form_errors.html", {"form": form})
    form.refuse(Conflict("Somebody archived it."))
    assert "data-unsent" in render_to_string("form_errors.html", {"form": form})
