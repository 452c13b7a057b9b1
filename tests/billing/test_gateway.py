"""The gateway by the real SDK over HTTP: what goes out is what the SDK's own types promise, what comes back are plain records."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest

from billing.gateway import Gateway, gateway, shapes
from billing.gateway.errors import NoSuch
from billing.services.price_list import sync_plans
from tests.support.stripe import Sandbox

pytestmark = pytest.mark.usefixtures("sandbox")


def test_plans_come_to_stripe_and_are_found_again(sandbox: Sandbox) -> None:
    done = sync_plans(gateway())
    assert [words for words in done if words.startswith("price")]
    price = gateway().prices(lookup_keys=["porchlight-team-1-message"])[0]
    assert (price.unit_amount, price.included, price.interval) == (Decimal("0.4"), 1_000, "month")
    assert sync_plans(gateway()) == []
