"""Slices of a turn of the loop: one owner's are spent together, another's are its own, and the next turn begins anew."""

import asyncio

import pytest

from saas.core.slices import SLICE, Slices, slices_of


@pytest.fixture
async def slices() -> Slices:
    return Slices(asyncio.get_running_loop())


async def test_what_one_owner_spends_is_left_to_the_others(slices: Slices) -> None:
    slices.spend("noisy", SLICE / 2)
    assert slices.left("noisy") == pytest.approx(SLICE / 2)
    slices.spend("noisy", SLICE)
    assert slices.left("noisy") < 0
    assert slices.left("quiet") == SLICE


async def test_each_turn_begins_anew(slices: Slices) -> None:
    for _ in range(3):
        slices.spend("noisy", 2 * SLICE)
        assert slices.left("noisy") < 0
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert slices.left("noisy") == SLICE


async def test_a_loop_has_one_set() -> None:
    assert slices_of(asyncio.get_running_loop()) is slices_of(asyncio.get_running_loop())
