"""A desk for the tests of the stand-in's money."""

import pytest

from tests.billing.sandbox.desk import Desk
from tests.support.stripe import Sandbox


@pytest.fixture
def desk(sandbox: Sandbox) -> Desk:
    """A stand-in with plans, and acme without a card."""
    return Desk(sandbox)


@pytest.fixture
def paying(desk: Desk) -> Desk:
    """A stand-in with plans, and acme with a card that works."""
    desk.card()
    return desk
