"""Reading what was done in a tenant, newest first: our own rows, and those of whoever keeps a log beside."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from heapq import merge
from typing import Any, Final
from uuid import UUID

from django.db.models import QuerySet

from saas.core import registry
from saas.core.ids import uuid7_floor
from saas.core.paging import SIZE
from tenants.audit.acts import ACTS
from tenants.models import AuditEntry

PORCHLIGHT: Final = "porchlight"  # who did what nobody did: a job, or the platform's staff
AT_ONCE: Final = 500  # rows of a download read in one query


@dataclass(frozen=True, slots=True)
class AuditQuery:
    """What is asked of the log; what is empty asks for everything. Days are whole, in UTC."""

    by: UUID | str = ""  # a user's or visitor's id, or PORCHLIGHT
    email: str = ""  # of that user, as logs of others name them
    act: str = ""  # an act, or the kind before its dot
    thing: str = ""  # a part of a thing's name
    on: str = ""  # a thing's id
    since: date | None = None
    until: date | None = None
    after: UUID | None = None  # older than this row

    def below(self) -> UUID | None:
        """Rows have ids below this."""
        end = uuid7_floor(_begin(self.until + timedelta(days=1))) if self.until else None
        return min(filter(None, (end, self.after)), default=None)

    def from_id(self) -> UUID | None:
        """Rows have ids from this on."""
        return uuid7_floor(_begin(self.since)) if self.since else None


@dataclass(frozen=True, slots=True)
class Entry:
    """An act as people read it."""

    id: UUID  # sorts by time
    at: datetime
    act: str
    sentence: str  # what was done, without who
    by: str  # empty: Porchlight itself
    by_id: UUID | None
    thing_kind: str
    thing_id: str
    thing_name: str
    address: str
    browser: str
    way: str
    before: Mapping[str, Any] = field(default_factory=dict)
    after: Mapping[str, Any] = field(default_factory=dict)

    @property
    def changes(self) -> list[tuple[str, str, str]]:
        """What changed: its name, and what it was and is in words; empty where it was or is not."""
        names = {**self.before, **self.after}
        return [(name.replace("_", " "), in_words(self.before.get(name)), in_words(self.after.get(name))) for name in names]


def acts_of(tenant_id: UUID, asked: AuditQuery, *, limit: int = SIZE + 1) -> list[Entry]:
    """The newest acts of a tenant that are asked for. Call it on the platform's role: one query here, one in each other log."""
    ours = [_entry(row) for row in _rows(tenant_id, asked)[:limit]]
    others = registry.acts_elsewhere(tenant_id=tenant_id, asked=asked, limit=limit)
    return list(merge(ours, *others, key=lambda entry: entry.id, reverse=True))[:limit]


def every_act(tenant_id: UUID, asked: AuditQuery) -> Iterator[Entry]:
    """All of them, read in portions: as many as there are, with few in memory."""
    while found := acts_of(tenant_id, asked, limit=AT_ONCE):
        yield from found
        asked = replace(asked, after=found[-1].id)


def all_acts() -> dict[str, str]:
    """Every act that a log can hold, and its sentence."""
    return {act: sentence for names in (ACTS, *registry.act_names()) for act, sentence in names.items()}


def sentence_of(act: str, thing: str) -> str:
    """An act in words. One that is known no more stands as it was written."""
    return all_acts().get(act, act.replace(".", " ")).format(thing=thing)


def in_words(value: Any) -> str:
    """A value of before or after as people read it."""
    match value:
        case None | "" | [] | {}:
            return ""
        case bool():
            return "yes" if value else "no"
        case list():
            return ", ".join(in_words(one) for one in value)
        case dict():
            return ", ".join(f"{name}: {in_words(one)}" for name, one in value.items())
    return str(value)


def _rows(tenant_id: UUID, asked: AuditQuery) -> QuerySet[AuditEntry]:
    rows = AuditEntry.objects.filter(tenant_id=tenant_id).order_by("-id")
    wanted = {
        "by_kind": "" if asked.by == PORCHLIGHT else None,
        "by_id": asked.by if isinstance(asked.by, UUID) else None,
        "act": asked.act if "." in asked.act else None,
        "act__startswith": f"{asked.act}." if asked.act and "." not in asked.act else None,
        "thing_name__icontains": asked.thing or None,
        "thing_id": asked.on or None,
        "id__lt": asked.below(),
        "id__gte": asked.from_id(),
    }
    return rows.filter(**{name: value for name, value in wanted.items() if value is not None})


def _entry(row: AuditEntry) -> Entry:
    return Entry(
        id=row.id,
        at=row.at,
        act=row.act,
        sentence=sentence_of(row.act, row.thing_name),
        by=row.by_name,
        by_id=row.by_id,
        thing_kind=row.thing_kind,
        thing_id=row.thing_id,
        thing_name=row.thing_name,
        address=row.address,
        browser=row.browser,
        way=row.way,
        before=row.before,
        after=row.after,
    )


def _begin(day: date) -> datetime:
    return datetime.combine(day, time.min, UTC)
