"""What a subscription will be when what is paid now ends."""

from datetime import datetime
from typing import Any

from billing.gateway import reading, shapes
from billing.gateway.client import Clients, given, keyed
from billing.gateway.errors import translated
from billing.gateway.subscriptions import as_items


class Schedules(Clients):
    """Changes at the end of a period."""

    def schedule(self, id: str) -> shapes.Schedule:
        """Raises NoSuch."""
        with translated():
            return reading.schedule(self.stripe.v1.subscription_schedules.retrieve(id).to_dict())

    def schedule_change(
        self, subscription: str, *, now: tuple[shapes.Wanted, ...], then: tuple[shapes.Wanted, ...], at: datetime, key: str
    ) -> shapes.Schedule:
        """The items that there are `now` until `at`, and `then` others, without prorations. Another schedule must not lead it.

        Two calls: after a crash between them the same key goes on where it stopped.
        """
        with translated():
            made = self.stripe.v1.subscription_schedules.create(given(from_subscription=subscription), keyed(f"{key}:make"))
            start = made.phases[0].start_date
            phases = [_phase(now, start_date=start, end_date=reading.second(at)), _phase(then, start_date=reading.second(at))]
            asked = given(phases=phases, end_behavior="release")
            changed = self.stripe.v1.subscription_schedules.update(made.id, asked, keyed(f"{key}:set"))
        return reading.schedule(changed.to_dict())

    def release_schedule(self, id: str, *, key: str) -> None:
        """What was to come does not. Raises Refused for one that has ended."""
        with translated():
            self.stripe.v1.subscription_schedules.release(id, given(), keyed(key))


def _phase(items: tuple[shapes.Wanted, ...], **bounds: Any) -> dict[str, Any]:
    return given(items=as_items(items), proration_behavior="none", **bounds)
