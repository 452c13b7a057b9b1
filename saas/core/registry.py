"""Named hooks: a lower app announces, an upper app answers. The only way in which anything reaches upward.

The upper app fills a hook in its `AppConfig.ready()`; the lower app calls it. A hook that nobody filled is silent.
"""

from collections.abc import Callable
from typing import Any


class Hook:
    """A named event with any number of answers, called in the order in which they were filled in."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._answers: list[Callable[..., Any]] = []

    def fill(self, answer: Callable[..., Any]) -> None:
        """Add an answer. Filling the same one twice changes nothing."""
        if answer not in self._answers:
            self._answers.append(answer)

    @property
    def is_filled(self) -> bool:
        """Whether anybody answers."""
        return bool(self._answers)

    def __call__(self, **facts: Any) -> list[Any]:
        """Call every answer with the facts; their results, in order. The first error stops the rest and is raised."""
        return [answer(**facts) for answer in self._answers]


tenant_created = Hook("tenant_created")  # tenant: TenantRef, owner: User -> makes the first site, inside the transaction
sessions_ended = Hook("sessions_ended")  # tenant_id: UUID, user_id: UUID, sid: str | None -> closes live sockets
notify = Hook("notify")  # tenant: TenantRef, recipients: [UUID] | Do, category, kind, title, url, body?, actions?, key? -> tells
support_visit = Hook("support_visit")  # tenant_id: UUID, user_id: UUID -> (name, e-mail) of staff who may look in now, or None
seat_wanted = Hook("seat_wanted")  # tenant_id: UUID, role: str -> raises PlanLimit if nobody more may have it; in the transaction
member_left = Hook("member_left")  # tenant, user_id, name: str, heir: UUID | None, by: str -> number of rooms; in the transaction
rooms_held = Hook("rooms_held")  # tenant: TenantRef, user_id: UUID -> number of open rooms that this agent holds
acts_elsewhere = Hook(
    "acts_elsewhere"
)  # tenant_id: UUID, asked: AuditQuery, limit: int -> [Entry] of a log of its own, newest first
act_names = Hook("act_names")  # -> {act: sentence} of what a log of its own holds
tenant_restored = Hook("tenant_restored")  # tenant: TenantRef -> opens what hangs on a tenant, where it came from elsewhere
tenant_changed = Hook("tenant_changed")  # tenant_id: UUID -> caches forget it, sockets of a suspended tenant close
export_tenant = Hook("export_tenant")  # tenant: TenantRef -> iterator of (name of a file, iterator of its bytes), on the platform
limits_of_plan = Hook("limits_of_plan")  # tenant: TenantRef -> {name of a limit, or *: factor}, in a thread, on the platform
figures = Hook("figures")  # () -> {name: number, or what JSON can hold} of this process, on its event loop, every few seconds
