"""Icons look as the library draws them, and are drawn once."""

from django.template import Context, Template
from lucide.templatetags.lucide import lucide as draw

from saas.core.icons import _drawn

BELL = Template('{% load lucide %}{% lucide "bell" size=18 stroke_width=1.75 class="icon" aria_hidden="true" %}')


def test_an_icon_is_as_the_library_draws_it() -> None:
    wanted = draw("bell", size=18, stroke_width=1.75, **{"class": "icon"}, aria_hidden="true")
    assert BELL.render(Context()) == wanted
    assert 'stroke-width="1.75"' in wanted


def test_the_second_time_it_is_not_drawn_again() -> None:
    BELL.render(Context())
    before = _drawn.cache_info().misses
    BELL.render(Context())
    assert _drawn.cache_info().misses == before
