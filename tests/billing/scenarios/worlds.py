"""The two places in which a scenario can happen: the stand-in, and a test account of Stripe's with a test clock."""

import secrets
import time
from typing import Any, Final, Protocol

import stripe

from tests.support.stripe import Sandbox

PATIENCE: Final = 300.0  # seconds for what Stripe does in its own time
PAUSE: Final = 3.0  # seconds between two looks; a test account may ask 100 times a second


class World(Protocol):
    """Where a scenario happens. Names that must be unique in an account end with `mark`."""

    client: stripe.StripeClient
    mark: str

    def customer(self) -> str:
        """A new customer, whose time is that of the world."""

    def now(self) -> int:
        """The second of the world's clock."""

    def advance_to(self, second: int) -> None:
        """Move the clock, and wait until everything due is done."""

    def wait_for_usage(self, meter: str, customer: str, total: int) -> None:
        """Wait until a meter knows of what was sent."""


class StandInWorld:
    """All at once, and the clock is everybody's."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.client, self.mark, self._sandbox = sandbox.client(), "scenario", sandbox

    def customer(self) -> str:
        return self.client.v1.customers.create({"name": "acme"}).id

    def now(self) -> int:
        return self._sandbox.now()

    def advance_to(self, second: int) -> None:
        self._sandbox.advance_to(second)

    def wait_for_usage(self, meter: str, customer: str, total: int) -> None:
        assert _used(self, meter, customer) == total


class StripeWorld:
    """A test account: everything takes its time, and stays in the account until its clock is deleted."""

    def __init__(self, key: str) -> None:
        if not key.startswith(("sk_test_", "rk_test_")):
            raise ValueError("STRIPE_TEST_KEY must be a key of test mode: it begins with sk_test_ or rk_test_.")
        self.client = stripe.StripeClient(key, max_network_retries=3)
        self.mark = secrets.token_hex(4)
        self._clock = self.client.v1.test_helpers.test_clocks.create({"frozen_time": int(time.time()), "name": self.mark}).id

    def customer(self) -> str:
        return self.client.v1.customers.create({"name": "acme", "test_clock": self._clock}).id

    def now(self) -> int:
        return self.client.v1.test_helpers.test_clocks.retrieve(self._clock).frozen_time

    def advance_to(self, second: int) -> None:
        self.client.v1.test_helpers.test_clocks.advance(self._clock, {"frozen_time": second})
        _wait(lambda: self.client.v1.test_helpers.test_clocks.retrieve(self._clock).status == "ready", "the clock")

    def wait_for_usage(self, meter: str, customer: str, total: int) -> None:
        _wait(lambda: _used(self, meter, customer) == total, f"{total} units of {meter}")

    def leave(self) -> None:
        """Delete the clock, and with it the customers and subscriptions."""
        self.client.v1.test_helpers.test_clocks.delete(self._clock)


def _used(world: World, meter: str, customer: str) -> float:
    now = world.now()
    asked: Any = {"customer": customer, "start_time": (now - 86_400) // 60 * 60, "end_time": now // 60 * 60 + 60}
    return sum(row.aggregated_value for row in world.client.v1.billing.meters.event_summaries.list(meter, asked).data)


def _wait(is_so: Any, what: str) -> None:
    end = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < end, f"Stripe did not get to {what} in {PATIENCE:.0f} seconds."
        time.sleep(PAUSE)
