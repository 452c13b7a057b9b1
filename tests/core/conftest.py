"""What the tests of limits and of the shared cache have."""

import pytest

from saas.core.ratelimit import absence, permits_on_credit, shared
from tests.support.patience import PATIENCE


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Redis that answers is never taken for one that is away, however slow the machine is; for clients that are made later."""
    for name in absence.ANSWER_SOON:
        monkeypatch.setitem(absence.ANSWER_SOON, name, PATIENCE)
    for module in (shared, permits_on_credit):
        monkeypatch.setattr(module, "TIMEOUT", PATIENCE)
