"""What a subscription will be when what is paid now ends."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from billing.gateway import reading, shapes
from billing.gateway.client import Clients, given, keyed
from billing.gateway.errors import Refused, translated
from billing.gateway.subscriptions import as_items


class Schedules(Clients):
    """Changes at the end of a period."""

    def schedule_change(
        self, subscription: str, *, now: tuple[shapes.Wanted, ...], then: tuple[shapes.Wanted, ...], at: datetime, key: str
    ) -> str:
        """The items that there are `now` until `at`, and `then` others, without prorations; the schedule's id.

        Another schedule must not lead it. Two calls: after a crash between them the same key goes on where it stopped; if the
        second is refused, nothing stays.
        """
        with translated():
            made = self.stripe.v1.subscription_schedules.create(given(from_subscription=subscription), keyed(f"{key}:make"))
        phases = [
            _phase(now, start_date=made.phases[0].start_date, end_date=reading.second(at)),
            _phase(then, start_date=reading.second(at)),
        ]
        try:
            with translated():
                asked = given(phases=phases, end_behavior="release")
                self.stripe.v1.subscription_schedules.update(made.id, asked, keyed(f"{key}:set"))
        except Refused:
            self.release_schedule(made.id, key=f"{key}:undo")
            raise
        return made.id

    def release_schedule(self, id: str, *, key: str) -> None:
        """What was to come does not. Raises Refused for one that has ended."""
        with translated():
            self.stripe.v1.subscription_schedules.release(id, given(), keyed(key))


def _phase(items: tuple[shapes.Wanted, ...], **bounds: Any) -> Any:
    """A phase has items of its own: they are named by their prices alone."""
    return given(items=as_items(replace(item, id="") for item in items), proration_behavior="none", **bounds)
