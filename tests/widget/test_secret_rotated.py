"""A new SECRET_KEY beside the one before it: visitors stay who they are, and what backends sign still counts."""

import secrets

import pytest
from pytest_django import Settings

from chat.services.identity import IdentityKey
from tenants.context import TenantRef
from tests.support.identities import new_key, signed, visitor_of
from tests.support.visits import refused, visitors
from tests.support.widgets import Widget, browser


def rotate(settings: Settings, *, keep: bool = True) -> None:
    """A new key, as an operator brings one; the one before stays behind it."""
    before = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = secrets.token_urlsafe(50), before if keep else []


def test_a_key_that_a_backend_holds_signs_its_users_in(
    shop: TenantRef, widget: Widget, key: IdentityKey, settings: Settings
) -> None:
    before = visitor_of(widget.session(identity=signed(widget, key)))
    rotate(settings)
    widget.client = browser()
    assert visitor_of(widget.session(identity=signed(widget, key))) == before
    widget.client = browser()
    assert visitor_of(widget.session(identity=signed(widget, new_key(shop)))) == before


def test_without_the_one_before_it_signs_nobody_in(widget: Widget, key: IdentityKey, settings: Settings) -> None:
    assert widget.session(identity=signed(widget, key)).status_code == 200
    rotate(settings, keep=False)
    widget.client = browser()
    assert refused(widget.session(identity=signed(widget, key)))


@pytest.mark.parametrize("is_lost", [False, True], ids=["answer heard", "answer lost"])
def test_a_visitor_goes_on(shop: TenantRef, widget: Widget, settings: Settings, is_lost: bool) -> None:
    """Also one whose exchange was answered by a process of the time before, and not heard: the same handle follows."""
    first = widget.session().json()
    second = widget.session(handle=first["handle"]).json()
    rotate(settings)
    shown = first["handle"] if is_lost else second["handle"]
    third = widget.session(handle=shown).json()
    assert third["visitor"] == first["visitor"]
    if is_lost:
        assert third["handle"] == second["handle"]
    assert visitors(shop) == 1
