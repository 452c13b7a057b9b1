"""From a number on an invoice down to what it counts: the batches of a tenant's meter, and the events of each."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from billing.models import Meter, MeterPosition, MeterReport, StorageSample
from billing.periods import Period
from saas.core.errors import NotFound


@dataclass(frozen=True, slots=True)
class Window:
    """An hour, or the part of it in one period: the batches of it, the first one and what came late."""

    start: datetime
    end: datetime
    batches: list[MeterReport]

    @property
    def quantity(self) -> int:
        return sum(batch.quantity for batch in self.batches)

    @property
    def id(self) -> UUID:
        """Of its first batch, by which it is found."""
        return self.batches[0].id


def windows_of(tenant_id: UUID, meter: Meter, period: Period) -> list[Window]:
    """The windows of a period in which something was used, the newest first. Corrections by staff are windows of their own."""
    found: dict[tuple[datetime, datetime, bool], list[MeterReport]] = {}
    batches = MeterReport.for_tenant(tenant_id).filter(meter=meter)
    inside = batches.filter(window_start__gte=period.start, window_start__lt=period.end).order_by("-window_start", "seq")
    for batch in inside:
        found.setdefault((batch.window_start, batch.window_end, batch.is_correction), []).append(batch)
    return [Window(start, end, together) for (start, end, _), together in found.items()]


def window_of_batch(tenant_id: UUID, batch_id: UUID) -> tuple[MeterReport, Window]:
    """A batch of the tenant, with the others of its window. Raises NotFound for those of others."""
    batch = MeterReport.for_tenant(tenant_id).filter(id=batch_id).first()
    if batch is None:
        raise NotFound("There is no such batch.")
    same = MeterReport.for_tenant(tenant_id).filter(
        meter=batch.meter, window_start=batch.window_start, is_correction=batch.is_correction
    )
    return batch, Window(batch.window_start, batch.window_end, list(same.order_by("seq")))


def frozen_until(tenant_id: UUID, meter: Meter) -> datetime | None:
    """Up to when the meter's events are in batches; None if no batch was ever made."""
    position = MeterPosition.for_tenant(tenant_id).filter(meter=meter).first()
    return position.frozen_until if position else None


def samples_of(tenant_id: UUID, meter: Meter, ids: Iterable[UUID]) -> dict[UUID, StorageSample]:
    """The samples of storage that events count, by their id, which is the events' own. None of another meter."""
    if meter != Meter.STORAGE:
        return {}
    return {sample.id: sample for sample in StorageSample.for_tenant(tenant_id).filter(id__in=list(ids))}
