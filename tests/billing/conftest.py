"""Tenants as billing meets them: on the free plan."""

import pytest

from billing.plans import FREE


@pytest.fixture
def usual_plan() -> str:
    return FREE.key
