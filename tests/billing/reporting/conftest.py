"""An empty table of batches, and the stand-in with our meters."""

import pytest

from billing.models import MeterReport
from tests.billing.reporting.scene import Stripe
from tests.support.stripe import Sandbox


@pytest.fixture(autouse=True)
def _nothing_waits() -> None:
    """What other tests left is not sent by these."""
    MeterReport.objects.exclude(status__in=("sent", "waived")).update(status="waived")


@pytest.fixture
def stripe(sandbox: Sandbox) -> Stripe:
    return Stripe(sandbox)
