"""Places: so many at the same time under each bound, taken together, given back whatever happens."""

import asyncio

import pytest

from saas.core.ratelimit import Most, Places

EACH, ALL = Most("test.each", 2, "tenant"), Most("test.all", 3, "process")
LONG = 3_600.0


def places_of(owner: str) -> dict[Most, object]:
    return {EACH: owner, ALL: None}


def test_a_place_under_each_bound_or_none() -> None:
    places = Places()
    assert [places.take(places_of("a")) for _ in range(3)] == [True, True, False]
    assert [places.take(places_of("b")) for _ in range(2)] == [True, False], (
        "what was refused to one took nothing from the others"
    )
    places.give_back(places_of("a"))
    assert places.take(places_of("b"))


async def test_so_many_linger_and_the_others_go_at_once() -> None:
    places = Places()
    lingering = [asyncio.ensure_future(places.linger(places_of("a"), LONG)) for _ in range(5)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert sum(not one.done() for one in lingering) == 2
    for one in lingering:
        one.cancel()
    await asyncio.wait(lingering)
    assert places.take(places_of("a")), "who goes away gives the place back"


async def test_a_place_is_given_back_after_the_time() -> None:
    places = Places()
    await asyncio.gather(*(places.linger(places_of("a"), 0.0) for _ in range(2)))
    assert [places.take(places_of("a")) for _ in range(3)] == [True, True, False]


@pytest.mark.parametrize("owner", ["a", "b"])
async def test_whoever_lingers_keeps_a_place_from_nobody_elses_bound(owner: str) -> None:
    places = Places()
    one = asyncio.ensure_future(places.linger(places_of("a"), LONG))
    await asyncio.sleep(0)
    assert [places.take({EACH: owner}) for _ in range(2)] == [True, owner == "b"]
    one.cancel()
