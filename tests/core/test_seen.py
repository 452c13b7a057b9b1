"""Who keeps a thing second is told what is stored; nothing is overwritten in silence."""

from uuid import UUID

import pytest

from saas.core.errors import ChangedSince
from saas.core.seen import mark_of, refuse_if_changed

SHOWN = {"title": "Ask us", "slow": 0, "id": UUID(int=7), "words": ["a", "b"]}


def test_the_order_of_names_does_not_matter() -> None:
    assert mark_of(SHOWN) == mark_of(dict(reversed(SHOWN.items())))


@pytest.mark.parametrize("change", [{"title": "Ask"}, {"slow": 1}, {"id": UUID(int=8)}, {"words": ["b", "a"]}, {"more": 1}])
def test_every_difference_counts(change: dict[str, object]) -> None:
    assert mark_of(SHOWN) != mark_of(SHOWN | change)


def test_what_nobody_changed_is_let_through() -> None:
    refuse_if_changed(mark_of(SHOWN), SHOWN)


def test_what_somebody_changed_is_refused_with_what_is_stored() -> None:
    stored = SHOWN | {"title": "Ask"}
    with pytest.raises(ChangedSince) as refused:
        refuse_if_changed(mark_of(SHOWN), stored)
    assert refused.value.stored == stored
    assert refused.value.status == 409


def test_a_program_without_a_mark_is_not_asked() -> None:
    refuse_if_changed(None, SHOWN)


def test_an_empty_mark_is_the_mark_of_nothing() -> None:
    with pytest.raises(ChangedSince):
        refuse_if_changed("", SHOWN)
