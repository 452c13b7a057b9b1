"""A rolling restart behind nginx: no message is lost, nobody is out for long. `make rolling-restart` has 2,000 sockets."""

import math
import os

import pytest

from bench.load import compiler
from saas.up.redis import find_program
from saas.up.unpacked import NGINX
from tests.chaos.ground import Ground
from tests.infra.rolling_restart import restart_all

SOCKETS = 200
BESIDE_OTHERS = 30.0  # seconds without service, at most, while other tests have every core; alone it is 5, as the command asks

pytestmark = [
    pytest.mark.xdist_group("infra"),
    pytest.mark.timeout(300),
    pytest.mark.skipif(find_program() is None, reason="no Redis server for two processes"),
    pytest.mark.skipif(NGINX.find() is None, reason="no nginx; `python -m saas.up.unpacked` fetches Debian's"),
    pytest.mark.skipif(compiler() is None, reason="no C compiler for the crowd"),
]


@pytest.fixture
def base(database: None) -> Ground:
    """The test run's own database: nothing here harms it."""
    return Ground(None, os.environ["TEST_SUPERUSER_URL"], {})  # type: ignore[arg-type]  # whose server nobody kills here


async def test_nobody_loses_a_message_and_nobody_is_long_without_service(base: Ground) -> None:
    found = await restart_all(base, SOCKETS)
    assert found.problems(longest=BESIDE_OTHERS, at_once=math.inf) == []  # who stood still together comes back together
    assert found.verdict.acked > 50
