"""A bad day on two worker processes, one on the plain server, and two mutants that are caught. `make chaos` has the rest."""

import os
from collections.abc import Iterator
from dataclasses import replace

import pytest

from saas.up.redis import HOW_TO, find_program
from tests.chaos.ground import Ground, ground
from tests.chaos.mutation import MUTANTS, hunt
from tests.chaos.play import new_seed, play
from tests.chaos.scenarios import SCENARIOS

# One worker of xdist has all of them, beside the others: they share the ground and their harm.
pytestmark = [pytest.mark.chaos, pytest.mark.timeout(600), pytest.mark.xdist_group("chaos")]
needs_redis = pytest.mark.skipif(find_program() is None, reason=f"no Redis server for two processes: {HOW_TO}")

BAD_DAY_SECONDS = 30.0  # of faults; with starts and calm, all of this page takes about a minute on a quiet machine
PLAIN_SECONDS = 5.0


@pytest.fixture(scope="module")
def made() -> Iterator[Ground]:
    with ground() as made:
        yield made


@pytest.fixture
def seed() -> int:
    """`CHAOS_SEED` plays a failure again."""
    seed = int(os.environ.get("CHAOS_SEED", 0)) or new_seed()
    print(f"CHAOS_SEED={seed}")  # noqa: T201 - shown with a failure
    return seed


@needs_redis
async def test_a_bad_day_costs_nothing_but_time(made: Ground, seed: int) -> None:
    played = await play(SCENARIOS["bad_day"], made, seed=seed, seconds=BAD_DAY_SECONDS)
    assert played.is_clean, played.report()
    assert played.verdict.acked > 100
    assert played.kills > 3


async def test_cut_sockets_cost_nothing_on_the_plain_server(made: Ground, seed: int) -> None:
    cuts = SCENARIOS["sockets_cut"]
    played = await play(
        replace(cuts, setting=replace(cuts.setting, workers=1, kind="daphne")), made, seed=seed, seconds=PLAIN_SECONDS
    )
    assert played.is_clean, played.report()
    assert played.kills > 10


@needs_redis
@pytest.mark.parametrize("name", ["no_dedupe", "no_tenant_reset"])
async def test_a_mutant_is_caught(made: Ground, seed: int, name: str) -> None:
    caught = await hunt([MUTANTS[name]], made, seed=seed)
    assert caught[name]["caught"], caught
